import { dispatchOperations, type ResolveDebtView } from '@heliograph/dispatch-api';
import type { DebtStore, ResolveDebt } from '@heliograph/dispatch-workflows/stores';
import { decodeCursor, encodeCursor, type Edge } from '@heliograph/service';
import * as v from 'valibot';

/** A place in the list: position and workflow id of a stream. */
const place = v.pipe(v.string(), v.regex(/^\d{1,20}:alert(?:-[a-z0-9]{1,64}){3}$/));

/** `GET /api/v1/resolve-debts`: incidents still open at the provider although their alerts have resolved. */
export function addDebtsApi(edge: Edge, { debts }: { readonly debts: Pick<DebtStore, 'list'> }): void {
  edge.route({
    ...dispatchOperations.listResolveDebts,
    handler: async ({ query: { limit, cursor } }) => {
      const after = cursor === undefined ? null : decodeCursor(place, cursor);
      const { debts: found, next } = await debts.list({ after, limit });
      return {
        status: 200,
        body: {
          items: found.map(presentDebt),
          nextCursor: next === null ? null : encodeCursor(next),
        },
      };
    },
  });
}

function presentDebt(debt: ResolveDebt): ResolveDebtView {
  const { issue, intent, stream } = debt;
  return {
    workflowId: debt.workflowId,
    fingerprint: stream.fingerprint,
    routeId: stream.routeId,
    connectedAppId: stream.connectedAppId,
    notifiedAt: debt.notifiedAt === null ? null : toIso(debt.notifiedAt),
    issue: { eventId: issue.eventId, storedAt: toIso(issue.storedAt) },
    intent:
      intent === null
        ? null
        : { status: intent.status, code: intent.code, updatedAt: toIso(intent.updatedAt) },
    updatedAt: toIso(debt.updatedAt),
  };
}

function toIso(at: number): string {
  return new Date(at).toISOString();
}
