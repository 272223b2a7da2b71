import { type Clock, systemClock } from './clock.ts';
import { ServiceError } from './errors.ts';

/** A response that can be replayed. */
export interface StoredResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the store knows about a key at the beginning of a request. */
export type IdempotencyStart =
  | { readonly kind: 'started' }
  | { readonly kind: 'replay'; readonly response: StoredResponse }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'running' };

/** Remembers responses by idempotency key; the key already names the caller and the route. */
export interface IdempotencyStore {
  /** Claims the key for this request atomically, or returns the state of the earlier request. */
  start(key: string, requestHash: string): Promise<IdempotencyStart>;
  /** Keeps the response for later requests with this key. */
  complete(key: string, response: StoredResponse): Promise<void>;
  /** Releases the key after a failure, so that a retry runs again. */
  abandon(key: string): Promise<void>;
}

/** Options of {@link memoryIdempotencyStore}. */
export interface MemoryIdempotencyOptions {
  /** How long a response is kept; default 24 h. */
  readonly ttlMs?: number;
  /** How many keys are kept; the oldest finished ones go first. Default 10,000. */
  readonly capacity?: number;
  readonly clock?: Clock;
}

interface Entry {
  readonly requestHash: string;
  readonly startedAt: number;
  readonly response: StoredResponse | undefined;
}

/**
 * Creates a store within this process: a restart clears it, and other instances do not see it.
 *
 * @throws ServiceError SERVICE_STORE_FULL from `start`, retryable, when `capacity` requests are running.
 */
export function memoryIdempotencyStore(options: MemoryIdempotencyOptions = {}): IdempotencyStore {
  const { ttlMs = 86_400_000, capacity = 10_000, clock = systemClock } = options;
  const entries = new Map<string, Entry>();

  const makeRoom = (): void => {
    for (const [key, entry] of entries) {
      // Entries are in the order of their start, so the first young one ends the search for old ones.
      if (entry.startedAt + ttlMs > clock.now()) break;
      if (entry.response !== undefined) entries.delete(key);
    }
    if (entries.size < capacity) return;
    for (const [key, entry] of entries) {
      if (entry.response === undefined) continue;
      entries.delete(key);
      return;
    }
    throw new ServiceError('SERVICE_STORE_FULL', 'too many requests with idempotency keys are running', {
      retryable: true,
    });
  };

  return {
    start: async (key, requestHash) => {
      const entry = entries.get(key);
      const alive =
        entry !== undefined && (entry.response === undefined || entry.startedAt + ttlMs > clock.now());
      if (alive) {
        if (entry.requestHash !== requestHash) return { kind: 'mismatch' };
        return entry.response === undefined
          ? { kind: 'running' }
          : { kind: 'replay', response: entry.response };
      }
      entries.delete(key);
      makeRoom();
      entries.set(key, { requestHash, startedAt: clock.now(), response: undefined });
      return { kind: 'started' };
    },
    complete: async (key, response) => {
      const entry = entries.get(key);
      if (entry !== undefined) entries.set(key, { ...entry, response });
    },
    abandon: async (key) => {
      if (entries.get(key)?.response === undefined) entries.delete(key);
    },
  };
}
