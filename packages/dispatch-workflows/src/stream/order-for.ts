import { notificationIdOf } from '../contract/notification-id.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import type { NotifyDecision } from '../contract/decision.ts';
import { timeToLiveMs } from './should-notify.ts';

/** The order that a decision to notify leads to. */
export function orderFor(
  stream: StreamKey,
  state: StreamState,
  issue: IssueSignal,
  { kind, reason }: NotifyDecision,
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
