import type { Claim, ClaimRequest } from '../delivery/claim-intents.ts';
import type { IntentStatus } from '../delivery/intent-status.ts';
import type { Intent } from '../delivery/intent-store.ts';
import type { IntentOutcome } from '../stream/stream-store.ts';

/** A row of `dispatch.delivery_intents`, without its times. */
export interface MemoryIntent extends Omit<Intent, 'updatedAt'> {
  readonly foundStatus: IntentStatus | null;
  readonly inputs: Claim['inputs'] | null;
}

/** What a claim makes of an intent; of one that another attempt has claimed meanwhile, nothing. */
export function claimIntent(known: MemoryIntent | undefined, request: ClaimRequest): MemoryIntent {
  return known === undefined ? rowOf(request) : claimAgain(known, request);
}

/**
 * What a claim gives back.
 *
 * @throws {TypeError} if the attempt was given up and another one has claimed it.
 */
export function claimOf(row: MemoryIntent, { provider, token, inputs }: ClaimRequest): Claim {
  if (row.attemptToken !== token) throw new TypeError('this attempt was given up');
  return {
    before: row.foundStatus,
    claims: row.claims,
    token,
    externalId: row.externalId,
    code: row.code,
    wasUncertain: row.wasUncertain,
    provider: row.provider ?? provider,
    inputs: row.inputs ?? inputs,
  };
}

/** What an outcome makes of an intent: nothing, if it is not that of the latest attempt. */
export function settleIntent(known: MemoryIntent, outcome: IntentOutcome): MemoryIntent {
  const { status, claims, token = null, externalId = null, code = null } = outcome;
  const isLatest =
    (claims === null || claims === known.claims) && (token === null || token === known.attemptToken);
  if (status !== 'delivered' && (known.status === 'delivered' || !isLatest)) return known;
  // Only a claim begins a dropped one again: the row of an attempt that comes late does not.
  const isOver = known.status === 'dropped' && status !== 'delivered' && status !== 'dropped';
  return {
    ...known,
    ...(isOver ? {} : { status, code }),
    externalId: externalId ?? known.externalId,
    wasUncertain: known.wasUncertain || status === 'uncertain',
  };
}

/** Intents in memory, by the same rules as in PostgreSQL: `intent-store.it.test.ts` compares them. */
export function createMemoryIntents() {
  const rows = new Map<string, MemoryIntent>();
  return {
    rows,
    /** @throws {TypeError} if the attempt was given up and another one has claimed it. */
    claim(request: ClaimRequest): Claim {
      const { notificationId } = request.order;
      const row = claimIntent(rows.get(notificationId), request);
      rows.set(notificationId, row);
      return claimOf(row, request);
    },
    read: (ids: readonly string[]): readonly Intent[] =>
      ids.flatMap((id) => {
        const row = rows.get(id);
        if (row === undefined) return [];
        const { foundStatus: _, inputs: __, ...intent } = row;
        return [{ ...intent, updatedAt: row.decidedAt }];
      }),
    record(outcome: IntentOutcome): void {
      const known = rows.get(outcome.notificationId);
      if (known !== undefined) rows.set(outcome.notificationId, settleIntent(known, outcome));
    },
  };
}

function rowOf({ order, provider, token, inputs }: ClaimRequest): MemoryIntent {
  const { notificationId, stream, kind, reason, decidedAt } = order;
  const { position, eventId } = order.issue;
  return {
    notificationId,
    stream,
    position,
    eventId,
    kind,
    reason,
    decidedAt,
    provider,
    inputs,
    status: 'intended',
    foundStatus: null,
    claims: 1,
    attemptToken: token,
    wasUncertain: false,
    externalId: null,
    code: null,
  };
}

function claimAgain(known: MemoryIntent, { order, provider, token, inputs }: ClaimRequest): MemoryIntent {
  const names = token.split('.');
  const knownNames = known.attemptToken?.split('.') ?? [];
  if (knownNames.includes(names[0] ?? '') || knownNames.includes(`${names[0]}+`)) return known;
  const isOpen = known.status === 'intended' || known.status === 'uncertain';
  const isUnsent = isOpen && names.includes(knownNames[0] ?? '-');
  const isRefused = isOpen && names.includes(`${knownNames[0]}+`);
  const next = {
    ...known,
    reason: order.reason,
    provider: known.status === 'delivered' ? known.provider : provider,
    attemptToken: token,
    inputs: known.inputs ?? inputs,
  };
  if (isUnsent) return next;
  const isIntended =
    isRefused ||
    known.status === 'refused' ||
    (known.status === 'dropped' && order.reason === 'resolve_owed');
  const isDoubted = known.status === 'intended' && !isRefused;
  return {
    ...next,
    status: isIntended ? 'intended' : isDoubted ? 'uncertain' : known.status,
    foundStatus: isRefused ? 'refused' : known.status,
    wasUncertain: known.wasUncertain || isDoubted,
    claims: known.claims + 1,
  };
}
