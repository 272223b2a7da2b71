import { defineOperation, instant, pageOf, pageQuery } from '@heliograph/api-contract';
import * as v from 'valibot';

/** An incident that is open at the provider although its alert has resolved. */
const resolveDebtView = v.object({
  workflowId: v.string(),
  fingerprint: v.string(),
  routeId: v.string(),
  connectedAppId: v.string(),
  notifiedAt: v.pipe(v.nullable(instant), v.description('When the last notification was delivered.')),
  issue: v.pipe(
    v.object({ eventId: v.string(), storedAt: instant }),
    v.description('The issue that says that the alert has resolved.'),
  ),
  intent: v.pipe(
    v.nullable(v.object({ status: v.string(), code: v.nullable(v.string()), updatedAt: instant })),
    v.description('The intent of the resolve; null if no resolve was ever decided.'),
  ),
  updatedAt: instant,
});

/** An incident that is open at the provider although its alert has resolved. */
export type ResolveDebtView = v.InferOutput<typeof resolveDebtView>;

/** `GET /api/v1/resolve-debts`. */
export const listResolveDebts = defineOperation({
  method: 'GET',
  path: '/api/v1/resolve-debts',
  operationId: 'listResolveDebts',
  tags: ['explain'],
  summary: 'List incidents that are still open at the provider although their alerts have resolved',
  description:
    'A resolve that is under way is among them until it is delivered. `limit` counts the open streams that are ' +
    'examined, so a page may hold fewer, also none; follow `nextCursor` until it is null.',
  scope: 'explain:read',
  query: v.object({ ...pageQuery() }),
  responses: { 200: { description: 'A page.', schema: pageOf(resolveDebtView) } },
  problems: {},
});
