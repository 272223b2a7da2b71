/**
 * Tells how long to wait before each restart: doubling from 100 ms to 10 s, starting over after a healthy minute.
 *
 * @param {{ firstMs?: number, maxMs?: number, healthyMs?: number }} [options]
 * @returns {{ nextDelayMs(healthyForMs: number): number }} `healthyForMs` is how long the process had been ready
 *   before it died, 0 when it never became ready.
 */
export function createBackoff({ firstMs = 100, maxMs = 10_000, healthyMs = 60_000 } = {}) {
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
