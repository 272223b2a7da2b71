import type { Outcome } from '@heliograph/notifier';
import type { DeliveryOrder, DeliveryResult, StreamRecord } from '../contract/delivery-order.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { DropCode } from '../contract/reasons.ts';
import type { SilentRun, StreamKey, StreamState } from '../contract/stream-state.ts';
import { givenUp, notified } from '../stream/should-notify.ts';
import type { Intent } from './intent-store.ts';
import type { LedgerBatch, LedgerEntry, LedgerOutcome } from '../ledger/ledger-entry.ts';
import type { IntentOutcome, StreamWrite } from '../stream/stream-store.ts';

/** One sending, as the ledger tells of it. */
export interface AttemptMade {
  readonly at: number;
  /** Which sending of the notification it was, from 1. */
  readonly claims: number;
  readonly provider: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
}

/** The end of a notification. */
export type Ending =
  | { readonly kind: 'delivered'; readonly provider: string; readonly externalId: string | null }
  | { readonly kind: 'assumed'; readonly provider: string }
  | { readonly kind: 'dropped'; readonly code: DropCode; readonly mayBeOpen?: boolean };

type Decided = Pick<DeliveryOrder, 'notificationId' | 'kind' | 'reason' | 'decidedAt'> & {
  readonly issue: Pick<IssueSignal, 'eventId' | 'position' | 'policy'>;
};

/** The rows of a notification that has come to its end: state, intent, and what the ledger tells. */
export function endingRows(
  order: DeliveryOrder,
  ending: Ending,
  {
    at,
    attempt,
    claims,
  }: { readonly at: number; readonly attempt?: AttemptMade; readonly claims: number | null },
): StreamWrite {
  const before = unwrittenRows(order.stream, order.unwritten ?? {}, at);
  return {
    stream: order.stream,
    state: stateAfter(order, ending),
    intents: [...before.intents, intentAfter(order.notificationId, ending, claims)],
    ledger: {
      runs: before.ledger.runs,
      entries: [
        ...before.ledger.entries,
        decidedEntry(order.stream, order),
        ...(attempt === undefined ? [] : [attemptEntry(order, attempt)]),
        endingEntry(order.stream, order, ending, { at, claims }),
      ],
    },
  };
}

/** The rows of a sending after which another one may follow. */
export function attemptRows(order: DeliveryOrder, attempt: AttemptMade): StreamWrite {
  const { outcome, claims } = attempt;
  return {
    stream: order.stream,
    intents: [
      {
        notificationId: order.notificationId,
        status: outcome.kind === 'uncertain' ? 'uncertain' : 'refused',
        claims,
        code: codeOf(outcome),
      },
    ],
    ledger: { entries: [attemptEntry(order, attempt)], runs: [] },
  };
}

/** The rows of a sending that was cut off, found by the next one. */
export function cutOffRows(
  order: DeliveryOrder,
  { at, claims, provider }: { readonly at: number; readonly claims: number; readonly provider: string },
): StreamWrite {
  const entry = cutOffEntry(order.stream, order, { at, claims: claims - 1, provider });
  return { stream: order.stream, ledger: { entries: [entry], runs: [] } };
}

/** The rows of a notification that an earlier sending delivered: its intent and the ledger tell of it already. */
export function deliveredBefore(
  order: DeliveryOrder,
  provider: string,
  externalId: string | null,
): StreamWrite {
  // What happened before it was written with it.
  return { stream: order.stream, state: stateAfter(order, { kind: 'delivered', provider, externalId }) };
}

/** That a notification was decided, for one that has to wait before its first sending. */
export function waitingRows(order: DeliveryOrder): StreamWrite {
  return { stream: order.stream, ledger: { entries: [decidedEntry(order.stream, order)], runs: [] } };
}

