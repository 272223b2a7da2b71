import type { AttemptMade, DeliveryOrder, DeliveryResult } from '../contract/delivery-order.ts';
import { DROP_CODES, type DropCode } from '../contract/reasons.ts';
import { comparePositions } from '../contract/position.ts';
import type { ConnectedApp } from '../apps/connected-app-store.ts';
import type { UncertainPolicy } from '../apps/uncertain-policy.ts';
import type { StreamWrite } from '../stream/stream-store.ts';
import type { Claim } from './claim-intents.ts';
import { isKnown } from './attempt-token.ts';
import type { Ending } from './delivery-entries.ts';
import { attemptRows, confirmedRows, endingRows, interruptedRows } from './delivery-rows.ts';
import { ASSUMED_CODE, isInDoubt } from './intent-status.ts';
import type { Intent } from './intent-store.ts';

/** What the planners know of an attempt. */
export interface AttemptCase {
  readonly order: DeliveryOrder;
  readonly app: Pick<ConnectedApp, 'provider' | 'uncertainPolicy' | 'health'>;
  readonly claim: Claim;
  /** The longest wait that a provider is granted before it is asked again, in milliseconds; default 5 minutes. */
  readonly maxThrottleMs?: number | undefined;
}

/** What every process should learn about a connected app. */
export type HealthChange =
  | { readonly kind: 'throttled'; readonly forMs: number }
  | { readonly kind: 'failing'; readonly code: string; readonly status: number | null }
  | { readonly kind: 'working' }
  /** It accepted a request although it had asked to wait for longer. */
  | { readonly kind: 'unthrottled'; readonly throttledUntil: number }
  /** Its receiver is gone permanently. */
  | { readonly kind: 'disabled' };

/** The end of a notification, before anybody knows whether its rows could be persisted. */
export type AttemptEnd =
  | Omit<Extract<DeliveryResult, { kind: 'delivered' }>, 'recorded' | 'passedBy'>
  | Omit<Extract<DeliveryResult, { kind: 'dropped' }>, 'recorded' | 'passedBy'>;

/** What to do next. */
export type NextStep =
  | { readonly kind: 'send' }
  /** Ask the provider whether it has the notification. */
  | { readonly kind: 'look-up' }
  /** Cancelled before anything was sent. */
  | { readonly kind: 'stop' }
  /** Another attempt may follow; `throttledMs` is null if the provider did not ask to wait. */
  | {
      readonly kind: 'retry';
      readonly code: string;
      readonly throttledMs: number | null;
      readonly attempt: AttemptMade;
    }
  | { readonly kind: 'drop'; readonly code: DropCode; readonly attempt: AttemptMade }
  | { readonly kind: 'end'; readonly result: AttemptEnd };

/** What to persist, and then to do. */
export interface AttemptPlan {
  readonly next: NextStep;
  readonly rows?: StreamWrite;
  /** The next step must not be taken unless the rows are persisted. Default false: a failure is reported only. */
  readonly mustPersist?: boolean;
  readonly health?: readonly HealthChange[];
}

const DEFAULT_MAX_THROTTLE_MS = 300_000;
/** The shortest wait after a throttle, in milliseconds. */
const MIN_THROTTLE_MS = 1000;

/**
 * Plans what follows the claim. An intent in doubt is recorded as `uncertain` before anything else is done about it; one
 * that is settled is not sent again, except for an owed resolve that was dropped.
 */
