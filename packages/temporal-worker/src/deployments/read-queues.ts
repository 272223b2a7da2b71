import proto from '@temporalio/proto';
import { type DeploymentService, callService } from './call-service.ts';
import { toDate } from './deployment.ts';
import { DeploymentError } from './errors.ts';
import { readHeartbeats } from './read-heartbeats.ts';

/** What a task queue carries. */
export type QueueKind = 'workflow' | 'activity' | 'nexus';

/** A task queue that workers of a build poll, or have polled. */
export interface BuildQueue {
  readonly name: string;
  readonly kind: QueueKind;
  /** When a worker of the build last polled there; null where none did in the last minutes. */
  readonly polledAt: Date | null;
  /**
   * When a worker of the build that runs last said that it polls there or is busy; null where the server keeps no heartbeats of
   * workers. One whose slots are all taken does not poll, and only this tells it from a dead one.
   */
  readonly heartbeatAt: Date | null;
}

/**
 * A poll lasts up to a minute and is seen when it begins, and a worker sends a heartbeat every minute, so one that is alive was seen
 * within this time.
 */
const SEEN_WINDOW_MS = 75_000;

const { DescribeTaskQueueMode, TaskQueueType } = proto.temporal.api.enums.v1;
const KINDS: ReadonlyMap<number, QueueKind> = new Map([
  [TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, 'workflow'],
  [TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, 'activity'],
  [TaskQueueType.TASK_QUEUE_TYPE_NEXUS, 'nexus'],
]);

/**
 * Reads the task queues of a build and when its workers were last seen there. The server answers from a cache of 5 s. Empty for a
 * build that the server does not know, or has listed before it could describe it.
 *
 * @throws {DeploymentError} DEPLOYMENT_NO_ANSWER
 */
export async function readQueues(
  service: DeploymentService,
  deployment: string,
  buildId: string,
): Promise<readonly BuildQueue[]> {
  const { connection, namespace } = service;
  const about = { deployment, buildId };
  const versionTaskQueues = await callService(service, about, async () => {
    const answer = await connection.workflowService.describeWorkerDeploymentVersion({
      namespace,
      deploymentVersion: { deploymentName: deployment, buildId },
    });
    return answer.versionTaskQueues;
  }).catch((error: unknown) => {
    if (error instanceof DeploymentError && error.code === 'DEPLOYMENT_BUILD_UNKNOWN') return [];
    throw error;
  });
  const version = `${deployment}:${buildId}`;
  const names = [...new Set(versionTaskQueues.map(({ name }) => name ?? ''))].toSorted();
  const polled = new Map<string, Date>();
  for (const name of names) {
    const { versionsInfo } = await callService(service, about, () =>
      connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name },
        // It looks at every partition of the queue; the default mode sees the pollers of the first one only.
        apiMode: DescribeTaskQueueMode.DESCRIBE_TASK_QUEUE_MODE_ENHANCED,
        versions: { buildIds: [version] },
        taskQueueTypes: [
          TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
          TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
          TaskQueueType.TASK_QUEUE_TYPE_NEXUS,
        ],
        reportPollers: true,
      }),
    );
    for (const [type, { pollers }] of Object.entries(versionsInfo[version]?.typesInfo ?? {}))
      for (const { lastAccessTime } of pollers ?? []) {
        const at = toDate(lastAccessTime);
        const key = `${name}\0${type}`;
        if (at !== null && at > (polled.get(key) ?? new Date(0))) polled.set(key, at);
      }
  }
  const heartbeats = names.length === 0 ? null : await readHeartbeats(service, deployment, buildId);
  return versionTaskQueues.flatMap(({ name, type }) => {
    const kind = KINDS.get(type ?? 0);
    if (!name || kind === undefined) return [];
    return [
      {
        name,
        kind,
        polledAt: polled.get(`${name}\0${type ?? 0}`) ?? null,
        heartbeatAt: heartbeats?.(name, kind) ?? null,
      },
    ];
  });
}

/**
 * Names what a build lacks before it may get work: a worker on each task queue that workers of the current build ever polled, and
 * on each that its own workers did; and a workflow task queue at all. Empty if nothing is missing.
 */
export function missingQueues(
  build: readonly BuildQueue[],
  current: readonly BuildQueue[],
  now: Date,
): readonly string[] {
  const label = ({ name, kind }: BuildQueue): string => `${name} (${kind})`;
  const isRecent = (at: Date): boolean => Math.abs(now.getTime() - at.getTime()) <= SEEN_WINDOW_MS;
  const served = new Set(build.filter((queue) => seenOf(queue).some(isRecent)).map(label));
  // Whatever its age: nobody polls a queue whose only worker is busy, or has crashed.
  const needed = new Set([...build, ...current].map(label));
  const seen = new Map(build.map((queue) => [label(queue), Math.max(...seenOf(queue).map(Number))]));
  const missing = [...needed]
    .filter((each) => !served.has(each))
    .toSorted()
    .map((each) => {
      const at = seen.get(each) ?? Number.NEGATIVE_INFINITY;
      if (!Number.isFinite(at)) return each;
      return each.replace(/\)$/, `; last seen ${Math.round((now.getTime() - at) / 1000)} s ago)`);
    });
  return build.some(({ kind }) => kind === 'workflow') ? missing : [...missing, 'any workflow task queue'];
}

function seenOf({ polledAt, heartbeatAt }: BuildQueue): readonly Date[] {
  return [polledAt, heartbeatAt].filter((at) => at !== null);
}
