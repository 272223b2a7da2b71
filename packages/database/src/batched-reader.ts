import { DatabaseError } from './errors.ts';

/** Options of {@link createBatchedReader}. */
export interface BatchedReaderOptions<Key, Value> {
  /** Reads many at once; the values come in any order, those that do not exist are left out. */
  readonly readMany: (keys: readonly Key[]) => Promise<readonly Value[]>;
  readonly keyOf: (key: Key | Value) => string;
  /** Keys in one read at most; default 200. */
  readonly maxBatch?: number;
  /** Reads at once; default 2. */
  readonly maxConcurrent?: number;
  /** Reads that wait longer are given up without having begun: nobody asks for them any more. Default: none is. */
  readonly maxWaitMs?: number;
  /** Reads that wait at most; further ones are given up at once. Default: any number. */
  readonly maxWaiting?: number;
}

/**
 * Combines single reads into few. A read starts at once while fewer than `maxConcurrent` run, so nothing waits to be
 * combined; those requested meanwhile become one read when another ends. The busier, the larger the batches. A read that
 * fails rejects all its keys; one that is given up rejects with `DATABASE_TIMEOUT`, retryable.
 */
export function createBatchedReader<Key, Value extends object>(
  options: BatchedReaderOptions<Key, Value>,
): (key: Key) => Promise<Value | null> {
  const { readMany, keyOf, maxBatch = 200, maxConcurrent = 2 } = options;
  const { maxWaitMs = Infinity, maxWaiting = Infinity } = options;
  let waiting: Waiting<Key, Value>[] = [];
  let running = 0;
  const dropLate = (): void => {
    const now = performance.now();
    // They are in the order of their beginning.
    const inTime = waiting.findIndex(({ since }) => now - since <= maxWaitMs);
    const late = waiting.splice(0, inTime === -1 ? waiting.length : inTime);
    for (const { reject } of late) reject(gaveUp());
  };
  const flush = async (): Promise<void> => {
    running++;
    for (dropLate(); waiting.length > 0; dropLate()) {
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
      if (waiting.length >= maxWaiting) {
        reject(gaveUp());
        return;
      }
      waiting.push({ key, resolve, reject, since: performance.now() });
      if (running < maxConcurrent) void flush();
    });
}

interface Waiting<Key, Value> {
  readonly key: Key;
  readonly resolve: (value: Value | null) => void;
  readonly reject: (error: unknown) => void;
  readonly since: number;
}

function gaveUp(): DatabaseError {
  return new DatabaseError('DATABASE_TIMEOUT', 'too many reads are waiting', { retryable: true });
}
