import { defineOperation, instant, pageOf, pageQuery } from '@heliograph/api-contract';
import * as v from 'valibot';
import {
  expiryInput,
  idSchema,
  nameInput,
  principalInput,
  rolesInput,
  scopesInput,
  tenantSchema,
} from './fields.ts';

/** What a key is at the moment of the answer. */
export const KEY_STATES = ['active', 'expired', 'revoked'] as const;

const keyInput = v.strictObject({
  name: nameInput,
  scopes: v.pipe(scopesInput, v.minLength(1, 'Expected at least one scope.')),
  roles: v.optional(
    v.pipe(
      rolesInput,
      v.description(
        'Names for policies that decide by role. They need not be roles of a tenant, and give no scopes.',
      ),
    ),
    [],
  ),
  tenant: v.optional(
    v.pipe(
      v.nullable(tenantSchema),
      v.description('Limits the key to one tenant; null: to none. Default: the tenant of the caller.'),
    ),
  ),
  expiresAt: v.optional(
    v.pipe(
      v.nullable(expiryInput),
      v.description(
        'From when on the key is refused; null: never. A key of a caller whose key expires must expire until then.',
      ),
    ),
    null,
  ),
});

/** What people decide of a key, before defaults. */
export type KeyInput = v.InferInput<typeof keyInput>;

const keyEntries = {
  id: v.string(),
  name: v.string(),
  prefix: v.pipe(v.string(), v.description('How the key begins, to recognise it by.')),
  tenant: v.nullable(v.string()),
  scopes: v.array(v.string()),
  roles: v.array(v.string()),
  state: v.picklist(KEY_STATES),
  createdBy: v.string(),
  createdAt: instant,
  expiresAt: v.nullable(instant),
  revokedAt: v.nullable(instant),
  lastUsedAt: v.pipe(
    v.nullable(instant),
    v.description('When the key was last accepted, to about a minute; null: never.'),
  ),
};

const keyView = v.object(keyEntries);

/** A key as the API shows it: never what it authenticates with. */
export type KeyView = v.InferOutput<typeof keyView>;

const createdKey = v.object({
  ...keyEntries,
  key: v.pipe(v.string(), v.description('The key itself. It is shown here and never again.')),
});

/** The answer to a created key. */
export type CreatedKeyView = v.InferOutput<typeof createdKey>;

const tags = ['auth'];
const path = '/api/v1/auth/keys';
const onePath = '/api/v1/auth/keys/:id';
const idParams = v.object({ id: idSchema });

/** `GET /api/v1/auth/keys`. */
export const listKeys = defineOperation({
  method: 'GET',
  path,
  operationId: 'listKeys',
  tags,
  summary: 'List keys by id, those that are expired or revoked included',
  scope: 'auth:keys:read',
  query: v.object({
    ...pageQuery(),
    tenant: v.optional(tenantSchema),
    createdBy: v.optional(
      v.pipe(principalInput, v.description('Keys that this principal made: key:ID for those of a key.')),
    ),
  }),
  responses: { 200: { description: 'A page.', schema: pageOf(keyView) } },
  problems: { 403: ['AUTH_TENANT_FORBIDDEN'] },
});

/**
 * `POST /api/v1/auth/keys`. It takes no Idempotency-Key, because the answer would have to be remembered, and the key with it:
 * a repeated request is 409, as the name is taken.
 */
export const createKey = defineOperation({
  method: 'POST',
  path,
  operationId: 'createKey',
  tags,
  summary: 'Create a key; the answer shows it once',
  scope: 'auth:keys:write',
  body: keyInput,
  responses: { 201: { description: 'Created.', schema: createdKey } },
  problems: {
    403: ['AUTH_GRANT_EXCEEDS_CALLER', 'AUTH_TENANT_FORBIDDEN'],
    409: ['AUTH_NAME_TAKEN'],
    422: ['AUTH_EXPIRY_PAST'],
  },
});

/** `GET /api/v1/auth/keys/:id`. */
export const readKey = defineOperation({
  method: 'GET',
  path: onePath,
  operationId: 'readKey',
  tags,
  summary: 'Read a key',
  scope: 'auth:keys:read',
  params: idParams,
  etag: true,
  responses: { 200: { description: 'The key.', schema: keyView } },
  problems: { 404: ['AUTH_KEY_NOT_FOUND'] },
});

/** `DELETE /api/v1/auth/keys/:id`. */
export const revokeKey = defineOperation({
  method: 'DELETE',
  path: onePath,
  operationId: 'revokeKey',
  tags,
  summary: 'Revoke a key for good, with its logins, and none of the keys that it made',
  scope: 'auth:keys:write',
  params: idParams,
  responses: { 204: { description: 'Revoked. Other processes may accept it for another 5 s.' } },
  problems: { 404: ['AUTH_KEY_NOT_FOUND'] },
  isRepeatable: () => true,
});
