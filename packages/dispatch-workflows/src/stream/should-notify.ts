import type { Decision, LateRule } from '../contract/decision.ts';
import { DEFAULT_SIGNAL_POLICY, type IssueSignal } from '../contract/issue-signal.ts';
import type { NotifyReason, SilenceReason } from '../contract/reasons.ts';
import type { StreamState } from '../contract/stream-state.ts';
import { comparePositions } from '../contract/position.ts';
import { episodeAfter } from './episode.ts';
import { hasOpenIncident, mayHaveOpenIncident } from './owes-resolve.ts';

/** Every rule. */
export const LATE_RULES: readonly LateRule[] = ['suppression-bypass', 'staleness', 'may-be-owed'];

/** The state of a stream that was never notified. */
export const INITIAL_STREAM_STATE: StreamState = {
  notificationCount: 0,
  lastNotifiedAt: null,
  status: 'none',
  lastPosition: null,
  externalIds: {},
};

/**
 * Decides whether a signal leads to a notification; `now` is in milliseconds since the epoch.
 *
 * A signal that is not newer than the last decided one changes nothing, so a repeated or late `firing` can never
 * reopen what is resolved. A firing one opens unless something is open, and then repeats it when the route's interval
 * has passed or when it was suppressed in between; a resolved one closes only what is open, however old it is.
 */
export function shouldNotify(
  state: StreamState,
  signal: IssueSignal,
  now: number,
  rules: readonly LateRule[] = LATE_RULES,
): Decision {
  const isOpen = hasOpenIncident(state);
  const order = state.lastPosition === null ? 1 : comparePositions(signal.position, state.lastPosition);
  if (signal.owed === true && order === 0 && signal.status === 'resolved') {
    if (isOpen) return RESENDING;
    if (mayHaveOpenIncident(state) && rules.includes('may-be-owed'))
      return { ...RESENDING, rule: 'may-be-owed' };
  }
  if (order <= 0) return { notify: false, reason: 'older_than_last' };
  switch (signal.status) {
    case 'firing': {
      const decision = isOpen ? repeat(state, signal, now, rules) : OPENING;
      return decision.notify && rules.includes('staleness') && isStale(signal, decision, now)
        ? { notify: false, reason: 'stale', rule: 'staleness' }
        : decision;
    }
    case 'resolved':
      return mayHaveOpenIncident(state)
        ? { notify: true, kind: 'resolve', reason: 'resolved' }
        : { notify: false, reason: 'resolved_without_notification' };
    case 'suppressed':
      return { notify: false, reason: 'suppressed' };
  }
}

/** The decision about a signal whose notification was begun before it became stale. */
export function shouldNotifyAtAnyAge(state: StreamState, signal: IssueSignal, now: number): Decision {
  return shouldNotify(state, signal, now, AGELESS_RULES);
}

const AGELESS_RULES = LATE_RULES.filter((rule) => rule !== 'staleness');

const RESENDING = { notify: true, kind: 'resolve', reason: 'resolve_owed' } as const satisfies Decision;
const OPENING: Decision = { notify: true, kind: 'trigger', reason: 'new' };

/** The decision about a stream that fires while an incident is open. */
function repeat(state: StreamState, signal: IssueSignal, now: number, rules: readonly LateRule[]): Decision {
  if (state.lastSeen === 'suppressed' && rules.includes('suppression-bypass')) {
    return { notify: true, kind: 'update', reason: 'suppression_bypass', rule: 'suppression-bypass' };
  }
  const { renotifyIntervalMs } = policyOf(signal);
  if (renotifyIntervalMs === null) return { notify: false, reason: 'continuing' };
  return now - (state.lastNotifiedAt ?? 0) >= renotifyIntervalMs
    ? { notify: true, kind: 'update', reason: 'renotify' }
    : { notify: false, reason: 'renotify_not_due' };
}

function isStale(signal: IssueSignal, decision: Decision, now: number): boolean {
  return now - signal.storedAt > maxAgeMs(signal, decision.reason);
}

