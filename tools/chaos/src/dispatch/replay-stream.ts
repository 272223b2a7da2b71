import {
  applyDecision,
  applyDrop,
  INITIAL_STREAM_STATE,
  applyDelivery,
  shouldNotify,
  type StreamState,
} from '@heliograph/dispatch-workflows';
import type { IntentRow, IssueRow, Kind } from './evidence.ts';

/** The parts of a route that affect decisions, in milliseconds. */
export interface Policy {
  readonly renotifyIntervalMs: number | null;
  readonly maxSignalAgeMs: number;
}

export interface Replayed {
  readonly issue: IssueRow;
  /** Of the notification that the issue demands or may lead to. */
  readonly kind: Kind | null;
  /** Whether a notification has to exist, may exist, or must not. */
  readonly verdict: 'demanded' | 'allowed' | 'none';
  readonly reason: string;
}

/**
 * Decides about a stream's issues once more, in the order of their positions, with the product's pure decision. Whether
 * an alert that is still firing is renotified depends on the moment, so it is `allowed` at most.
 *
 * What a dropped notification leaves behind depends on whether it may have arrived. The intents are asked for that, and
 * for nothing else.
 */
export function replayStream(
  issues: readonly IssueRow[],
  policy: Policy,
  intentAt: (
    position: string,
  ) => (Pick<IntentRow, 'status'> & { readonly wasUncertain?: boolean }) | undefined,
): { readonly steps: readonly Replayed[]; readonly state: StreamState } {
  let state = INITIAL_STREAM_STATE;
  const steps: Replayed[] = [];
  for (const issue of issues) {
    const signal = {
      eventId: issue.eventId,
      position: issue.position,
      status: issue.status,
      storedAt: issue.storedAt,
      // Without an interval, an alert that is still firing is `continuing`, and all else is as it was.
      policy: { version: 1, renotifyIntervalMs: null, maxSignalAgeMs: policy.maxSignalAgeMs },
    };
    const decision = shouldNotify(state, signal, issue.storedAt);
    const intent = intentAt(issue.position);
    const mayRenotify = decision.reason === 'continuing' && policy.renotifyIntervalMs !== null;
    if (decision.notify) {
      steps.push({ issue, kind: decision.kind, verdict: 'demanded', reason: decision.reason });
    } else if (mayRenotify) {
      steps.push({ issue, kind: 'update', verdict: 'allowed', reason: 'renotify' });
    } else {
      steps.push({ issue, kind: null, verdict: 'none', reason: decision.reason });
    }
    const isNotified =
      intent?.status !== 'dropped' && (decision.notify || (mayRenotify && intent !== undefined));
    if (isNotified) {
      state = applyDelivery(state, signal, { now: issue.storedAt, provider: 'webhook', externalId: null });
    } else if (decision.notify) {
      const mayBeOpen = decision.kind !== 'update' && intent?.wasUncertain === true;
      state = applyDrop(state, signal, { reason: decision.reason, mayBeOpen });
    } else {
      state = applyDecision(state, signal, decision.reason);
    }
  }
  return { steps, state };
}
