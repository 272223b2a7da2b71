import { type CodecError, isCodecError } from '../contract/errors.ts';
import type { CodecKey } from './codec-key.ts';

/** Options of {@link createKeyCache}; durations in milliseconds. */
export interface KeyCacheOptions {
  /** How many keys, and how many failures, are kept: those used last. */
  readonly maxKeys: number;
  /** How long a key is kept, counted from when it was loaded. */
  readonly lifetimeMs: number;
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
  const { maxKeys, lifetimeMs, refusalLifetimeMs, backoffMs, now } = options;
  const keys = new Map<string, Entry<CodecKey>>();
  const failures = new Map<string, Entry<CodecError>>();
  const loading = new Map<string, Promise<CodecKey>>();
  const put = <T>(entries: Map<string, Entry<T>>, name: string, value: T, durationMs: number): void => {
    entries.delete(name);
    entries.set(name, { value, until: now() + durationMs });
    const [oldest] = entries.keys();
    if (entries.size > maxKeys && oldest !== undefined) entries.delete(oldest);
  };
  const get = <T>(entries: Map<string, Entry<T>>, name: string): T | undefined => {
    const entry = entries.get(name);
    if (entry === undefined) return undefined;
    entries.delete(name);
    if (entry.until <= now()) return undefined;
    // At the end of the map: what was used last is pushed out last.
    entries.set(name, entry);
    return entry.value;
  };
  const store = (name: string, key: CodecKey): void => put(keys, name, key, lifetimeMs);
  const startLoad = async (name: string, load: () => Promise<CodecKey>): Promise<CodecKey> => {
    try {
      const key = await load();
      store(name, key);
      return key;
    } catch (error) {
      if (isCodecError(error)) put(failures, name, error, error.retryable ? backoffMs : refusalLifetimeMs);
      throw error;
    } finally {
      loading.delete(name);
    }
  };
  return {
    store,
    find(name, load) {
      const key = get(keys, name);
      if (key !== undefined) return key;
      const failure = get(failures, name);
      if (failure !== undefined) throw failure;
      const pending = loading.get(name);
      if (pending !== undefined) return pending;
      const started = startLoad(name, load);
      loading.set(name, started);
      return started;
    },
    sweep() {
      for (const entries of [keys, failures])
        for (const [name, { until }] of entries) if (until <= now()) entries.delete(name);
    },
  };
}
