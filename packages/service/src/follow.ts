/** What {@link follow} does. */
export interface FollowOptions<T> {
  /** Reads the value, and rejects while it cannot be used. */
  readonly read: () => Promise<T>;
  readonly isSame: (before: T, now: T) => boolean;
  /** How often it is read, in milliseconds; default 5,000. */
  readonly intervalMs?: number;
  /**
   * Receives a value before it replaces another, and may take its time: nothing is read meanwhile. What it throws is a
   * problem like that of reading, and the value is offered again.
   */
  readonly onChange?: (now: T, before: T) => unknown;
  /** Receives why the value cannot be used: that of before stays. Once until the reason changes. */
  readonly onProblem?: (error: unknown) => void;
}

/** A value that follows its source. */
export interface Followed<T> {
  /** The last value that could be used. */
  current(): T;
  /** Why the source cannot be used now; null while it can. */
  problem(): unknown;
  /** Reads the source now. */
  reload(): Promise<void>;
  /** Ends the watch; the last value stays. */
  close(): void;
}

/**
 * Reads a value and follows its changes. It is read again and again instead of watched, because mounted configuration and
 * secrets are replaced by renaming a folder, of which a watch does not hear.
 *
 * @throws what the first `read` rejects with: there is no value before the first one.
 */
export async function follow<T>({
  read,
  isSame,
  intervalMs = 5000,
  onChange,
  onProblem,
}: FollowOptions<T>): Promise<Followed<T>> {
  let current = await read();
  let problem: unknown = null;
  const look = async (): Promise<void> => {
    try {
      const now = await read();
      if (!isSame(current, now)) {
        await onChange?.(now, current);
        current = now;
      }
      problem = null;
    } catch (error) {
      const isNew = messageOf(error) !== messageOf(problem);
      problem = error;
      if (isNew) onProblem?.(error);
    }
  };
  // One after the other, so that an older value never replaces a newer one. What a listener throws ends nothing.
  let looking = Promise.resolve();
  let waiting = 0;
  const reload = (): Promise<void> => {
    waiting++;
    looking = looking
      .then(look)
      .catch(() => undefined)
      .finally(() => waiting--);
    return looking;
  };
  const timer = setInterval(() => {
    if (waiting === 0) void reload();
  }, intervalMs).unref();
  return { current: () => current, problem: () => problem, reload, close: () => clearInterval(timer) };
}

function messageOf(error: unknown): string | null {
  if (error === null) return null;
  return error instanceof Error ? error.message : 'unknown';
}
