import { freshNamespace, skipTime, type FreshNamespace } from '@heliograph/testkit';
import { activityInfo } from '@temporalio/activity';
import { Client, Connection, type WorkflowHandle, type WorkflowStartOptions } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { Worker } from '@temporalio/worker';
import { bundleWorkflows } from '../worker/workflow-bundle.ts';

/** What an activity does in a test, by the number of its attempt. */
export type Work = (attempt: number) => Promise<string>;

/** How a workflow ended. */
export interface Ending {
  readonly result?: unknown;
  /** What its failure goes back to. */
  readonly failure?: unknown;
}

/** A worker for the workflows of `policy-workflows.ts`, and clients with real and with virtual time. */
export interface PolicyGround {
  readonly fresh: FreshNamespace;
  readonly taskQueue: string;
  readonly real: Client;
  readonly skipping: Client;
  /** The ids of workflows that were compensated. */
  readonly undone: readonly string[];
  start(
    client: Client,
    type: string,
    args: unknown[],
    options?: { readonly work?: Work } & Partial<WorkflowStartOptions>,
  ): Promise<WorkflowHandle>;
  close(): Promise<void>;
}

/** Opens a {@link PolicyGround} in a namespace of its own. */
export async function openPolicyGround(): Promise<PolicyGround> {
  const [fresh, workflowBundle] = await Promise.all([
    freshNamespace('policies'),
    bundleWorkflows({
      workflows: new URL('policy-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
  ]);
  const { address, namespace } = fresh;
  const taskQueue = 'policies';
  const works = new Map<string, Work>();
  const undone: string[] = [];
  const worker = await Worker.create({
    connection: fresh.nativeConnection,
    namespace,
    taskQueue,
    workflowBundle,
    activities: {
      work: () => {
        const { attempt, workflowExecution } = activityInfo();
        return works.get(workflowExecution?.workflowId ?? '')?.(attempt);
      },
      undo: async () => {
        undone.push(activityInfo().workflowExecution?.workflowId ?? '');
      },
    },
  });
  const running = worker.run();
  const connection = skipTime(await Connection.connect({ address }));
  let last = 0;
  return {
    fresh,
    taskQueue,
    undone,
    real: new Client({ connection: fresh.connection, namespace }),
    skipping: new Client({ connection, namespace }),
    async start(client, type, args, { work, ...options } = {}) {
      const workflowId = `w${++last}`;
      if (work !== undefined) works.set(workflowId, work);
      return client.workflow.start(type, { taskQueue, ...options, workflowId, args });
    },
    async close() {
      worker.shutdown();
      await running;
      await connection.close();
      await fresh.close();
    },
  };
}

/** Waits until a workflow has ended. */
export async function endOf(handle: Pick<WorkflowHandle, 'result'>): Promise<Ending> {
  try {
    const result: unknown = await handle.result();
    return { result };
  } catch (error) {
    let failure: unknown = error;
    while (failure instanceof Error && failure.cause !== undefined && failure.name !== 'TimeoutFailure')
      failure = failure.cause;
    return { failure };
  }
}

/** Where the clock of a workflow jumped to, and how long it took by that clock, in milliseconds. */
export async function timesOf(handle: Pick<WorkflowHandle, 'fetchHistory'>) {
  const { events } = await handle.fetchHistory();
  const first = events?.at(0)?.eventTime;
  const last = events?.at(-1)?.eventTime;
  return {
    jumps: (events ?? []).flatMap(({ workflowExecutionTimeSkippingTransitionedEventAttributes: jump }) =>
      jump?.targetTime == null ? [] : [tsToMs(jump.targetTime)],
    ),
    // The server counts a timeout from an instant just before its first event, and both are cut to a millisecond.
    tookMs: Math.ceil((tsToMs(last) - tsToMs(first)) / 10) * 10,
  };
}
