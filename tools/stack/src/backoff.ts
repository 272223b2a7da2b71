/** The delays before restarts of one process. */
export interface Backoff {
  /** `healthyForMs` is how long the process had been ready before it died, 0 when it never became ready. */
  nextDelayMs(healthyForMs: number): number;
}

/** Creates delays that double from 100 ms to 10 s and start over after a healthy minute. */
export function createBackoff({
  firstMs = 100,
  maxMs = 10_000,
  healthyMs = 60_000,
}: { firstMs?: number; maxMs?: number; healthyMs?: number } = {}): Backoff {
  let nextMs = firstMs;
  return {
    nextDelayMs(healthyForMs) {
      if (healthyForMs >= healthyMs) nextMs = firstMs;
      const delayMs = nextMs;
      nextMs = Math.min(nextMs * 2, maxMs);
      return delayMs;
    },
  };
}
