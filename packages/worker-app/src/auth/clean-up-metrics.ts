import type { CleanUpResult } from '@heliograph/auth';
import type { Telemetry } from '@heliograph/service';

/** How a clean-up of this process ended: `busy` if another process did the work. */
export type CleanUpOutcome = 'cleaned' | 'busy' | 'failed';

/** Counts clean-ups and what they removed; Prometheus adds `_total` to the names. */
export interface CleanUpMetrics {
  ended(outcome: CleanUpOutcome): void;
  removed(result: CleanUpResult): void;
}

/** Creates the counters at 0, so that a job that never runs is seen as one. */
export function createCleanUpMetrics(meter: Telemetry['meter']): CleanUpMetrics {
  const cleanUps = meter.createCounter('heliograph_auth_clean_ups', {
    description: 'Clean-ups of keys, logins and nonces by outcome; busy: another process did the work.',
  });
  const removed = meter.createCounter('heliograph_auth_removed', {
    description: 'Expired keys, logins and nonces that were removed.',
  });
  const metrics: CleanUpMetrics = {
    ended: (outcome) => cleanUps.add(1, { outcome }),
    removed: ({ apiKeys, refreshFamilies, nonces }) => {
      removed.add(apiKeys, { what: 'keys' });
      removed.add(refreshFamilies, { what: 'logins' });
      removed.add(nonces, { what: 'nonces' });
    },
  };
  for (const outcome of ['cleaned', 'busy', 'failed'] as const) cleanUps.add(0, { outcome });
  metrics.removed({ apiKeys: 0, refreshFamilies: 0, nonces: 0 });
  return metrics;
}
