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
  /** Claims the key for this request atomically, or returns the state of the earlier request. `owner` is the caller. */
  start(key: string, requestHash: string, owner?: string): Promise<IdempotencyStart>;
  /** Keeps the response for later requests with this key, if the store has room for one of its size. */
  complete(key: string, response: StoredResponse): Promise<void>;
  /** Releases the key after a failure, so that a retry runs again. */
  abandon(key: string): Promise<void>;
}

/** Options of {@link memoryIdempotencyStore}. */
export interface MemoryIdempotencyOptions {
  /** How long a response is kept; default 24 h. */
  readonly ttlMs?: number;
  /** How many keys are kept; default 10,000. */
  readonly capacity?: number;
  /** How much memory keys and responses take at most; default 32 MiB. */
  readonly maxBytes?: number;
  /** Responses that take more are not kept: such a request is carried out again when it is repeated. Default 64 KiB. */
  readonly maxResponseBytes?: number;
  /** Which part of `capacity` and `maxBytes` one owner has at most; default a quarter, but two keys. */
  readonly ownerShare?: number;
  readonly clock?: Clock;
}

interface Entry {
  readonly requestHash: string;
  readonly owner: string;
  readonly startedAt: number;
  readonly bytes: number;
  readonly response: StoredResponse | undefined;
}

/** What one owner has in the store. */
interface Holding {
  /** In the order of their start. */
  readonly keys: Set<string>;
  bytes: number;
}

/** The objects and the map slots of an entry. */
const ENTRY_BYTES = 512;

/**
 * Creates a store within this process: a restart clears it, and other instances do not see it. Where it is full, the oldest
 * finished responses go first: those of an owner that has its share, else those of the owner that has most. So nobody can
 * take another's memory, or make another's keys forgotten while having more.
 *
 * @throws ServiceError SERVICE_STORE_FULL from `start`, retryable, when running requests take all that the owner or the
 * store has.
 */
export function memoryIdempotencyStore(options: MemoryIdempotencyOptions = {}): IdempotencyStore {
  const { ttlMs = 86_400_000, capacity = 10_000, maxBytes = 32 * 1024 * 1024, clock = systemClock } = options;
  const { maxResponseBytes = 64 * 1024, ownerShare = 0.25 } = options;
  const ownerCapacity = Math.max(2, Math.floor(capacity * ownerShare));
  const ownerBytes = maxBytes * ownerShare;
  const entries = new Map<string, Entry>();
  const holdings = new Map<string, Holding>();
  let bytes = 0;

  const remove = (key: string): void => {
    const entry = entries.get(key);
    const holding = holdings.get(entry?.owner ?? '');
    if (entry === undefined || holding === undefined) return;
    entries.delete(key);
    holding.keys.delete(key);
    holding.bytes -= entry.bytes;
    bytes -= entry.bytes;
    if (holding.keys.size === 0) holdings.delete(entry.owner);
  };
  const put = (key: string, entry: Entry): void => {
    const holding = holdings.get(entry.owner) ?? { keys: new Set(), bytes: 0 };
    holdings.set(entry.owner, holding);
    holding.keys.add(key);
    holding.bytes += entry.bytes - (entries.get(key)?.bytes ?? 0);
    bytes += entry.bytes - (entries.get(key)?.bytes ?? 0);
    entries.set(key, entry);
  };
  const removeExpired = (): void => {
    for (const [key, entry] of entries) {
      // Entries are in the order of their start, so the first young one ends the search for old ones.
      if (entry.startedAt + ttlMs > clock.now()) return;
      if (entry.response !== undefined) remove(key);
    }
  };
  /** Removes the oldest finished response of an owner; false if it has none. */
  const removeOldest = (owner: string, except: string): boolean => {
    for (const key of holdings.get(owner)?.keys ?? []) {
      if (key === except || entries.get(key)?.response === undefined) continue;
      remove(key);
      return true;
    }
    return false;
  };
  /** Makes room for an entry that grows by so much; false if there is none. */
  const makeRoom = (owner: string, moreKeys: number, moreBytes: number, except: string): boolean => {
    for (;;) {
      const own = holdings.get(owner);
      if ((own?.keys.size ?? 0) + moreKeys <= ownerCapacity && (own?.bytes ?? 0) + moreBytes <= ownerBytes)
        break;
      if (!removeOldest(owner, except)) return false;
    }
    const isFull = (): boolean => entries.size + moreKeys > capacity || bytes + moreBytes > maxBytes;
    while (isFull()) {
      const byBytes = [...holdings].toSorted(([, a], [, b]) => b.bytes - a.bytes);
      if (!byBytes.some(([name]) => removeOldest(name, except))) return false;
    }
    return true;
  };

  return {
    start: async (key, requestHash, owner = '') => {
      const entry = entries.get(key);
      const alive =
        entry !== undefined && (entry.response === undefined || entry.startedAt + ttlMs > clock.now());
      if (alive) {
        if (entry.requestHash !== requestHash) return { kind: 'mismatch' };
        return entry.response === undefined
          ? { kind: 'running' }
          : { kind: 'replay', response: entry.response };
      }
      remove(key);
      removeExpired();
      const size = ENTRY_BYTES + sizeOf(key) * 2 + sizeOf(requestHash);
      if (!makeRoom(owner, 1, size, key)) {
        throw new ServiceError('SERVICE_STORE_FULL', 'too many requests with idempotency keys are running', {
          retryable: true,
        });
      }
      put(key, { requestHash, owner, startedAt: clock.now(), bytes: size, response: undefined });
      return { kind: 'started' };
    },
    complete: async (key, response) => {
      const entry = entries.get(key);
      if (entry === undefined) return;
      const size = sizeOf(response.body) + sizeOf(JSON.stringify(response.headers));
      if (size > maxResponseBytes || !makeRoom(entry.owner, 0, size, key)) remove(key);
      else put(key, { ...entry, bytes: entry.bytes + size, response });
    },
    abandon: async (key) => {
      if (entries.get(key)?.response === undefined) remove(key);
    },
  };
}

/** At most: a character takes one byte or two. */
function sizeOf(text: string): number {
  return text.length * 2;
}
