import type { TaskQueueWorker } from '@heliograph/temporal-worker';

/** As long as the most patient worker needs until its stop is forced, and 5 s more; without workers the 5 s alone. */
export function stopDeadlineMs(
  workers: readonly Pick<TaskQueueWorker, 'shutdownGraceMs' | 'shutdownForceMs'>[],
): number {
  const forced = workers.map(
    ({ shutdownGraceMs = 10_000, shutdownForceMs = shutdownGraceMs + 5000 }) => shutdownForceMs,
  );
  return Math.max(0, ...forced) + 5000;
}
