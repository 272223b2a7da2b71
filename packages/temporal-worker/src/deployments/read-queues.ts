import proto from '@temporalio/proto';
import { type DeploymentService, callService } from './call-service.ts';
import { toDate } from './deployment.ts';
import { DeploymentError } from './errors.ts';

/** What a task queue carries. */
export type QueueKind = 'workflow' | 'activity' | 'nexus';

/** A task queue that workers of a build poll, or have polled. */
export interface BuildQueue {
  readonly name: string;
  readonly kind: QueueKind;
  /** When a worker of the build was last seen there; null where none was in the last minutes. */
  readonly polledAt: Date | null;
}

/** A poll lasts up to a minute and is seen when it begins, so a worker that is alive was seen within this time. */
const POLL_WINDOW_MS = 75_000;

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
  return versionTaskQueues.flatMap(({ name, type }) => {
    const kind = KINDS.get(type ?? 0);
    if (!name || kind === undefined) return [];
    return [{ name, kind, polledAt: polled.get(`${name}\0${type ?? 0}`) ?? null }];
  });
}

/**
 * Names what a build lacks before it may get work: a worker on each task queue that workers of the current build poll, and on
 * each that its own workers have polled; and a workflow task queue at all. Empty if nothing is missing.
 */
export function missingQueues(
  build: readonly BuildQueue[],
  current: readonly BuildQueue[],
  now: Date,
): readonly string[] {
  const isPolled = ({ polledAt }: BuildQueue): boolean =>
    polledAt !== null && now.getTime() - polledAt.getTime() <= POLL_WINDOW_MS;
  const label = ({ name, kind }: BuildQueue): string => `${name} (${kind})`;
  const polled = new Set(build.filter(isPolled).map(label));
  // A queue that the current build polls no more was given up before.
  const needed = new Set([...build, ...current.filter(isPolled)].map(label));
  const missing = [...needed].filter((each) => !polled.has(each)).toSorted();
  return build.some(({ kind }) => kind === 'workflow') ? missing : [...missing, 'any workflow task queue'];
}