export function planAfterClaim(
  { order, app, claim }: AttemptCase,
  { at, isCancelled }: { readonly at: number; readonly isCancelled: boolean },
): AttemptPlan {
  const { before, claims, token } = claim;
  if (isCancelled) {
    // Unless it says that nothing was sent, the next attempt has to doubt it.
    const isUnsent = before === null || before === 'refused';
    const { stream, notificationId } = order;
    const intents = [{ notificationId, status: 'refused', claims, token, code: 'NOT_SENT' }] as const;
    return { next: { kind: 'stop' }, ...(isUnsent ? { rows: { stream, intents } } : {}) };
  }
  switch (before) {
    case null:
    case 'refused':
      return isPassed(order, claim) ? planSuperseded(order, { at, claims }) : { next: { kind: 'send' } };
    case 'intended':
    case 'uncertain':
      return {
        rows: interruptedRows(order, { at, claims, provider: app.provider }),
        mustPersist: true,
        next: { kind: 'look-up' },
      };
    case 'delivered':
      return planConfirmed(order, claim);
    case 'dropped': {
      if (order.reason === 'resolve_owed') return { next: { kind: 'send' } };
      const mayBeOpen = order.kind !== 'update' && claim.wasUncertain;
      const result = {
        kind: 'dropped',
        code: dropCodeOf(claim.code),
        ...(mayBeOpen ? { mayBeOpen } : {}),
      } as const;
      return { next: { kind: 'end', result } };
    }
  }
}

/**
 * Whether the stream has decided something newer. A workflow task that is repeated decides on what it knew before, and a
 * signal that came meanwhile may stand before what it has delivered already: sent now, it would be out of order.
 */
export function isPassed({ issue }: DeliveryOrder, { passedTo }: Claim): boolean {
  return passedTo !== undefined && comparePositions(passedTo, issue.position) > 0;
}

function planSuperseded(
  order: DeliveryOrder,
  made: { readonly at: number; readonly claims: number },
): AttemptPlan {
  const ending = { kind: 'dropped', code: 'SUPERSEDED' } as const;
  return { rows: endingRows(order, ending, made), next: { kind: 'end', result: ending } };
}

/** Plans what follows the provider's answer to a look-up of a notification in doubt. */
export function planAfterLookUp(
  { order, app, claim: { claims } }: AttemptCase,
  { at, answer }: { readonly at: number; readonly answer: 'delivered' | 'not-delivered' | 'unknown' },
): AttemptPlan {
  const { provider } = app;
  switch (answer) {
    case 'not-delivered':
      return { next: { kind: 'send' } };
    case 'delivered':
      return planDelivered(order, { kind: 'delivered', provider, externalId: null }, { at, claims });
    case 'unknown':
      return mayResend(app.uncertainPolicy, order)
        ? { next: { kind: 'send' } }
        : planDelivered(order, { kind: 'assumed', provider }, { at, claims });
  }
}

/** Plans what follows the outcome of an attempt. */
export function planAfterOutcome(
  { order, app, maxThrottleMs }: AttemptCase,
  attempt: AttemptMade,
  at: number,
): AttemptPlan {
  const { outcome, provider, claims } = attempt;
  const rows = (): StreamWrite => attemptRows(order, attempt);
  switch (outcome.kind) {
    case 'delivered': {
      const ending = { kind: 'delivered', provider, externalId: outcome.externalId } as const;
      const health: HealthChange[] = [];
      if (app.health.failure !== null) health.push({ kind: 'working' });
      const { throttledUntil } = app.health;
      if (throttledUntil !== undefined) health.push({ kind: 'unthrottled', throttledUntil });
      return { ...planDelivered(order, ending, { at, claims, attempt }), health };
    }
    case 'rejected': {
      const { code, status } = outcome;
      if (outcome.retryable)
        return { rows: rows(), next: { kind: 'retry', code, throttledMs: null, attempt } };
      // Only the receiver's own answer that it is gone disables the app: a wrong 401 must not silence pages.
      const isGone = code === 'GONE' && provider === 'webhook';
      return {
        health: [{ kind: 'failing', code, status }, ...(isGone ? [{ kind: 'disabled' } as const] : [])],
        next: { kind: 'drop', code: 'REJECTED', attempt },
      };
    }
    case 'rate-limited': {
      const throttledMs = throttleOf(outcome.retryAfterMs, maxThrottleMs);
      return {
        rows: rows(),
        health: [{ kind: 'throttled', forMs: throttledMs }],
        next: { kind: 'retry', code: 'RATE_LIMITED', throttledMs, attempt },
      };
    }
    case 'uncertain':
      return mayResend(app.uncertainPolicy, order)
        ? { rows: rows(), next: { kind: 'retry', code: outcome.code, throttledMs: null, attempt } }
        : planDelivered(order, { kind: 'assumed', provider }, { at, claims, attempt });
  }
}

