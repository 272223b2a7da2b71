import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryOrder, IssueSignal, Position, StreamKey, StreamState } from '../contract/contract.ts';
import { type Decision, timeToLiveMs } from './should-notify.ts';

/** The order that a decision to notify leads to. */
export function orderFor(
  stream: StreamKey,
  state: StreamState,
  issue: IssueSignal,
  { kind, reason }: Extract<Decision, { notify: true }>,
  decidedAt: number,
): DeliveryOrder {
  return {
    stream,
    notificationId: notificationIdOf(stream, issue.position),
    kind,
    reason,
    issue,
    state,
    decidedAt,
    timeToLiveMs: timeToLiveMs(issue, reason, decidedAt),
  };
}

/** One issue leads to at most one notification of a stream, so both together name it for ever. */
export function notificationIdOf(stream: StreamKey, position: Position): string {
  return `${alertWorkflowId(stream)}-${position}`;
}
