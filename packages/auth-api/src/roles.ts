import { defineOperation, instant, pageOf, pageQuery } from '@heliograph/api-contract';
import * as v from 'valibot';
import { roleNameSchema, scopesInput, tenantSchema } from './fields.ts';

const roleInput = v.strictObject({
  scopes: v.pipe(
    scopesInput,
    v.description(
      'What whoever has the role may do. A caller may give and take only scopes that it has itself.',
    ),
  ),
});

const roleView = v.object({
  tenant: v.string(),
  name: v.string(),
  scopes: v.array(v.string()),
  version: v.number(),
  createdAt: instant,
  updatedAt: instant,
});

/** A role as the API shows it. */
export type RoleView = v.InferOutput<typeof roleView>;

const tags = ['auth'];
const path = '/api/v1/auth/roles';
const onePath = '/api/v1/auth/roles/:name';
const nameParams = v.object({ name: roleNameSchema });
const tenantQuery = v.object({
  tenant: v.optional(
    v.pipe(tenantSchema, v.description('Default: the tenant of the caller, else "default".')),
  ),
});

/** `GET /api/v1/auth/roles`. */
export const listRoles = defineOperation({
  method: 'GET',
  path,
  operationId: 'listRoles',
  tags,
  summary: 'List the roles of a tenant by name',
  scope: 'auth:roles:read',
  query: v.object({ ...pageQuery(), ...tenantQuery.entries }),
  responses: { 200: { description: 'A page.', schema: pageOf(roleView) } },
  problems: { 403: ['AUTH_TENANT_FORBIDDEN'] },
});

/** `GET /api/v1/auth/roles/:name`. */
export const readRole = defineOperation({
  method: 'GET',
  path: onePath,
  operationId: 'readRole',
  tags,
  summary: 'Read a role',
  scope: 'auth:roles:read',
  params: nameParams,
  query: tenantQuery,
  etag: true,
  responses: { 200: { description: 'The role.', schema: roleView } },
  problems: { 403: ['AUTH_TENANT_FORBIDDEN'], 404: ['AUTH_ROLE_NOT_FOUND'] },
});

/** `PUT /api/v1/auth/roles/:name`. */
export const putRole = defineOperation({
  method: 'PUT',
  path: onePath,
  operationId: 'putRole',
  tags,
  summary: 'Create or replace a role; If-Match guards against overwriting',
  scope: 'auth:roles:write',
  params: nameParams,
  query: tenantQuery,
  ifMatch: true,
  body: roleInput,
  responses: {
    200: { description: 'Replaced.', schema: roleView },
    201: { description: 'Created.', schema: roleView },
  },
  problems: {
    403: ['AUTH_GRANT_EXCEEDS_CALLER', 'AUTH_TENANT_FORBIDDEN'],
    409: ['AUTH_LAST_ADMIN'],
    412: ['IF_MATCH_FAILED', 'AUTH_ROLE_CHANGED'],
  },
});

/** `DELETE /api/v1/auth/roles/:name`. */
export const removeRole = defineOperation({
  method: 'DELETE',
  path: onePath,
  operationId: 'removeRole',
  tags,
  summary: 'Remove a role that no member has; If-Match guards against removing what has changed',
  scope: 'auth:roles:write',
  params: nameParams,
  query: tenantQuery,
  ifMatch: true,
  responses: { 204: { description: 'Removed.' } },
  problems: {
    403: ['AUTH_GRANT_EXCEEDS_CALLER', 'AUTH_TENANT_FORBIDDEN'],
    404: ['AUTH_ROLE_NOT_FOUND'],
    409: ['AUTH_ROLE_IN_USE'],
    412: ['IF_MATCH_FAILED', 'AUTH_ROLE_CHANGED'],
  },
});
