import { setTimeout as sleep } from 'node:timers/promises';
import { type DeploymentService, callService } from './call-service.ts';
import type { BuildStatus } from './deployment.ts';
import { findBuild, readDeployment } from './read-deployment.ts';

/** What decides whether the workers of a build may stop. */
export interface StopFacts {
  readonly buildId: string;
  readonly status: BuildStatus;
  /** Open runs that are pinned to the build, paused ones included; counted twice, some time apart. */
  readonly pinnedRuns: readonly [number, number];
}

/** Whether the workers of a build may stop; if not, why. */
export interface StopVerdict extends StopFacts {
  readonly deployment: string;
  readonly mayStop: boolean;
  readonly reason: string;
  /** Open runs that ran on the build last and are not pinned: they move to the current build with their next task. */
  readonly movingRuns: number;
}

/**
 * Decides whether the workers of a build may stop: it gets no new work, the server has seen it drained, and no open run is
 * pinned to it. The server's word alone is not enough: it does not count paused runs, nor looks again once a build was drained,
 * and runs may be pinned to it later. A count alone is not either: it lags behind, which the server's wait makes up for.
 */
export function decideStop({ buildId, status, pinnedRuns }: StopFacts): {
  readonly mayStop: boolean;
  readonly reason: string;
} {
  const no = (reason: string) => ({ mayStop: false, reason });
  if (status === 'current') return no(`build ${buildId} is current and gets new work`);
  if (status === 'ramping') return no(`build ${buildId} ramps and gets new work`);
  const pinned = Math.max(...pinnedRuns);
  if (pinned > 0) return no(`${pinned} open runs are pinned to build ${buildId}`);
  if (status === 'draining')
    return no(`build ${buildId} still drains: the server has not yet seen it without pinned runs`);
  const never = status === 'drained' ? 'is drained' : 'was never current or ramping';
  return { mayStop: true, reason: `build ${buildId} ${never}, and no open run is pinned to it` };
}

/** How far apart the two counts are, in milliseconds: a run that continues as new is invisible for a moment. */
const SETTLE_MS = 2000;

/**
 * Reads whether the workers of a build may stop.
 *
 * @throws {DeploymentError} DEPLOYMENT_BUILD_UNKNOWN, DEPLOYMENT_NO_ANSWER
 */
export async function mayStop(
  service: DeploymentService,
  name: string,
  buildId: string,
  settleMs: number = SETTLE_MS,
): Promise<StopVerdict> {
  const first = await countRuns(service, name, buildId, 'Pinned');
  await sleep(settleMs);
  const second = await countRuns(service, name, buildId, 'Pinned');
  // Read last: what became current meanwhile does not stop.
  const { status } = findBuild(await readDeployment(service, name), buildId);
  const facts: StopFacts = { buildId, status, pinnedRuns: [first, second] };
  const movingRuns = await countRuns(service, name, buildId, 'AutoUpgrade');
  return { deployment: name, ...facts, ...decideStop(facts), movingRuns };
}

/** Counts the open runs whose last version is a build. The index lags behind by moments. */
export async function countRuns(
  service: DeploymentService,
  name: string,
  buildId: string,
  behavior: 'Pinned' | 'AutoUpgrade',
): Promise<number> {
  return count(service, [
    `TemporalWorkerDeploymentVersion = ${quoted(`${name}:${buildId}`)}`,
    `TemporalWorkflowVersioningBehavior = '${behavior}'`,
    `ExecutionStatus IN ('Running', 'Paused')`,
  ]);
}

/** Counts the retained runs of a workflow type, open and closed. */
export async function countOfType(service: DeploymentService, workflowType: string): Promise<number> {
  return count(service, [`WorkflowType = ${quoted(workflowType)}`]);
}

async function count(service: DeploymentService, conditions: readonly string[]): Promise<number> {
  const query = conditions.join(' AND ');
  const answer = await callService(service, { deployment: 'runs' }, () =>
    service.connection.workflowService.countWorkflowExecutions({ namespace: service.namespace, query }),
  );
  return Number(answer.count);
}

/** A text in a visibility query. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
