import type { RetryRules } from './activity-class.ts';

/** How long the server waits before each of the next attempts, in milliseconds; it adds no jitter. */
export function retryIntervalsMs(retry: RetryRules, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) =>
    Math.min(retry.initialInterval.ms * retry.coefficient.value ** index, retry.maximumInterval.ms),
  );
}
