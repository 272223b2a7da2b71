/**
 * Tells how long to wait before each restart: doubling from 100 ms to 10 s, starting over after a healthy minute.
 * @returns `healthyForMs` is how long the process had been ready
 *   before it died, 0 when it never became ready.
 */
export function createBackoff({
  firstMs = 100,
  maxMs = 10_000,
  healthyMs = 60_000,
}: { firstMs?: number; maxMs?: number; healthyMs?: number } = {}): {
  nextDelayMs(healthyForMs: number): number;
} {
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
