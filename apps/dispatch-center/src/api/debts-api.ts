import type { DebtStore, ResolveDebt } from '@heliograph/dispatch-workflows/stores';
import { decodeCursor, encodeCursor, pageQuery, type Edge } from '@heliograph/service';
import * as v from 'valibot';

const debtView = v.object({
  workflowId: v.string(),
  fingerprint: v.string(),
  routeId: v.string(),
  connectedAppId: v.string(),
  notifiedAt: v.nullable(v.string()),
  issue: v.object({ eventId: v.string(), storedAt: v.string() }),
  intent: v.nullable(v.object({ status: v.string(), code: v.nullable(v.string()), updatedAt: v.string() })),
  updatedAt: v.string(),
});

const page = v.object({ items: v.array(debtView), nextCursor: v.nullable(v.string()) });
/** A place in the list: position and workflow id of a stream. */
const place = v.pipe(v.string(), v.regex(/^\d{1,20}:alert(?:-[a-z0-9]{1,64}){3}$/));

/** `GET /api/v1/resolve-debts`: what is open outside although it is over. */
export function addDebtsApi(edge: Edge, { debts }: { readonly debts: Pick<DebtStore, 'list'> }): void {
  edge.route({
    method: 'GET',
    path: '/api/v1/resolve-debts',
    operationId: 'listResolveDebts',
    tags: ['explain'],
    summary: 'List what is open outside although the newest issue says that it is over',
    description:
      'A resolve that is under way is among them until it arrived. `limit` counts the open streams that are looked ' +
      'through, so a page may hold fewer, also none; follow `nextCursor` until it is null.',
    scope: 'explain:read',
    query: v.object({ ...pageQuery() }),
    responses: { 200: { description: 'A page.', schema: page } },
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

function presentDebt(debt: ResolveDebt): v.InferOutput<typeof debtView> {
  const { issue, intent, stream } = debt;
  return {
    workflowId: debt.workflowId,
    fingerprint: stream.fingerprint,
    routeId: stream.routeId,
    connectedAppId: stream.connectedAppId,
    notifiedAt: debt.notifiedAt === null ? null : iso(debt.notifiedAt),
    issue: { eventId: issue.eventId, storedAt: iso(issue.storedAt) },
    intent:
      intent === null ? null : { status: intent.status, code: intent.code, updatedAt: iso(intent.updatedAt) },
    updatedAt: iso(debt.updatedAt),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
