import { isGrpcServiceError } from '@temporalio/client';
import { type DeploymentService, callService } from './call-service.ts';
import { DeploymentError } from './errors.ts';
import { quoted } from './may-stop.ts';
import { type RunPatches, collectPatches } from './run-patches.ts';

/** Options of {@link readPatches}. */
export interface ReadPatchesOptions {
  /** Only runs of this type; default all of the namespace. */
  readonly workflowType?: string | undefined;
  /** Histories that are read at once; default 8. */
  readonly concurrency?: number;
  readonly onProgress?: (runs: number) => void;
}

const NOT_FOUND = 5;
/** Successors that are followed for one run that was listed. */
const MAX_FOLLOWED = 20;

/**
 * Reads the history of every open run, paused ones included. A run that has continued as new since it was listed is followed to its
 * successor. Runs that began in the last moments may be missing: the index lags behind.
 *
 * @throws {DeploymentError} DEPLOYMENT_NO_ANSWER
 */
export async function readPatches(
  service: DeploymentService,
  options: ReadPatchesOptions = {},
): Promise<readonly RunPatches[]> {
  const { workflowType, concurrency = 8, onProgress } = options;
  const runs: RunPatches[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const token = nextPageToken;
    const page = await callService(service, { deployment: 'open runs' }, () =>
      service.connection.workflowService.listWorkflowExecutions({
        namespace: service.namespace,
        pageSize: 200,
        nextPageToken: token,
        query: [
          `ExecutionStatus IN ('Running', 'Paused')`,
          ...(workflowType === undefined ? [] : [`WorkflowType = ${quoted(workflowType)}`]),
        ].join(' AND '),
      }),
    );
    const listed = [...page.executions];
    const readOn = async (stopped: AbortSignal): Promise<void> => {
      for (let next = listed.pop(); next !== undefined; next = listed.pop()) {
        const execution = {
          workflowId: next.execution?.workflowId ?? '',
          runId: next.execution?.runId ?? '',
        };
        const run = await readRun(service, execution, stopped);
        if (run !== null) runs.push(run);
        onProgress?.(runs.length);
      }
    };
    await runAtOnce(service, concurrency, readOn);
    ({ nextPageToken } = page);
  } while (nextPageToken.length > 0);
  return runs;
}

/** Runs a task several times at once. The first that fails stops the others, and rejects when none runs any more. */
async function runAtOnce(
  { connection }: DeploymentService,
  count: number,
  task: (stopped: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const run = (): Promise<void> => task(stop.signal).catch((error: unknown) => stop.abort(error));
  await connection.withAbortSignal(stop.signal, () => Promise.all(Array.from({ length: count }, run)));
  stop.signal.throwIfAborted();
}

/** Null for a run that has ended meanwhile. What cannot be read fails: a run that is left out would make a patch look unneeded. */
async function readRun(
  service: DeploymentService,
  execution: { readonly workflowId: string; readonly runId: string },
  stopped: AbortSignal,
): Promise<RunPatches | null> {
  let { runId } = execution;
  for (let followed = 0; followed < MAX_FOLLOWED; followed++) {
    const read = await readHistory(service, { ...execution, runId }, stopped);
    if (read === null || read.next === null) return null;
    if (read.next === '') return { ...read.run, workflowId: execution.workflowId, runId };
    runId = read.next;
  }
  throw new DeploymentError(
    'DEPLOYMENT_NO_ANSWER',
    `run ${execution.workflowId} continues as new faster than it can be read; try again`,
    { retryable: true },
  );
}

/** `next`: the successor of a run that continued as new, empty for an open run, null for one that ended. */
async function readHistory(
  service: DeploymentService,
  execution: { readonly workflowId: string; readonly runId: string },
  stopped: AbortSignal,
) {
  const patches = collectPatches();
  let workflowType = '';
  let next: string | null = '';
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const token = nextPageToken;
    stopped.throwIfAborted();
    let page;
    try {
      page = await callService(service, { deployment: `run ${execution.workflowId}` }, () =>
        service.connection.workflowService.getWorkflowExecutionHistory({
          namespace: service.namespace,
          execution,
          nextPageToken: token,
        }),
      );
    } catch (error) {
      if (isGrpcServiceError(error) && (error.code as number) === NOT_FOUND) return null;
      throw error;
    }
    for (const event of page.history?.events ?? []) {
      patches.add(event);
      workflowType ||= event.workflowExecutionStartedEventAttributes?.workflowType?.name ?? '';
      const successor = event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
      if (successor) next = successor;
      else if (ENDS.some((name) => event[name] !== undefined && event[name] !== null)) next = null;
    }
    ({ nextPageToken } = page);
  } while (nextPageToken.length > 0);
  return { run: { workflowType, ...patches.result() }, next };
}

const ENDS = [
  'workflowExecutionCompletedEventAttributes',
  'workflowExecutionFailedEventAttributes',
  'workflowExecutionCanceledEventAttributes',
  'workflowExecutionTerminatedEventAttributes',
  'workflowExecutionTimedOutEventAttributes',
] as const;
