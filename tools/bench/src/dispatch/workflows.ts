import type { AlertInput, DispatchActivities, IssueSignal } from '@heliograph/dispatch-workflows';
import { INITIAL_STREAM_STATE, issueSignal } from '@heliograph/dispatch-workflows';
import { condition, proxyActivities, setHandler, sleep } from '@temporalio/workflow';

export { monitorInstanceAlert, monitorInstances } from '@heliograph/dispatch-workflows/workflows';

/** The ceiling: what any workflow costs that takes a signal and ends. Nothing is decided or delivered. */
export async function drainOnly(_input: AlertInput): Promise<void> {
  const inbox: IssueSignal[] = [];
  setHandler(issueSignal, (signal) => {
    inbox.push(signal);
  });
  await condition(() => inbox.length > 0);
  inbox.length = 0;
}

const regular = proxyActivities<DispatchActivities>({
  startToCloseTimeout: '30 seconds',
  heartbeatTimeout: '15 seconds',
});

/** The naive shape: a timer to collect signals, then read, deliver and record, each a regular activity. */
export async function naiveAlert({ stream }: AlertInput): Promise<void> {
  const inbox: IssueSignal[] = [];
  setHandler(issueSignal, (signal) => {
    inbox.push(signal);
  });
  const state = await regular.readStreamState(stream);
  await sleep(100);
  const [issue] = inbox;
  if (issue === undefined) return;
  await regular.deliverPatiently({
    stream,
    notificationId: `naive-${stream.routeId}-${stream.fingerprint}`,
    kind: 'trigger',
    reason: 'new',
    issue,
    state,
    decidedAt: Date.now(),
    timeToLiveMs: 60_000,
  });
  await regular.recordStreamState(stream, {
    ...INITIAL_STREAM_STATE,
    notificationCount: state.notificationCount + 1,
    lastNotifiedAt: Date.now(),
    status: 'firing',
    lastPosition: issue.position,
  });
}