/** The rows of a notification that its stream has passed without settling it. */
export function passedRows(intent: Intent, at: number): StreamWrite {
  const { notificationId, stream, claims } = intent;
  const provider = intent.provider ?? 'unknown';
  const ending: Ending = { kind: 'dropped', code: 'SUPERSEDED' };
  const order: Decided = { ...intent, issue: intent };
  return {
    stream,
    intents: [intentAfter(notificationId, ending, claims)],
    ledger: {
      runs: [],
      entries: [
        decidedEntry(stream, order),
        cutOffEntry(stream, order, { at, claims, provider }),
        endingEntry(stream, order, ending, { at, claims }),
      ],
    },
  };
}

/** What happened in a stream and no row tells of yet. */
export function unwrittenRows(
  stream: StreamKey,
  { silent = [], outcomes = [] }: StreamRecord,
  at: number,
): { readonly intents: readonly IntentOutcome[]; readonly ledger: LedgerBatch } {
  const endings = outcomes.map(({ order, result }) => ({ order, ending: endingOf(result) }));
  return {
    intents: endings.map(({ order, ending }) => intentAfter(order.notificationId, ending, null)),
    ledger: {
      entries: endings.flatMap(({ order, ending }) => [
        decidedEntry(stream, order),
        endingEntry(stream, order, ending, { at, claims: null }),
      ]),
      runs: silent.map((run: SilentRun) => ({ ...run, stream })),
    },
  };
}

function stateAfter({ state, issue, reason, decidedAt }: DeliveryOrder, ending: Ending): StreamState {
  if (ending.kind === 'dropped')
    return givenUp(state, issue, { reason, mayBeOpen: ending.mayBeOpen === true });
  const externalId = ending.kind === 'delivered' ? ending.externalId : null;
  return notified(state, issue, { now: decidedAt, provider: ending.provider, externalId });
}

function intentAfter(notificationId: string, ending: Ending, claims: number | null): IntentOutcome {
  switch (ending.kind) {
    case 'delivered':
      return { notificationId, status: 'delivered', claims, externalId: ending.externalId };
    case 'assumed':
      return { notificationId, status: 'delivered', claims, code: 'UNCERTAIN_NOT_RESENT' };
    case 'dropped':
      return { notificationId, status: 'dropped', claims, code: ending.code };
  }
}

function endingOf(result: Extract<DeliveryResult, { kind: 'delivered' | 'dropped' }>): Ending {
  if (result.kind === 'dropped') return result;
  return result.assumed === true ? { kind: 'assumed', provider: result.provider } : result;
}

function of(stream: StreamKey, { notificationId, kind, reason, issue }: Decided) {
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

function decidedEntry(stream: StreamKey, order: Decided): LedgerEntry {
  const { notificationId, decidedAt, reason } = order;
  const id = `${notificationId}:decided:${reason}:${decidedAt}`;
  return { ...of(stream, order), id, at: decidedAt, stage: 'decided' };
}

function cutOffEntry(
  stream: StreamKey,
  order: Decided,
  { at, claims, provider }: { readonly at: number; readonly claims: number; readonly provider: string },
): LedgerEntry {
  return {
    ...of(stream, order),
    id: attemptId(order.notificationId, claims),
    at,
    stage: 'attempted',
    outcome: 'uncertain',
    code: 'CUT_OFF',
    attempt: claims,
    provider,
  };
}

/** A sending that was cut off and one that told of itself late are the same entry. */
function attemptId(notificationId: string, claims: number): string {
  return `${notificationId}:attempt:${claims}`;
}

function attemptEntry(order: DeliveryOrder, attempt: AttemptMade): LedgerEntry {
  const { outcome, claims, at, provider, durationMs } = attempt;
  return {
    ...of(order.stream, order),
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

function endingEntry(
  stream: StreamKey,
  order: Decided,
  ending: Ending,
  { at, claims }: { readonly at: number; readonly claims: number | null },
): LedgerEntry {
  const outcomes = { delivered: 'delivered', assumed: 'assumed_delivered', dropped: 'dropped' } as const;
  return {
    ...of(stream, order),
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

function codeOf(outcome: Outcome): string | null {
  if (outcome.kind === 'rate-limited') return 'RATE_LIMITED';
  return outcome.kind === 'delivered' ? null : outcome.code;
}
