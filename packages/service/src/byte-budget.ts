import { problem } from './problem.ts';

/** How much memory the requests of one process may hold at the same time, in bytes. */
export interface ByteLimits {
  /** All of them together. */
  readonly totalBytes: number;
  /** Those of one caller, so that nobody takes the share of all others. */
  readonly callerBytes: number;
}

/** What one request holds. */
export interface ByteHold {
  /**
   * Counts bytes before, or right after, they are held.
   *
   * @throws Problem 429 BYTES_LIMITED, 503 OVERLOADED; the bytes are then not counted.
   */
  take(bytes: number): void;
  /**
   * Looks whether anything could be taken, for a request that takes nothing before it is carried out.
   *
   * @throws Problem 429 BYTES_LIMITED, 503 OVERLOADED
   */
  assertRoom(): void;
  /** Counts at least so many bytes; throws like `take`. */
  takeAtLeast(bytes: number): void;
  /** Counts at least so many bytes, and refuses nothing. */
  raise(bytes: number): void;
  /** Gives back bytes that are no longer held. */
  release(bytes: number): void;
  /** Gives back what is left; what is taken afterwards is not counted. */
  close(): void;
}

/** The bytes that all requests of a process hold. */
export interface ByteBudget {
  heldBytes(): number;
  open(caller: string): ByteHold;
}

/**
 * Creates a budget. Whoever asks beyond it is refused at once: waiting would hold what was taken already. What a caller holds
 * beyond its share, by `raise`, refuses that caller and nobody else.
 */
export function createByteBudget({ totalBytes, callerBytes }: ByteLimits): ByteBudget {
  const held = new Map<string, number>();
  let total = 0;
  /** The sum of all callers, each with its share at most. */
  let shared = 0;
  const heldBy = (caller: string): number => held.get(caller) ?? 0;
  const change = (caller: string, bytes: number): void => {
    const before = heldBy(caller);
    const now = before + bytes;
    total += bytes;
    shared += Math.min(now, callerBytes) - Math.min(before, callerBytes);
    if (now === 0) held.delete(caller);
    else held.set(caller, now);
  };
  const assertFits = (caller: string, bytes: number): void => {
    if (shared + bytes > totalBytes)
      throw problem(503, 'OVERLOADED', 'The server holds as much as it may. Try again later.', {
        retryAfterSeconds: 1,
      });
    if (heldBy(caller) + bytes > callerBytes)
      throw problem(
        429,
        'BYTES_LIMITED',
        'Your requests hold as much of the server as those of one caller may. Send fewer at once.',
        { retryAfterSeconds: 1 },
      );
  };
  return {
    heldBytes: () => total,
    open(caller) {
      let own = 0;
      let isClosed = false;
      const release = (bytes: number): void => {
        const given = Math.min(bytes, own);
        own -= given;
        change(caller, -given);
      };
      const take = (bytes: number): void => {
        if (isClosed) return;
        assertFits(caller, bytes);
        own += bytes;
        change(caller, bytes);
      };
      return {
        take,
        assertRoom() {
          if (!isClosed) assertFits(caller, 1);
        },
        takeAtLeast(bytes) {
          if (bytes > own) take(bytes - own);
        },
        raise(bytes) {
          if (isClosed || bytes <= own) return;
          change(caller, bytes - own);
          own = bytes;
        },
        release,
        close() {
          isClosed = true;
          release(own);
        },
      };
    },
  };
}
