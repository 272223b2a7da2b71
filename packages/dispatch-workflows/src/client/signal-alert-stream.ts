import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { searchAttributeKeys } from '@heliograph/temporal-worker/client';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import { DISPATCH_TASK_QUEUE, MONITOR_INSTANCE_ALERT } from '../contract/names.ts';
import { issueSignal } from '../contract/signals.ts';
import type { StreamKey } from '../contract/stream-state.ts';

/** How an alert stream is started where it does not run. */
export interface AlertStreamOptions {
  /** How long it collects signals before the next batch, in milliseconds; default 100. */
  readonly batchWindowMs?: number | undefined;
  /** Default `DISPATCH_TASK_QUEUE`. */
  readonly taskQueue?: string | undefined;
}

/** Signals an alert stream, starting its workflow where it does not run; resolves to the id of the run it reached. */
export async function signalAlertStream(
  client: Client,
  stream: StreamKey,
  signal: IssueSignal,
  { batchWindowMs, taskQueue = DISPATCH_TASK_QUEUE }: AlertStreamOptions = {},
): Promise<string> {
  const handle = await client.workflow.signalWithStart(MONITOR_INSTANCE_ALERT, {
    workflowId: alertWorkflowId(stream),
    taskQueue,
    args: [{ stream, ...(batchWindowMs === undefined ? {} : { batchWindowMs }) }],
    signal: issueSignal,
    signalArgs: [signal],
    typedSearchAttributes: [
      { key: searchAttributeKeys.fingerprint, value: stream.fingerprint },
      { key: searchAttributeKeys.route, value: stream.routeId },
      { key: searchAttributeKeys.connectedApp, value: stream.connectedAppId },
    ],
  });
  return handle.signaledRunId;
}

/** Signals an alert stream whose workflow runs; false if none does. */
export async function signalRunningStream(
  client: Client,
  stream: StreamKey,
  signal: IssueSignal,
): Promise<boolean> {
  try {
    await client.workflow.getHandle(alertWorkflowId(stream)).signal(issueSignal, signal);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** How long the answer to one question may take, in milliseconds. */
const DESCRIBE_TIMEOUT_MS = 2000;

/** Whether the workflow of an alert stream runs; rejects where that is unknown, after 2 s at the latest. */
export async function isStreamRunning(client: Client, stream: StreamKey): Promise<boolean> {
  const deadline = Date.now() + DESCRIBE_TIMEOUT_MS;
  try {
    const { status } = await client.connection.withDeadline(deadline, () =>
      client.workflow.getHandle(alertWorkflowId(stream)).describe(),
    );
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
