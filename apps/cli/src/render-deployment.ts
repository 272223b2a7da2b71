import type { BuildQueue, Deployment } from '@heliograph/temporal-worker/deployments';
import { Page } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** A build as `status` shows it. */
export interface BuildDetails {
  readonly buildId: string;
  readonly pinnedRuns: number;
  readonly movingRuns: number;
  readonly queues: readonly BuildQueue[];
}

/** Says in one line who gets new work. */
export function describeRouting({ name, current, ramp }: Deployment): string {
  const all = current ?? 'unversioned workers';
  if (ramp === null) return `${name}: ${all} gets all new work`;
  return `${name}: ${ramp.buildId ?? 'unversioned workers'} gets ${ramp.percent} % of new work, ${all} the rest`;
}

/** A deployment without what only the server understands. */
export function toJson(deployment: Deployment): Omit<Deployment, 'conflictToken'> {
  const { name, current, ramp, builds, isPropagated, lastModifiedBy } = deployment;
  return { name, current, ramp, builds, isPropagated, lastModifiedBy };
}

/** Lays out a deployment with its builds and when their workers were last seen; `-` for what was not looked up. */
export function renderDeployment(
  deployment: Deployment,
  allDetails: readonly BuildDetails[],
  now: Date,
  terminal: Pick<Terminal, 'env' | 'isTty' | 'columns'>,
): string {
  const page = new Page(terminal).add(describeRouting(deployment), { style: 'strong' });
  if (!deployment.isPropagated)
    page.add('Some task queues do not follow yet.', { indent: 2, style: 'waiting' });
  const byId = new Map(allDetails.map((each) => [each.buildId, each]));
  const rows = deployment.builds.map(({ buildId, status, createdAt, deactivatedAt }) => {
    const details = byId.get(buildId);
    const since = (deactivatedAt ?? createdAt)?.toISOString() ?? '-';
    if (details === undefined) return [buildId, status, since, '-', '-', '-'];
    const { pinnedRuns, movingRuns, queues } = details;
    return [buildId, status, since, String(pinnedRuns), String(movingRuns), lastSeen(queues, now)];
  });
  const head = ['build', 'status', 'since', 'pinned runs', 'moving runs', 'worker last seen'];
  page.gap().table([head, ...rows], 2);
  return page.toString();
}

function lastSeen(queues: readonly BuildQueue[], now: Date): string {
  const seen = queues.flatMap(({ polledAt, heartbeatAt }) =>
    [polledAt, heartbeatAt].filter((at) => at !== null),
  );
  if (seen.length === 0) return 'none';
  // A heartbeat carries the clock of its worker.
  return `${Math.max(0, Math.round((now.getTime() - Math.max(...seen.map(Number))) / 1000))} s ago`;
}
