/** A second Ctrl-C counts as "at once" only after this time: the terminal and npm both pass on the first one. */
const SAME_KEYSTROKE_MS = 1000;
const PARENT_POLL_MS = 500;

/** Decides what a signal means, by the times of the first stop request and of this one. */
export function meaningOfSignal(firstAtMs: number | undefined, nowMs: number): 'stop' | 'same' | 'force' {
  if (firstAtMs === undefined) return 'stop';
  return nowMs - firstAtMs < SAME_KEYSTROKE_MS ? 'same' : 'force';
}

/** Whether a stop was requested. */
export interface StopRequests {
  /** Aborted by the first request. */
  readonly signal: AbortSignal;
  /** Resolves with the first request. */
  readonly requested: Promise<void>;
  close(): void;
}

/**
 * Watches for everything that ends `npm start`: SIGINT, SIGTERM, SIGHUP and the death of npm. A signal a second or more
 * after the first one calls `onForce`.
 *
 * The end of stdin is no request: under `</dev/null` it is at its end at once.
 */
export function watchStopRequests({ onForce }: { onForce: () => void }): StopRequests {
  const controller = new AbortController();
  let firstAtMs: number | undefined;
  const requested = new Promise((resolve: (value: void) => void) => {
    controller.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const request = () => {
    const meaning = meaningOfSignal(firstAtMs, performance.now());
    if (meaning === 'force') onForce();
    if (meaning !== 'stop') return;
    firstAtMs = performance.now();
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, request);
  const parent = process.ppid;
  // Only npm's death counts: when a shell that started us ends, we keep running.
  const poll = setInterval(() => {
    if (process.ppid !== parent && firstAtMs === undefined) request();
  }, PARENT_POLL_MS);
  if (process.env['npm_lifecycle_event'] === undefined) clearInterval(poll);
  return {
    signal: controller.signal,
    requested,
    close() {
      clearInterval(poll);
      for (const signal of signals) process.off(signal, request);
    },
  };
}
