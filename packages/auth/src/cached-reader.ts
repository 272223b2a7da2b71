import { createTimedCache, type TimedCacheOptions } from './timed-cache.ts';

/** Options of {@link createCachedReader}. What weighs more than `maxWeight` is not remembered. */
export interface CachedReaderOptions<Query, Value> extends TimedCacheOptions<Value> {
  readonly read: (query: Query) => Promise<Value>;
  readonly keyOf: (query: Query) => string;
}

/** Reads values, and remembers them for seconds. */
export interface CachedReader<Query, Value> {
  /** Rejects as `read` does. Callers that ask for the same at once share one read. */
  get(query: Query): Promise<Value>;
  /** Whoever asks from now on is given what is read from now on: a read that is under way is neither shared nor kept. */
  forget(isMeant: (key: string) => boolean): void;
}

/** Creates a reader that remembers what it read, counted from the moment at which the read began. */
export function createCachedReader<Query, Value>(
  options: CachedReaderOptions<Query, Value>,
): CachedReader<Query, Value> {
  const { read, keyOf, clock } = options;
  const cache = createTimedCache(options);
  const reading = new Map<string, Promise<Value>>();
  const start = (key: string, query: Query): Promise<Value> => {
    const readAt = clock.monotonicMs();
    const isCurrent = (): boolean => reading.get(key) === running;
    const running = Promise.resolve()
      .then(() => read(query))
      .then((value) => {
        if (isCurrent()) cache.set(key, value, readAt);
        return value;
      })
      .finally(() => {
        if (isCurrent()) reading.delete(key);
      });
    reading.set(key, running);
    return running;
  };
  return {
    get: async (query) => {
      const key = keyOf(query);
      return cache.get(key) ?? reading.get(key) ?? start(key, query);
    },
    forget: (isMeant) => {
      for (const key of reading.keys()) if (isMeant(key)) reading.delete(key);
      cache.deleteWhere(isMeant);
    },
  };
}
