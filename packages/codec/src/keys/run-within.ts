/** Runs work when there is room for it, as `p-limit` does. */
export type Limiter = <T>(run: () => Promise<T>) => Promise<T>;

const unlimited: Limiter = (run) => run();

/** How {@link runWithin} runs a call. */
export interface RunOptions {
  readonly timeoutMs: number;
  readonly limit?: Limiter;
  /** Ends it early; it then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
  /** What it rejects with at the deadline; default an `AbortError`. */
  readonly late?: Error;
}

/**
 * Runs a call within a time. The deadline covers the wait for room too, and holds for a call that ignores its signal: what
 * waits in vain, and what does not answer, leaves its room at the deadline.
 */
export async function runWithin<T>(
  { timeoutMs, limit = unlimited, signal: outer, late }: RunOptions,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(late), timeoutMs);
  const signal = outer === undefined ? deadline.signal : AbortSignal.any([deadline.signal, outer]);
  const passed = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  // Whether or not anybody still waits for it.
  passed.catch(() => undefined);
  const turn = (): Promise<T> => (signal.aborted ? passed : Promise.race([call(signal), passed]));
  try {
    return await Promise.race([limit(turn), passed]);
  } finally {
    clearTimeout(timer);
  }
}
