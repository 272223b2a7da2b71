import type { Clock } from '@heliograph/service';

/** Options of {@link createTimedCache}. */
export interface TimedCacheOptions<Value> {
  /** Counted from the moment at which the value began to be read. */
  readonly maxAgeMs: number;
  /** What the values may weigh together; the oldest make room. */
  readonly maxWeight: number;
  readonly weigh: (key: string, value: Value) => number;
  readonly clock: Clock;
}

/** Values for seconds, so that a request needs no database and a change holds soon. */
export interface TimedCache<Value> {
  get(key: string): Value | undefined;
  /** `readAt` is monotonic, from before the value was read. */
  set(key: string, value: Value, readAt: number): void;
  deleteWhere(isMeant: (key: string) => boolean): void;
}

/** Creates a cache that is bounded by age and by weight. */
export function createTimedCache<Value>(options: TimedCacheOptions<Value>): TimedCache<Value> {
  const { maxAgeMs, maxWeight, weigh, clock } = options;
  const entries = new Map<
    string,
    { readonly value: Value; readonly readAt: number; readonly weight: number }
  >();
  let total = 0;
  const remove = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    total -= entry.weight;
    entries.delete(key);
  };
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (clock.monotonicMs() - entry.readAt < maxAgeMs) return entry.value;
      remove(key);
      return undefined;
    },
    set: (key, value, readAt) => {
      remove(key);
      const weight = weigh(key, value);
      if (weight > maxWeight) return;
      entries.set(key, { value, readAt, weight });
      total += weight;
      for (const oldest of entries.keys()) {
        if (total <= maxWeight) return;
        remove(oldest);
      }
    },
    deleteWhere: (isMeant) => {
      for (const key of entries.keys()) if (isMeant(key)) remove(key);
    },
  };
}
