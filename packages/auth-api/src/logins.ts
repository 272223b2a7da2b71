import { defineOperation, instant, pageOf, pageQuery } from '@heliograph/api-contract';
import * as v from 'valibot';
import { idSchema, principalInput, tenantSchema } from './fields.ts';

/** What a login is at the moment of the answer. */
export const LOGIN_STATES = ['active', 'expired', 'revoked'] as const;

const loginView = v.object({
  id: v.string(),
  principalId: v.pipe(v.string(), v.description('Whom its tokens stand for, as logs and audits name it.')),
  tenant: v.nullable(v.string()),
  state: v.picklist(LOGIN_STATES),
  createdAt: instant,
  refreshedAt: v.pipe(instant, v.description('When its newest token was issued.')),
  expiresAt: v.pipe(instant, v.description('When it expires unless it is refreshed before.')),
  endsAt: v.pipe(instant, v.description('When it ends, however often it is refreshed.')),
  revokedAt: v.nullable(instant),
  revokedFor: v.pipe(
    v.nullable(v.string()),
    v.description(
      'logout: by its token. reuse: a token was used twice. operator: by its id. principal: with all logins of its caller. holder: its member was removed, or its key revoked.',
    ),
  ),
});

/** A login as the API shows it: never a token. */
export type LoginView = v.InferOutput<typeof loginView>;

const tags = ['auth'];
const path = '/api/v1/auth/logins';
const onePath = '/api/v1/auth/logins/:id';
const idParams = v.object({ id: idSchema });

/** `GET /api/v1/auth/logins`. */
export const listLogins = defineOperation({
  method: 'GET',
  path,
  operationId: 'listLogins',
  tags,
  summary: 'List logins by id, those that are expired or revoked included',
  scope: 'auth:logins:read',
  query: v.object({
    ...pageQuery(),
    tenant: v.optional(tenantSchema),
    principal: v.optional(
      v.pipe(
        principalInput,
        v.description('Logins of this caller: `principalId` of a member, key:ID of a key.'),
      ),
    ),
  }),
  responses: { 200: { description: 'A page.', schema: pageOf(loginView) } },
  problems: { 403: ['AUTH_TENANT_FORBIDDEN'] },
});

/** `GET /api/v1/auth/logins/:id`. */
export const readLogin = defineOperation({
  method: 'GET',
  path: onePath,
  operationId: 'readLogin',
  tags,
  summary: 'Read a login',
  scope: 'auth:logins:read',
  params: idParams,
  responses: { 200: { description: 'The login.', schema: loginView } },
  problems: { 404: ['AUTH_LOGIN_NOT_FOUND'] },
});

/** `DELETE /api/v1/auth/logins/:id`. */
export const revokeLogin = defineOperation({
  method: 'DELETE',
  path: onePath,
  operationId: 'revokeLogin',
  tags,
  summary: 'Revoke a login for good; one that is revoked stays so',
  scope: 'auth:logins:write',
  params: idParams,
  responses: { 204: { description: 'Revoked. None of its tokens is exchanged any more.' } },
  problems: { 404: ['AUTH_LOGIN_NOT_FOUND'] },
  isRepeatable: () => true,
});

/** `DELETE /api/v1/auth/logins`. */
export const revokeLogins = defineOperation({
  method: 'DELETE',
  path,
  operationId: 'revokeLogins',
  tags,
  summary: 'Revoke every login of a caller',
  scope: 'auth:logins:write',
  query: v.object({
    tenant: v.optional(tenantSchema),
    principal: v.pipe(
      principalInput,
      v.description('Whose logins: `principalId` of a member, key:ID of a key.'),
    ),
  }),
  responses: {
    200: {
      description: 'Revoked.',
      schema: v.object({
        revoked: v.pipe(v.number(), v.description('How many had not been revoked before.')),
      }),
    },
  },
  problems: { 403: ['AUTH_TENANT_FORBIDDEN'] },
  isRepeatable: () => true,
});
