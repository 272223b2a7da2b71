import type { Build, Deployment } from './deployment.ts';
import type { BuildQueue } from './read-queues.ts';

/**
 * Tells what time it is for the server, at least: this machine's clock, or the newest instant that the server has named, if that
 * is later. So a clock that is behind does not keep workers alive that are gone. The server does not say its time itself, so
 * a clock that runs ahead stays, and makes workers look gone that are there.
 */
export function serverTime(
  own: Date,
  { builds }: { readonly builds: Deployment['builds'] },
  queues: readonly BuildQueue[],
): Date {
  const instantsOf = ({ createdAt, deactivatedAt, drainageCheckedAt }: Build) => [
    createdAt,
    deactivatedAt,
    drainageCheckedAt,
  ];
  // Not their heartbeats: those carry the clocks of the workers.
  const named = [...builds.flatMap(instantsOf), ...queues.map(({ polledAt }) => polledAt)];
  return new Date(Math.max(own.getTime(), ...named.map((at) => at?.getTime() ?? 0)));
}
