import type { NotificationKind } from '@heliograph/notifier';
import type { IssueSignal, StreamState } from '../contract.ts';
import { comparePositions } from '../position.ts';

/** Why a signal leads to a notification. */
export type NotifyReason = 'new' | 'resolved';

/** Why a signal leads to none. */
export type SilenceReason = 'older_than_last' | 'continuing' | 'suppressed' | 'resolved_without_notification';

/** What to do about one signal. */
export type Decision =
  | { readonly notify: true; readonly kind: NotificationKind; readonly reason: NotifyReason }
  | { readonly notify: false; readonly reason: SilenceReason };

/** The state of a stream that was never notified. */
export const INITIAL_STREAM_STATE: StreamState = {
  notificationCount: 0,
  lastNotifiedAt: null,
  status: 'none',
  lastPosition: null,
  externalIds: {},
};

/**
 * Decides whether a signal is worth a notification.
 *
 * A signal that is not newer than the last decided one changes nothing, so a repeated or late `firing` can never
 * reopen what is resolved. A firing one opens unless something is open; a resolved one closes only what is open.
 */
export function shouldNotify(state: StreamState, signal: IssueSignal): Decision {
  if (state.lastPosition !== null && comparePositions(signal.position, state.lastPosition) <= 0) {
    return { notify: false, reason: 'older_than_last' };
  }
  const open = state.status === 'firing';
  switch (signal.status) {
    case 'firing':
      return open
        ? { notify: false, reason: 'continuing' }
        : { notify: true, kind: 'trigger', reason: 'new' };
    case 'resolved':
      return open
        ? { notify: true, kind: 'resolve', reason: 'resolved' }
        : { notify: false, reason: 'resolved_without_notification' };
    case 'suppressed':
      return { notify: false, reason: 'suppressed' };
  }
}

/** The state after a signal was decided: its position is passed, whatever the decision was. */
export function decided(state: StreamState, signal: IssueSignal): StreamState {
  const passed = state.lastPosition !== null && comparePositions(signal.position, state.lastPosition) <= 0;
  return passed ? state : { ...state, lastPosition: signal.position };
}

/** The state after a notification about a signal was delivered at `now`. */
export function notified(
  state: StreamState,
  signal: IssueSignal,
  delivery: { readonly now: number; readonly provider: string; readonly externalId: string | null },
): StreamState {
  const { [delivery.provider]: open, ...otherIds } = state.externalIds;
  // A resolved object is closed outside: the next trigger opens another.
  const kept = signal.status === 'resolved' ? undefined : (delivery.externalId ?? open);
  return {
    ...decided(state, signal),
    notificationCount: state.notificationCount + 1,
    lastNotifiedAt: delivery.now,
    status: signal.status === 'resolved' ? 'resolved' : 'firing',
    externalIds: kept === undefined ? otherIds : { ...otherIds, [delivery.provider]: kept },
  };
}
