import type { NotificationKind } from '@heliograph/notifier';
import type { NotifyReason, SilenceReason } from './reasons.ts';

/** Parts of the decision that are younger than the first executions of the workflow; each is the id of its patch. */
export type LateRule = 'suppression-bypass' | 'staleness' | 'may-be-owed';

/** What to do about one signal. `rule` names the late rule without which the decision would differ. */
export type Decision = (NotifyDecision | { readonly notify: false; readonly reason: SilenceReason }) & {
  readonly rule?: LateRule;
};

/** A decision to notify. */
export interface NotifyDecision {
  readonly notify: true;
  readonly kind: NotificationKind;
  readonly reason: NotifyReason;
}
