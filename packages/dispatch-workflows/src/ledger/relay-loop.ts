/** A loop that relays rows until it is stopped. */
export interface RelayLoop {
  /** Ends the loop, after what is waiting now has been relayed or could not be. */
  stop(): Promise<void>;
}

/** Options of {@link startRelayLoop}. */
export interface RelayLoopOptions {
  /** Between two rounds, in milliseconds; default 500. */
  readonly intervalMs?: number;
  /** A round that relays as many rows is followed by the next at once; default 50. */
  readonly busyRows?: number;
  /** The longest wait while rounds fail, in milliseconds; it doubles up to there. Default 30 000. */
  readonly maxBackoffMs?: number;
  readonly onError?: (error: unknown) => void;
}

/**
 * Calls `relay`, which resolves to the number of rows that it relayed, one round after another. Rounds never overlap, a
 * failed one is reported and repeated, and the timer does not keep the process alive.
 */
export function startRelayLoop(relay: () => Promise<number>, options: RelayLoopOptions = {}): RelayLoop {
  const { intervalMs = 500, busyRows = 50, maxBackoffMs = 30_000, onError } = options;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let failures = 0;
  let running = Promise.resolve();
  const round = async (): Promise<void> => {
    let relayed = 0;
    try {
      relayed = await relay();
      failures = 0;
    } catch (error) {
      failures++;
      onError?.(error);
    }
    if (isStopped) return;
    const waitMs =
      failures > 0
        ? Math.min(maxBackoffMs, intervalMs * 2 ** failures)
        : relayed >= busyRows
          ? 0
          : intervalMs;
    timer = setTimeout(() => {
      running = round();
    }, waitMs);
    timer.unref();
  };
  running = round();
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
      try {
        while ((await relay()) > 0);
      } catch (error) {
        onError?.(error);
      }
    },
  };
}
