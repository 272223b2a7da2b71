/** Options of {@link createBatchedWriter}. */
export interface BatchedWriterOptions<Item> {
  /** Writes many at once, all or none. */
  readonly writeMany: (items: readonly Item[]) => Promise<void>;
  /** Items with the same key are never in one batch, and are written in their order. */
  readonly keyOf: (item: Item) => string;
  /** Whether a failure concerns all items alike, such as an unavailable database. */
  readonly isTemporary: (error: unknown) => boolean;
  /** Items in one write at most; default 200. */
  readonly maxBatch?: number;
}

/**
 * Group commit: a write starts at once while none runs; those requested meanwhile become one write afterwards. A batch
 * that is refused is written again item by item, so that one bad item fails alone, unless `isTemporary` says that each
 * would fail alike.
 */
export function createBatchedWriter<Item>(
  options: BatchedWriterOptions<Item>,
): (item: Item) => Promise<void> {
  const { writeMany, keyOf, isTemporary, maxBatch = 200 } = options;
  let waiting: { item: Item; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let running = false;
  const take = (): typeof waiting => {
    const keys = new Set<string>();
    const batch: typeof waiting = [];
    const rest: typeof waiting = [];
    for (const each of waiting) {
      const key = keyOf(each.item);
      if (batch.length < maxBatch && !keys.has(key)) batch.push(each);
      else rest.push(each);
      keys.add(key);
    }
    waiting = rest;
    return batch;
  };
  const flush = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const batch = take();
      try {
        await writeMany(batch.map(({ item }) => item));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        if (batch.length === 1 || isTemporary(error)) for (const { reject } of batch) reject(error);
        else for (const { item, resolve, reject } of batch) await writeMany([item]).then(resolve, reject);
      }
    }
    running = false;
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!running) void flush();
    });
}
