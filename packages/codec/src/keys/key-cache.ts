import { type CodecError, isCodecError } from '../contract/errors.ts';
import type { CodecKey } from './codec-key.ts';

/** Options of {@link createKeyCache}; durations in milliseconds. */
export interface KeyCacheOptions {
  /** How many keys, and how many failures, are kept: those used last. */
  readonly maxKeys: number;
  /** How long a key is used without being loaded again, counted from when it was loaded. */
  readonly lifetimeMs: number;
  /** How much longer a key is used while it cannot be loaded again, because its source is away. */
  readonly staleMs: number;
  /** How long a refusal is repeated without asking. */
  readonly refusalLifetimeMs: number;
  /** How long any other failure is repeated without asking. */
  readonly backoffMs: number;
  /** A clock that does not go back. */
  readonly now: () => number;
}

/** Keys that were loaded, by a name that says what they decrypt. */
export interface KeyCache {
  /** The key, at once if it is in the cache. Whoever asks for it while it is loaded shares the load, and its failure. */
  find(name: string, load: () => Promise<CodecKey>): CodecKey | Promise<CodecKey>;
  /** Adds a key that is known without a load. */
  store(name: string, key: CodecKey): void;
  /** Forgets what is over its lifetime. */
  sweep(): void;
}

interface Entry<T> {
  readonly value: T;
  readonly until: number;
}

/** Creates a cache whose failures never push out a key: whoever writes payloads can make as many as they like. */
export function createKeyCache(options: KeyCacheOptions): KeyCache {
  const { maxKeys, lifetimeMs, staleMs, refusalLifetimeMs, backoffMs, now } = options;
  const keys = new Map<string, Entry<CodecKey>>();
  const failures = new Map<string, Entry<CodecError>>();
  const loading = new Map<string, Promise<CodecKey>>();
  const put = <T>(entries: Map<string, Entry<T>>, name: string, value: T, durationMs: number): void => {
    entries.delete(name);
    entries.set(name, { value, until: now() + durationMs });
    const [oldest] = entries.keys();
    if (entries.size > maxKeys && oldest !== undefined) entries.delete(oldest);
  };
  /** The entry, also one that ended up to so long ago. */
  const get = <T>(entries: Map<string, Entry<T>>, name: string, lateMs = 0): Entry<T> | undefined => {
    const entry = entries.get(name);
    if (entry === undefined) return undefined;
    entries.delete(name);
    if (entry.until + lateMs <= now()) return undefined;
    // At the end of the map: what was used last is pushed out last.
    entries.set(name, entry);
    return entry;
  };
  const store = (name: string, key: CodecKey): void => put(keys, name, key, lifetimeMs);
  const startLoad = async (name: string, load: () => Promise<CodecKey>): Promise<CodecKey> => {
    try {
      const key = await load();
      store(name, key);
      return key;
    } catch (error) {
      if (isCodecError(error)) {
        put(failures, name, error, error.retryable ? backoffMs : refusalLifetimeMs);
        if (!error.retryable) keys.delete(name);
      }
      throw error;
    } finally {
      loading.delete(name);
    }
  };
  const share = (name: string, load: () => Promise<CodecKey>): Promise<CodecKey> => {
    const pending = loading.get(name);
    if (pending !== undefined) return pending;
    const started = startLoad(name, load);
    loading.set(name, started);
    return started;
  };
  return {
    store,
    find(name, load) {
      const entry = get(keys, name, staleMs);
      if (entry !== undefined && entry.until > now()) return entry.value;
      const unless = (error: unknown): CodecKey => {
        if (entry !== undefined && isCodecError(error) && error.retryable) return entry.value;
        throw error;
      };
      const failure = get(failures, name);
      if (failure !== undefined) return unless(failure.value);
      const loaded = share(name, load);
      return entry === undefined ? loaded : loaded.catch(unless);
    },
    sweep() {
      for (const [name, { until }] of keys) if (until + staleMs <= now()) keys.delete(name);
      for (const [name, { until }] of failures) if (until <= now()) failures.delete(name);
    },
  };
}
