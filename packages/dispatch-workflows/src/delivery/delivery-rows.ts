import type { AttemptMade, DeliveryOrder, DeliveryResult, StreamRecord } from '../contract/delivery-order.ts';
import type { SilentRun, StreamKey, StreamState } from '../contract/stream-state.ts';
import type { LedgerBatch, LedgerEntry } from '../ledger/ledger-entry.ts';
import { applyDrop, applyDelivery } from '../stream/should-notify.ts';
import type { IntentOutcome, StreamWrite } from '../stream/stream-store.ts';
import {
  attemptEntry,
  codeOf,
  decidedEntry,
  type DecidedNotification,
  type Ending,
  interruptedEntry,
  settledEntry,
} from './delivery-entries.ts';
import { ASSUMED_CODE, isInDoubt } from './intent-status.ts';
import type { Intent } from './intent-store.ts';

/** The rows of a notification that ends: state, intent and ledger entries, with everything that no row holds yet. */
export function endingRows(
  order: DeliveryOrder,
  ending: Ending,
  {
    at,
    attempt,
    claims,
  }: { readonly at: number; readonly attempt?: AttemptMade | undefined; readonly claims: number | null },
): StreamWrite {
  const before = recordRows(order.stream, order.unwritten ?? {}, at);
  return {
    stream: order.stream,
    state: stateAfter(order, ending),
    intents: [
      ...before.intents,
      { ...intentAfter(order.notificationId, ending, claims), token: attempt?.token ?? null },
    ],
    ledger: {
      runs: before.ledger.runs,
      entries: [
        ...before.ledger.entries,
        decidedEntry(order.stream, order),
        ...earlierEntries(order),
        ...(attempt === undefined ? [] : [attemptEntry(order, attempt)]),
        settledEntry(order.stream, order, ending, { at, claims }),
      ],
    },
  };
}

/** The rows of an attempt that another one may follow. */
export function attemptRows(order: DeliveryOrder, attempt: AttemptMade): StreamWrite {
  const { outcome, claims } = attempt;
  return {
    stream: order.stream,
    intents: [
      {
        notificationId: order.notificationId,
        status: outcome.kind === 'uncertain' ? 'uncertain' : 'refused',
        claims,
        token: attempt.token,
        code: codeOf(outcome),
      },
    ],
    ledger: { entries: [...earlierEntries(order), attemptEntry(order, attempt)], runs: [] },
  };
}

/** An attempt before this one whose row could not be written. */
function earlierEntries(order: DeliveryOrder): readonly LedgerEntry[] {
  const made = order.lastAttempt?.made;
  return made === undefined ? [] : [attemptEntry(order, made)];
}

/** The rows of an interrupted attempt, found by the claim after it. */
export function interruptedRows(
  order: DeliveryOrder,
  { at, claims, provider }: { readonly at: number; readonly claims: number; readonly provider: string },
): StreamWrite {
  const entry = interruptedEntry(order.stream, order, { at, claims: claims - 1, provider });
  return { stream: order.stream, ledger: { entries: [entry], runs: [] } };
}

/** The rows of a notification that an earlier attempt delivered: intent and ledger have it already. */
export function confirmedRows(
  order: DeliveryOrder,
  provider: string,
  externalId: string | null,
): StreamWrite {
  // What happened before it was written with it.
  return { stream: order.stream, state: stateAfter(order, { kind: 'delivered', provider, externalId }) };
}

/** The rows of a notification that has to wait before its first attempt: that it was decided. */
export function decidedRows(order: DeliveryOrder): StreamWrite {
  return { stream: order.stream, ledger: { entries: [decidedEntry(order.stream, order)], runs: [] } };
}

/** The rows of a notification that its stream has passed without settling it: dropped as superseded. */
export function supersededRows(intent: Intent, at: number): StreamWrite {
  const { notificationId, stream, claims } = intent;
  const provider = intent.provider ?? 'unknown';
  const ending: Ending = { kind: 'dropped', code: 'SUPERSEDED' };
  const order: DecidedNotification = { ...intent, issue: intent };
  return {
    stream,
    intents: [intentAfter(notificationId, ending, claims)],
    ledger: {
      runs: [],
      entries: [
        decidedEntry(stream, order),
        // One that was refused last is not in doubt.
        ...(isInDoubt(intent.status) ? [interruptedEntry(stream, order, { at, claims, provider })] : []),
        settledEntry(stream, order, ending, { at, claims }),
      ],
    },
  };
}

/** The rows of what happened in a stream and no row holds yet. */
export function recordRows(
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
        settledEntry(stream, order, ending, { at, claims: null }),
      ]),
      runs: silent.map((run: SilentRun) => ({ ...run, stream })),
    },
  };
}

function stateAfter({ state, issue, reason, decidedAt }: DeliveryOrder, ending: Ending): StreamState {
  if (ending.kind === 'dropped')
    return applyDrop(state, issue, { reason, mayBeOpen: ending.mayBeOpen === true });
  const externalId = ending.kind === 'delivered' ? ending.externalId : null;
  return applyDelivery(state, issue, { now: decidedAt, provider: ending.provider, externalId });
}

function intentAfter(notificationId: string, ending: Ending, claims: number | null): IntentOutcome {
  switch (ending.kind) {
    case 'delivered':
      return { notificationId, status: 'delivered', claims, externalId: ending.externalId };
    case 'assumed':
      return { notificationId, status: 'delivered', claims, code: ASSUMED_CODE };
    case 'dropped':
      return { notificationId, status: 'dropped', claims, code: ending.code };
  }
}

function endingOf(result: Extract<DeliveryResult, { kind: 'delivered' | 'dropped' }>): Ending {
  if (result.kind === 'dropped') return result;
  return result.assumed === true ? { kind: 'assumed', provider: result.provider } : result;
}
