import { defineOperation, instant, pageOf, pageQuery } from '@heliograph/api-contract';
import * as v from 'valibot';
import { idSchema, issuerInput, nameInput, rolesInput, subjectInput, tenantSchema } from './fields.ts';

const roles = v.pipe(
  rolesInput,
  v.description(
    'Names of roles of the same tenant. A caller may give and take only roles that it has itself, or holds *.',
  ),
);

const memberInput = v.strictObject({
  tenant: v.optional(
    v.pipe(tenantSchema, v.description('Default: the tenant of the caller, else "default".')),
  ),
  issuer: v.pipe(issuerInput, v.description('`iss` of the tokens.')),
  subject: v.pipe(subjectInput, v.description('`sub` of the tokens.')),
  name: v.optional(v.nullable(nameInput), null),
  roles: v.optional(roles, []),
});

/** What people decide of a new member, before defaults. */
export type MemberInput = v.InferInput<typeof memberInput>;

const memberChange = v.strictObject({ name: v.optional(v.nullable(nameInput), null), roles });

const memberView = v.object({
  id: v.string(),
  principalId: v.pipe(v.string(), v.description('How logs, audits and logins name the member.')),
  tenant: v.string(),
  issuer: v.string(),
  subject: v.string(),
  name: v.nullable(v.string()),
  roles: v.array(v.string()),
  version: v.number(),
  createdAt: instant,
  updatedAt: instant,
});

/** A member as the API shows it. */
export type MemberView = v.InferOutput<typeof memberView>;

const tags = ['auth'];
const path = '/api/v1/auth/members';
const onePath = '/api/v1/auth/members/:id';
const idParams = v.object({ id: idSchema });

/** `GET /api/v1/auth/members`. */
export const listMembers = defineOperation({
  method: 'GET',
  path,
  operationId: 'listMembers',
  tags,
  summary: 'List members by id',
  scope: 'auth:members:read',
  query: v.object({
    ...pageQuery(),
    tenant: v.optional(tenantSchema),
    issuer: v.optional(issuerInput),
    subject: v.optional(subjectInput),
  }),
  responses: { 200: { description: 'A page.', schema: pageOf(memberView) } },
  problems: { 403: ['AUTH_TENANT_FORBIDDEN'] },
});

/** `POST /api/v1/auth/members`. */
export const createMember = defineOperation({
  method: 'POST',
  path,
  operationId: 'createMember',
  tags,
  summary: 'Make an OpenID Connect subject a member of a tenant',
  scope: 'auth:members:write',
  idempotency: 'optional',
  body: memberInput,
  responses: { 201: { description: 'Created.', schema: memberView } },
  problems: {
    403: ['AUTH_GRANT_EXCEEDS_CALLER', 'AUTH_TENANT_FORBIDDEN'],
    409: ['AUTH_MEMBER_EXISTS'],
    422: ['AUTH_ROLE_NOT_FOUND'],
  },
});

/** `GET /api/v1/auth/members/:id`. */
export const readMember = defineOperation({
  method: 'GET',
  path: onePath,
  operationId: 'readMember',
  tags,
  summary: 'Read a member',
  scope: 'auth:members:read',
  params: idParams,
  etag: true,
  responses: { 200: { description: 'The member.', schema: memberView } },
  problems: { 404: ['AUTH_MEMBER_NOT_FOUND'] },
});

/** `PUT /api/v1/auth/members/:id`. */
export const replaceMember = defineOperation({
  method: 'PUT',
  path: onePath,
  operationId: 'replaceMember',
  tags,
  summary: 'Replace name and roles of a member; If-Match guards against overwriting',
  scope: 'auth:members:write',
  params: idParams,
  ifMatch: true,
  body: memberChange,
  responses: { 200: { description: 'Replaced.', schema: memberView } },
  problems: {
    403: ['AUTH_GRANT_EXCEEDS_CALLER'],
    404: ['AUTH_MEMBER_NOT_FOUND'],
    409: ['AUTH_LAST_ADMIN'],
    412: ['IF_MATCH_FAILED', 'AUTH_MEMBER_CHANGED'],
    422: ['AUTH_ROLE_NOT_FOUND'],
  },
});

/** `DELETE /api/v1/auth/members/:id`. */
export const removeMember = defineOperation({
  method: 'DELETE',
  path: onePath,
  operationId: 'removeMember',
  tags,
  summary: 'Remove a member, and end its logins; If-Match guards against removing what has changed',
  scope: 'auth:members:write',
  params: idParams,
  ifMatch: true,
  responses: { 204: { description: 'Removed.' } },
  problems: {
    403: ['AUTH_GRANT_EXCEEDS_CALLER'],
    404: ['AUTH_MEMBER_NOT_FOUND'],
    409: ['AUTH_LAST_ADMIN'],
    412: ['IF_MATCH_FAILED', 'AUTH_MEMBER_CHANGED'],
  },
});
