/**
 * Time as a port: code that waits or stamps takes a clock, so that a test can be in charge of it.
 * Instants are milliseconds since the Unix epoch.
 */
export interface Clock {
  /** Returns the wall-clock instant in epoch milliseconds; it may jump when the machine's clock is set. */
  now(): number;
  /** Returns milliseconds since an arbitrary origin; it never goes back, so durations are measured with it. */
  monotonicMs(): number;
  /**
   * Resolves after `durationMs`, or at once when the signal is aborted: a waiter that was woken early
   * looks at the signal. It never rejects.
   */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (durationMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, durationMs);
      signal?.addEventListener('abort', wake, { once: true });
    }),
};

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves the time forward and wakes, in the order of their instants, the sleepers that are due. */
  advance(durationMs: number): void;
  /** Returns how many sleepers wait; a test asserts with it that nothing was left behind. */
  sleepers(): number;
}

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

/** Creates a clock that begins at `startAt` (epoch milliseconds, default 2026-01-01T00:00:00Z). */
export function manualClock(startAt: number = Date.UTC(2026, 0, 1)): ManualClock {
  let nowAt = startAt;
  let waiting: readonly Sleeper[] = [];
  return {
    now: () => nowAt,
    monotonicMs: () => nowAt - startAt,
    sleepers: () => waiting.length,
    sleep: (durationMs, signal) =>
      new Promise((resolve) => {
        if (durationMs <= 0 || signal?.aborted === true) {
          resolve();
          return;
        }
        const sleeper: Sleeper = {
          wakeAt: nowAt + durationMs,
          wake: () => {
            waiting = waiting.filter((other) => other !== sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        waiting = [...waiting, sleeper];
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      }),
    advance: (durationMs) => {
      nowAt += durationMs;
      const due = waiting.filter((sleeper) => sleeper.wakeAt <= nowAt);
      for (const sleeper of due.toSorted((a, b) => a.wakeAt - b.wakeAt)) sleeper.wake();
    },
  };
}
