import { defineOperation } from '@heliograph/api-contract';
import * as v from 'valibot';
import { tenantSchema } from './fields.ts';

const states = v.object({ active: v.number(), expired: v.number(), revoked: v.number() });

const countsView = v.object({
  keys: states,
  members: v.number(),
  roles: v.number(),
  logins: states,
  refreshTokens: v.pipe(
    v.number(),
    v.description('Tokens of all logins, those that were exchanged included.'),
  ),
  nonces: v.pipe(
    v.nullable(
      v.array(v.object({ purpose: v.string(), open: v.number(), used: v.number(), expired: v.number() })),
    ),
    v.description(
      'The purposes with the most nonces, 100 at most. Null where one tenant is counted: nonces belong to none.',
    ),
  ),
});

/** How many keys, members, roles, logins and nonces are stored. */
export type CountsView = v.InferOutput<typeof countsView>;

const cleanUpView = v.object({
  keys: v.pipe(v.number(), v.description('Keys that were revoked or had expired 90 days ago.')),
  logins: v.number(),
  nonces: v.number(),
  hasMore: v.pipe(v.boolean(), v.description('Whether it stopped before the end; ask again.')),
});

/** What a clean-up removed. */
export type CleanUpView = v.InferOutput<typeof cleanUpView>;

const tags = ['auth'];
const purposeInput = v.pipe(
  v.string(),
  v.regex(/^[\w.:-]{1,100}$/, 'Expected the purpose of nonces, such as invitation.'),
);

/** `GET /api/v1/auth/counts`. */
export const readCounts = defineOperation({
  method: 'GET',
  path: '/api/v1/auth/counts',
  operationId: 'readCounts',
  tags,
  summary: 'Count keys, members, roles, logins and nonces',
  scope: 'auth:maintenance:read',
  query: v.object({ tenant: v.optional(tenantSchema) }),
  responses: { 200: { description: 'The counts.', schema: countsView } },
  problems: { 403: ['AUTH_TENANT_FORBIDDEN'] },
});

/** `POST /api/v1/auth/clean-up`. It can be repeated: what is gone is not removed again. */
export const cleanUp = defineOperation({
  method: 'POST',
  path: '/api/v1/auth/clean-up',
  operationId: 'cleanUp',
  tags,
  summary: 'Remove what has expired now, without waiting for the job that does so; 10,000 of each at most',
  scope: 'auth:maintenance:write',
  responses: { 200: { description: 'Removed.', schema: cleanUpView } },
  problems: { 403: ['AUTH_TENANT_FORBIDDEN'], 409: ['AUTH_CLEAN_UP_RUNNING'] },
  isRepeatable: () => true,
});

/** `DELETE /api/v1/auth/nonces`. */
export const revokeNonces = defineOperation({
  method: 'DELETE',
  path: '/api/v1/auth/nonces',
  operationId: 'revokeNonces',
  tags,
  summary: 'Let every nonce of a purpose that was not used expire now, such as invitations that leaked',
  scope: 'auth:nonces:write',
  query: v.object({ purpose: purposeInput }),
  responses: { 200: { description: 'Expired.', schema: v.object({ revoked: v.number() }) } },
  problems: { 403: ['AUTH_TENANT_FORBIDDEN'] },
  isRepeatable: () => true,
});
