import {
  decided,
  givenUp,
  INITIAL_STREAM_STATE,
  notified,
  shouldNotify,
} from '@heliograph/dispatch-workflows';

/**
 * @typedef {import('@heliograph/dispatch-workflows').StreamState} StreamState
 * @typedef {import('./evidence.js').IssueRow} IssueRow
 * @typedef {import('./evidence.js').IntentRow} IntentRow
 * @typedef {{ renotifyIntervalMs: number | null, maxSignalAgeMs: number }} Policy
 * @typedef {object} Replayed
 * @property {IssueRow} issue
 * @property {'trigger' | 'update' | 'resolve' | null} kind of the notification that it demands or may lead to
 * @property {'demanded' | 'allowed' | 'none'} verdict whether a notification has to be, may be, or must not be
 * @property {string} reason
 */

/**
 * Decides about a stream's issues once more, in the order of their positions, with the product's pure decision. What
 * depends on the moment (whether something that goes on is told again) is `allowed` at most.
 *
 * What a notification that was dropped leaves depends on whether it may have arrived, so the intents are asked for that
 * and for nothing else.
 * @param {readonly IssueRow[]} issues of one stream, by position
 * @param {Policy} policy
 * @param {(position: string) => (Pick<IntentRow, 'status'> & { wasUncertain?: boolean }) | undefined} intentAt
 * @returns {{ steps: readonly Replayed[], state: StreamState }}
 */
export function replayStream(issues, policy, intentAt) {
  let state = INITIAL_STREAM_STATE;
  /** @type {Replayed[]} */
  const steps = [];
  for (const issue of issues) {
    const signal = {
      eventId: issue.eventId,
      position: issue.position,
      status: issue.status,
      severity: issue.severity,
      startsAt: issue.storedAt,
      endsAt: null,
      storedAt: issue.storedAt,
      contentHash: '',
      // Without an interval, what only goes on is `continuing`, and all else is as it was.
      policy: { version: 1, renotifyIntervalMs: null, maxSignalAgeMs: policy.maxSignalAgeMs },
    };
    const decision = shouldNotify(state, signal, issue.storedAt);
    const intent = intentAt(issue.position);
    const mayRepeat = decision.reason === 'continuing' && policy.renotifyIntervalMs !== null;
    if (decision.notify) {
      steps.push({ issue, kind: decision.kind, verdict: 'demanded', reason: decision.reason });
    } else if (mayRepeat) {
      steps.push({ issue, kind: 'update', verdict: 'allowed', reason: 'renotify' });
    } else {
      steps.push({ issue, kind: null, verdict: 'none', reason: decision.reason });
    }
    const isTold = intent?.status !== 'dropped' && (decision.notify || (mayRepeat && intent !== undefined));
    if (isTold) {
      state = notified(state, signal, { now: issue.storedAt, provider: 'webhook', externalId: null });
    } else if (decision.notify) {
      const mayBeOpen = decision.kind === 'trigger' && intent?.wasUncertain === true;
      state = givenUp(state, signal, { reason: decision.reason, mayBeOpen });
    } else {
      state = decided(state, signal, decision.reason);
    }
  }
  return { steps, state };
}
