import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { Admission } from './admit-streams.ts';
import type { BacklogStore } from './backlog-store.ts';
import { sendSignal, STREAM_NOT_RUNNING, type StreamSignals } from './send-signal.ts';
import type { StreamLookUp } from './stream-look-up.ts';

/**
 * Signals one stream under the rules of a scan: it goes to the backlog if it may not be started, or waits there already;
 * false if it does. A stream that cannot be signalled is left to the caller.
 */
export async function sendOrPark(
  dependencies: StreamSignals & {
    readonly backlog: Pick<BacklogStore, 'park'>;
    readonly streams: StreamLookUp;
  },
  admission: Admission,
  { stream, signal }: { readonly stream: StreamKey; readonly signal: IssueSignal },
): Promise<boolean> {
  const { connectedAppId, fingerprint } = stream;
  const [{ waiting }] = await Promise.all([
    dependencies.streams.find({ fingerprints: [fingerprint], resolved: [] }),
    admission.prepare([connectedAppId], 1),
  ]);
  try {
    if (waiting.has(alertWorkflowId(stream))) throw STREAM_NOT_RUNNING;
    await sendSignal(dependencies, { stream, signal, mayStart: admission.take(connectedAppId) });
    return true;
  } catch (error) {
    if (error !== STREAM_NOT_RUNNING) throw error;
    await dependencies.backlog.park([{ stream, signals: [signal], reason: 'over_share' }]);
    return false;
  }
}
