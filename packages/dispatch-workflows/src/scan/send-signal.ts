import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { RecentStreams } from './recent-streams.ts';
import type { RunningAlerts } from './running-alerts.ts';

/** How alert streams are signalled. */
export interface StreamSignals {
  readonly running: Pick<RunningAlerts, 'track'>;
  /** Remembers what was signalled, whoever signals: it may open an incident of which no row tells yet. */
  readonly recent: Pick<RecentStreams, 'add'>;
  /** Sends one signal, starting the stream's workflow where it does not run; resolves to its run id. */
  readonly signal: (stream: StreamKey, signal: IssueSignal) => Promise<string>;
  /** Sends one signal to a stream whose workflow runs; false if it does not run. */
  readonly signalRunning: (stream: StreamKey, signal: IssueSignal) => Promise<boolean>;
}

/** Thrown for a stream that does not run and may not be started. */
export const STREAM_NOT_RUNNING = new Error('the alert stream does not run and may not be started');

/**
 * Signals a stream; one that may not be started only where it runs.
 *
 * @throws STREAM_NOT_RUNNING if it does not run and may not be started
 */
export async function sendSignal(
  { running, recent, signal: send, signalRunning }: StreamSignals,
  {
    stream,
    signal,
    mayStart,
  }: { readonly stream: StreamKey; readonly signal: IssueSignal; readonly mayStart: boolean },
): Promise<void> {
  if (!mayStart) {
    if (!(await signalRunning(stream, signal))) throw STREAM_NOT_RUNNING;
    recent.add(stream);
    return;
  }
  const runId = await send(stream, signal);
  recent.add(stream);
  running.track({ workflowId: alertWorkflowId(stream), runId, connectedAppId: stream.connectedAppId });
}