/**
 * How old a signal may be for a notification about it, in milliseconds: a renotification that arrives after the next
 * one is due is useless, and a resolve is always sent.
 */
function maxAgeMs(signal: IssueSignal, reason: Decision['reason']): number {
  const { renotifyIntervalMs, maxSignalAgeMs } = policyOf(signal);
  return reason === 'renotify' && renotifyIntervalMs !== null
    ? Math.min(maxSignalAgeMs, renotifyIntervalMs)
    : maxSignalAgeMs;
}

/**
 * How long a notification is worth delivering from `now` on, in milliseconds. A resolve has a full age before it, from
 * whenever it is decided; what is not delivered by then stays owed.
 */
export function timeToLiveMs(signal: IssueSignal, reason: NotifyReason, now: number): number {
  const limit = maxAgeMs(signal, reason);
  return signal.status === 'resolved' ? limit : Math.max(0, limit - Math.max(0, now - signal.storedAt));
}

/** For how long a notification has been worth nothing, in milliseconds; 0 if it still is. A resolve always is. */
export function expiredForMs(signal: IssueSignal, reason: NotifyReason, now: number): number {
  return signal.status === 'resolved' ? 0 : Math.max(0, now - signal.storedAt - maxAgeMs(signal, reason));
}

function policyOf(signal: IssueSignal): typeof DEFAULT_SIGNAL_POLICY {
  return signal.policy ?? DEFAULT_SIGNAL_POLICY;
}

/** The state after a signal was decided: its position is passed, whatever the decision was. */
export function applyDecision(
  state: StreamState,
  signal: IssueSignal,
  reason: SilenceReason | null = null,
): StreamState {
  const passed = state.lastPosition !== null && comparePositions(signal.position, state.lastPosition) <= 0;
  if (passed) return state;
  const silence =
    reason === null
      ? null
      : state.silence?.reason === reason
        ? state.silence
        : { reason, since: signal.position };
  // A stale signal does not use a suppression up: the next firing is still the first after it.
  const lastSeen =
    reason === 'stale' && state.lastSeen === 'suppressed' ? ('suppressed' as const) : signal.status;
  return { ...state, lastPosition: signal.position, lastSeen, silence };
}

/** The state after the notification of a signal was dropped. */
export function applyDrop(
  state: StreamState,
  signal: IssueSignal,
  { reason, mayBeOpen }: { readonly reason: NotifyReason; readonly mayBeOpen: boolean },
): StreamState {
  const after = applyDecision(state, signal);
  // A resolve that may have arrived: the next firing is no continuation of something that is open for sure.
  const mayBeClosed = mayBeOpen && signal.status === 'resolved' && state.status === 'firing';
  return {
    ...after,
    ...(mayBeClosed ? { status: 'resolved' as const } : {}),
    ...(reason === 'suppression_bypass' ? { lastSeen: 'suppressed' as const } : {}),
    ...(mayBeOpen
      ? {
          mayBeOpen: true,
          episode:
            signal.status === 'resolved' ? (state.episode ?? null) : episodeAfter(state, signal.position),
        }
      : {}),
  };
}

/** The state after the notification of a signal was delivered at `now`. */
export function applyDelivery(
  state: StreamState,
  signal: IssueSignal,
  delivery: { readonly now: number; readonly provider: string; readonly externalId: string | null },
): StreamState {
  const { [delivery.provider]: open, ...otherIds } = state.externalIds;
  const resolved = signal.status === 'resolved';
  // A resolved incident is closed at the provider: the next trigger opens another.
  const kept = resolved ? undefined : (delivery.externalId ?? open);
  return {
    ...applyDecision(state, signal),
    ...(state.mayBeOpen === true ? { mayBeOpen: false } : {}),
    notificationCount: state.notificationCount + 1,
    lastNotifiedAt: delivery.now,
    status: resolved ? 'resolved' : 'firing',
    externalIds: kept === undefined ? otherIds : { ...otherIds, [delivery.provider]: kept },
    episode: resolved ? (state.episode ?? null) : episodeAfter(state, signal.position),
  };
}
