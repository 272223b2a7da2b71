import type { Outcome } from '@heliograph/notifier';
import type { AttemptMade, DeliveryOrder } from '../contract/delivery-order.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { DropCode } from '../contract/reasons.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { LedgerEntry, LedgerOutcome } from '../ledger/ledger-entry.ts';

/** The end of a notification. */
export type Ending =
  | { readonly kind: 'delivered'; readonly provider: string; readonly externalId: string | null }
  | { readonly kind: 'assumed'; readonly provider: string }
  | { readonly kind: 'dropped'; readonly code: DropCode; readonly mayBeOpen?: boolean };

/** A decided notification, as far as ledger entries describe it. */
export type DecidedNotification = Pick<DeliveryOrder, 'notificationId' | 'kind' | 'reason' | 'decidedAt'> & {
  readonly issue: Pick<IssueSignal, 'eventId' | 'position' | 'policy'>;
};

function baseOf(stream: StreamKey, { notificationId, kind, reason, issue }: DecidedNotification) {
  return {
    fingerprint: stream.fingerprint,
    routeId: stream.routeId,
    connectedAppId: stream.connectedAppId,
    eventId: issue.eventId,
    position: issue.position,
    configVersion: issue.policy?.version,
    notificationId,
    kind,
    reason,
  };
}

/** That a notification was decided. */
export function decidedEntry(stream: StreamKey, order: DecidedNotification): LedgerEntry {
  const { notificationId, decidedAt, reason } = order;
  const id = `${notificationId}:decided:${reason}:${decidedAt}`;
  return { ...baseOf(stream, order), id, at: decidedAt, stage: 'decided' };
}

/** That an attempt was interrupted. */
export function interruptedEntry(
  stream: StreamKey,
  order: DecidedNotification,
  { at, claims, provider }: { readonly at: number; readonly claims: number; readonly provider: string },
): LedgerEntry {
  return {
    ...baseOf(stream, order),
    id: attemptId(order.notificationId, claims),
    at,
    stage: 'attempted',
    outcome: 'uncertain',
    code: 'CUT_OFF',
    attempt: claims,
    provider,
  };
}

/** An interrupted attempt and one whose outcome is recorded late are the same entry. */
function attemptId(notificationId: string, claims: number): string {
  return `${notificationId}:attempt:${claims}`;
}

/** The outcome of an attempt. */
export function attemptEntry(order: DeliveryOrder, attempt: AttemptMade): LedgerEntry {
  const { outcome, claims, at, provider, durationMs } = attempt;
  return {
    ...baseOf(order.stream, order),
    id: attemptId(order.notificationId, claims),
    at,
    stage: 'attempted',
    outcome: OUTCOMES[outcome.kind],
    code: codeOf(outcome) ?? undefined,
    status: 'status' in outcome ? (outcome.status ?? undefined) : undefined,
    attempt: claims,
    durationMs: Math.round(durationMs * 100) / 100,
    waitMs: outcome.kind === 'rate-limited' ? outcome.retryAfterMs : undefined,
    provider,
    externalId: outcome.kind === 'delivered' ? (outcome.externalId ?? undefined) : undefined,
  };
}

/** How a notification ended. */
export function settledEntry(
  stream: StreamKey,
  order: DecidedNotification,
  ending: Ending,
  { at, claims }: { readonly at: number; readonly claims: number | null },
): LedgerEntry {
  const outcomes = { delivered: 'delivered', assumed: 'assumed_delivered', dropped: 'dropped' } as const;
  return {
    ...baseOf(stream, order),
    id: `${order.notificationId}:settled:${order.decidedAt}:${claims ?? 0}:${ending.kind}`,
    at,
    stage: 'settled',
    outcome: outcomes[ending.kind],
    code: ending.kind === 'dropped' ? ending.code : undefined,
    provider: ending.kind === 'dropped' ? undefined : ending.provider,
    externalId: ending.kind === 'delivered' ? (ending.externalId ?? undefined) : undefined,
  };
}

const OUTCOMES: Readonly<Record<Outcome['kind'], LedgerOutcome>> = {
  delivered: 'delivered',
  rejected: 'refused',
  'rate-limited': 'rate_limited',
  uncertain: 'uncertain',
};

/** The code of an outcome; null if it was delivered. */
export function codeOf(outcome: Outcome): string | null {
  if (outcome.kind === 'rate-limited') return 'RATE_LIMITED';
  return outcome.kind === 'delivered' ? null : outcome.code;
}
