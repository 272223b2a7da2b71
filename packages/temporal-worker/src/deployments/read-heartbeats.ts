import { isGrpcServiceError } from '@temporalio/client';
import proto, { type temporal } from '@temporalio/proto';
import { type DeploymentService, callService } from './call-service.ts';
import { toDate } from './deployment.ts';
import type { QueueKind } from './read-queues.ts';

type Heartbeat = temporal.api.worker.v1.IWorkerHeartbeat;
type Page = Awaited<ReturnType<DeploymentService['connection']['workflowService']['listWorkers']>>;

const { WorkerStatus } = proto.temporal.api.enums.v1;
/** A server that is older, or keeps no heartbeats, or does not let the caller see them. */
const NOT_OFFERED: ReadonlySet<number> = new Set([3, 5, 7, 12]);

/**
 * Reads when the workers of a build that run last said that they poll a task queue or work for it. They say so every minute,
 * by their own clock. Null where the server keeps no heartbeats.
 *
 * @throws {DeploymentError} DEPLOYMENT_NO_ANSWER
 */
export async function readHeartbeats(
  service: DeploymentService,
  deployment: string,
  buildId: string,
): Promise<((queue: string, kind: QueueKind) => Date | null) | null> {
  const { connection, namespace } = service;
  const newest = new Map<string, Date>();
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const token = nextPageToken;
    const page = await offered(service, { deployment, buildId }, () =>
      connection.workflowService.listWorkers({
        namespace,
        pageSize: 500,
        nextPageToken: token,
        query: `DeploymentName = '${deployment}' AND BuildId = '${buildId}'`,
      }),
    );
    if (page === null) return null;
    for (const heartbeat of await heartbeatsOf(service, { deployment, buildId }, page)) {
      const at = toDate(heartbeat.heartbeatTime);
      if (at === null || heartbeat.status !== WorkerStatus.WORKER_STATUS_RUNNING) continue;
      for (const kind of kindsOf(heartbeat)) {
        const key = `${kind} ${heartbeat.taskQueue ?? ''}`;
        if (at > (newest.get(key) ?? new Date(0))) newest.set(key, at);
      }
    }
    ({ nextPageToken } = page);
  } while (nextPageToken.length > 0);
  return (queue, kind) => newest.get(`${kind} ${queue}`) ?? null;
}

/** The list has them inside for as long as the server fills a field that is deprecated; after that, each worker is asked for. */
async function heartbeatsOf(
  service: DeploymentService,
  about: { readonly deployment: string; readonly buildId: string },
  { workersInfo, workers }: Page,
): Promise<readonly Heartbeat[]> {
  const { connection, namespace } = service;
  const found = workersInfo.flatMap(({ workerHeartbeat }) => workerHeartbeat ?? []);
  const known = new Set(found.map(({ workerInstanceKey }) => workerInstanceKey));
  for (const { workerInstanceKey } of workers) {
    if (!workerInstanceKey || known.has(workerInstanceKey)) continue;
    const answer = await offered(service, about, () =>
      connection.workflowService.describeWorker({ namespace, workerInstanceKey }),
    );
    const heartbeat = answer?.workerInfo?.workerHeartbeat;
    if (heartbeat) found.push(heartbeat);
  }
  return found;
}

/** What a worker polls or is busy with: one without a free slot has no poll under way. */
function kindsOf(heartbeat: Heartbeat): readonly QueueKind[] {
  const { workflowPollerInfo, workflowTaskSlotsInfo, activityPollerInfo, activityTaskSlotsInfo } = heartbeat;
  const { nexusPollerInfo, nexusTaskSlotsInfo } = heartbeat;
  const serves = (pollers: typeof workflowPollerInfo, slots: typeof workflowTaskSlotsInfo): boolean =>
    (pollers?.currentPollers ?? 0) > 0 || (slots?.currentUsedSlots ?? 0) > 0;
  return [
    ...(serves(workflowPollerInfo, workflowTaskSlotsInfo) ? (['workflow'] as const) : []),
    ...(serves(activityPollerInfo, activityTaskSlotsInfo) ? (['activity'] as const) : []),
    ...(serves(nexusPollerInfo, nexusTaskSlotsInfo) ? (['nexus'] as const) : []),
  ];
}

/** Null where the server does not offer it. */
async function offered<T>(
  service: DeploymentService,
  about: { readonly deployment: string; readonly buildId: string },
  call: () => Promise<T>,
): Promise<T | null> {
  return callService(service, about, async () => {
    try {
      return await call();
    } catch (error) {
      if (isGrpcServiceError(error) && NOT_OFFERED.has(error.code)) return null;
      throw error;
    }
  });
}
