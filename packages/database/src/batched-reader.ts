/** Options of {@link createBatchedReader}. */
export interface BatchedReaderOptions<Key, Value> {
  /** Reads many at once; the values come in any order, those that do not exist are left out. */
  readonly readMany: (keys: readonly Key[]) => Promise<readonly Value[]>;
  readonly keyOf: (key: Key | Value) => string;
  /** Keys in one read at most; default 200. */
  readonly maxBatch?: number;
  /** Reads at once; default 2. */
  readonly maxConcurrent?: number;
}

/**
 * Combines single reads into few. A read starts at once while fewer than `maxConcurrent` run, so nothing waits to be
 * combined; those requested meanwhile become one read when another ends. The busier, the larger the batches. A read that
 * fails rejects all its keys.
 */
export function createBatchedReader<Key, Value extends object>(
  options: BatchedReaderOptions<Key, Value>,
): (key: Key) => Promise<Value | null> {
  const { readMany, keyOf, maxBatch = 200, maxConcurrent = 2 } = options;
  let waiting: { key: Key; resolve: (value: Value | null) => void; reject: (error: unknown) => void }[] = [];
  let running = 0;
  const flush = async (): Promise<void> => {
    running++;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch);
      waiting = waiting.slice(maxBatch);
      try {
        const found = new Map<string, Value>();
        for (const value of await readMany(batch.map(({ key }) => key))) found.set(keyOf(value), value);
        for (const { key, resolve } of batch) resolve(found.get(keyOf(key)) ?? null);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running--;
  };
  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (running < maxConcurrent) void flush();
    });
}
