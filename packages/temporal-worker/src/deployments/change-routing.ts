import { setTimeout as sleep } from 'node:timers/promises';
import { type DeploymentService, callService } from './call-service.ts';
import type { Deployment } from './deployment.ts';
import { DeploymentError } from './errors.ts';
import { type RoutingChange, planRouting } from './plan-routing.ts';
import { readDeployment } from './read-deployment.ts';
import { missingQueues, readQueues } from './read-queues.ts';
import { serverTime } from './server-time.ts';

/** Options of {@link changeRouting}. */
export interface ChangeOptions {
  /** Change it although workers are missing; default false. What is then sent there waits for them. */
  readonly allowMissingPollers?: boolean;
  /** How long to wait until the server says that all task queues follow, in milliseconds; default 10,000. */
  readonly propagationMs?: number;
}

/** What became of a change. */
export interface RoutingResult {
  readonly isChanged: boolean;
  readonly before: Deployment;
  /**
   * `isPropagated` is false if the server did not say in time that all task queues follow, or said nothing after it had made the
   * change: then these are the routing that was asked for and the builds of before. They still follow.
   */
  readonly after: Deployment;
}

/**
 * Makes a build current, ramps one, or ends the ramp, and waits until all task queues follow. What is so already is left as
 * it is, so a change whose answer was lost may be repeated. Of two that change a deployment at once, one is refused.
 *
 * @throws {DeploymentError}
 */
export async function changeRouting(
  service: DeploymentService,
  name: string,
  change: RoutingChange,
  options: ChangeOptions = {},
): Promise<RoutingResult> {
  const before = await readDeployment(service, name);
  const plan = planRouting(before, change);
  if (plan === 'change') {
    if (change.kind !== 'end-ramp' && options.allowMissingPollers !== true)
      await assertPolled(service, before, change.buildId);
    await send(service, before, change, options.allowMissingPollers === true);
  }
  const isChanged = plan === 'change';
  const after = await untilPropagated(service, name, options.propagationMs ?? 10_000);
  return { isChanged, before, after: after ?? (isChanged ? applyChange(before, change) : before) };
}

/** @throws {DeploymentError} DEPLOYMENT_NO_POLLERS, naming the task queues */
async function assertPolled(
  service: DeploymentService,
  deployment: Deployment,
  buildId: string,
): Promise<void> {
  const missing = await readMissing(service, deployment, buildId);
  if (missing.length === 0) return;
  throw new DeploymentError(
    'DEPLOYMENT_NO_POLLERS',
    `no worker of build ${buildId} polls ${missing.join(', ')}; wait until its workers run, or give them these task queues`,
    { retryable: true },
  );
}

/** Names the task queues on which a build has no worker and needs one. */
export async function readMissing(
  service: DeploymentService,
  deployment: Deployment,
  buildId: string,
): Promise<readonly string[]> {
  const { name, current } = deployment;
  const build = await readQueues(service, name, buildId);
  const others = current === null || current === buildId ? [] : await readQueues(service, name, current);
  return missingQueues(build, others, serverTime(new Date(), deployment, [...build, ...others]));
}

async function send(
  service: DeploymentService,
  { name, conflictToken }: Deployment,
  change: RoutingChange,
  ignoreMissingTaskQueues: boolean,
): Promise<void> {
  const { workflowService } = service.connection;
  const { namespace, identity } = service;
  const shared = { namespace, identity, deploymentName: name, conflictToken, ignoreMissingTaskQueues };
  const buildId = change.kind === 'end-ramp' ? '' : change.buildId;
  await callService<unknown>(service, { deployment: name, buildId, isChange: true }, () =>
    change.kind === 'set-current'
      ? workflowService.setWorkerDeploymentCurrentVersion({ ...shared, buildId })
      : workflowService.setWorkerDeploymentRampingVersion({
          ...shared,
          buildId,
          percentage: change.kind === 'ramp' ? change.percent : 0,
        }),
  );
}

/**
 * Ends in any case: the server may lose the message that the last task queue follows, and then never says so. Null if it says
 * nothing at all: the change was made whether or not anybody can look at it.
 */
async function untilPropagated(
  service: DeploymentService,
  name: string,
  timeoutMs: number,
): Promise<Deployment | null> {
  const deadline = Date.now() + timeoutMs;
  let seen: Deployment | null = null;
  for (;;) {
    try {
      seen = await readDeployment(service, name);
      if (seen.isPropagated) return seen;
    } catch {
      // Tried again below.
    }
    if (Date.now() > deadline) return seen;
    await sleep(200);
  }
}

/** What a change that the server has accepted makes of a deployment. */
function applyChange(before: Deployment, change: RoutingChange): Deployment {
  const routing =
    change.kind === 'set-current'
      ? { current: change.buildId, ramp: null }
      : { ramp: change.kind === 'ramp' ? { buildId: change.buildId, percent: change.percent } : null };
  return { ...before, ...routing, isPropagated: false };
}