/**
 * Plans a drop; `intent` is what is known about the notification, null if there is none, `unknown` if that could not be
 * read. What an earlier attempt turns out to have delivered is not dropped, and a trigger or a resolve in doubt leaves an incident that
 * may be open. Where nothing could be read there is doubt, unless the claim of `attempt` had said that there is none.
 */
export function planDrop(
  order: DeliveryOrder,
  code: DropCode,
  {
    intent,
    attempt,
    claim,
    at,
  }: {
    readonly intent: Intent | null | 'unknown';
    /** The attempt that was refused now. */
    readonly attempt?: AttemptMade | undefined;
    /** Its claim. */
    readonly claim?: Claim | undefined;
    readonly at: number;
  },
): AttemptPlan & { readonly next: { readonly kind: 'end'; readonly result: AttemptEnd } } {
  if (intent !== null && intent !== 'unknown' && intent.status === 'delivered' && intent.provider !== null)
    return planConfirmed(order, { ...intent, provider: intent.provider });
  const isDoubtful = mayHaveArrived(order, intent, { isRefusedNow: attempt !== undefined, claim });
  const ending = {
    kind: 'dropped',
    code,
    ...(order.kind !== 'update' && isDoubtful ? { mayBeOpen: true } : {}),
  } as const;
  return {
    rows: endingRows(order, ending, { at, claims: attempt?.claims ?? null, attempt }),
    next: { kind: 'end', result: ending },
  };
}

function mayHaveArrived(
  { lastAttempt }: DeliveryOrder,
  intent: Intent | null | 'unknown',
  { isRefusedNow, claim }: { readonly isRefusedNow: boolean; readonly claim: Claim | undefined },
): boolean {
  if (claim?.wasUncertain === true) return true;
  if (intent === null) return false;
  if (intent === 'unknown') return claim === undefined;
  // The latest attempt is not in doubt where its outcome is known; earlier ones may be.
  const isOver = isRefusedNow || isKnown(intent.attemptToken, lastAttempt ?? null);
  return intent.wasUncertain || (!isOver && isInDoubt(intent.status));
}

/** How long an app is throttled, whatever the provider says; in milliseconds. */
export function throttleOf(retryAfterMs: number, maxThrottleMs = DEFAULT_MAX_THROTTLE_MS): number {
  return Math.min(maxThrottleMs, Math.max(MIN_THROTTLE_MS, retryAfterMs));
}

/**
 * Its rows were written together. The state is written once more, for a run that waits for it: it is the same. What was
 * only assumed stays so.
 */
function planConfirmed(
  order: DeliveryOrder,
  { provider, externalId, code }: Pick<Claim, 'provider' | 'externalId' | 'code'>,
) {
  const assumed = code === ASSUMED_CODE ? { assumed: true } : {};
  return {
    rows: confirmedRows(order, provider, externalId),
    next: { kind: 'end', result: { kind: 'delivered', provider, externalId, ...assumed } },
  } as const;
}

function planDelivered(
  order: DeliveryOrder,
  ending: Exclude<Ending, { kind: 'dropped' }>,
  made: { readonly at: number; readonly claims: number; readonly attempt?: AttemptMade },
): AttemptPlan {
  const { provider } = ending;
  const externalId = ending.kind === 'delivered' ? ending.externalId : null;
  const assumed = ending.kind === 'assumed' ? { assumed: true } : {};
  return {
    rows: endingRows(order, ending, made),
    next: { kind: 'end', result: { kind: 'delivered', provider, externalId, ...assumed } },
  };
}

function mayResend(policy: UncertainPolicy, { reason }: DeliveryOrder): boolean {
  return policy === 'resend-all' || (policy === 'resend-pages' && reason !== 'renotify');
}

/** A code of another release is reported as the most general one. */
function dropCodeOf(code: string | null): DropCode {
  return DROP_CODES.find((known) => known === code) ?? 'REJECTED';
}
