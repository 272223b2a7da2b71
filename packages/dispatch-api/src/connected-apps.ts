import { defineOperation, dictionary, instant, pageOf, pageQuery } from '@heliograph/api-contract';
import * as v from 'valibot';
import { idParams, nameInput } from './fields.ts';
import { PROVIDER_PROBLEM_CODES } from './problem-codes.ts';

/** What to do with a notification in doubt: resend all but renotifications, all, or none. */
export const UNCERTAIN_POLICIES = ['resend-pages', 'resend-all', 'resend-none'] as const;

/** How deliveries to a connected app go at present. */
const CONNECTED_APP_STATUSES = ['ok', 'throttled', 'failing'] as const;

const secretInput = v.pipe(v.string(), v.minLength(1), v.maxLength(8192));
const draft = {
  name: nameInput,
  provider: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  settings: dictionary(v.string(), v.unknown()),
  enabled: v.optional(v.boolean(), true),
  uncertainPolicy: v.optional(v.picklist(UNCERTAIN_POLICIES), 'resend-pages'),
};

/** A new connected app. */
const createConnectedAppInput = v.strictObject({ ...draft, secret: secretInput });

/** A connected app anew; without a secret the stored one stays. */
const replaceConnectedAppInput = v.strictObject({ ...draft, secret: v.optional(secretInput) });

/** A new connected app, before defaults. */
export type ConnectedAppInput = v.InferInput<typeof createConnectedAppInput>;

/** A connected app as the API shows it: never with its secret. */
const connectedAppView = v.object({
  id: v.string(),
  name: v.string(),
  provider: v.string(),
  settings: v.pipe(
    v.unknown(),
    v.description(
      'Query values of URLs are shown as REDACTED. A PUT with REDACTED keeps the stored value, as long as the URL before the query stays the same.',
    ),
  ),
  enabled: v.boolean(),
  uncertainPolicy: v.picklist(UNCERTAIN_POLICIES),
  health: v.pipe(
    v.object({
      status: v.picklist(CONNECTED_APP_STATUSES),
      throttledUntil: v.nullable(instant),
      failure: v.nullable(v.object({ code: v.string(), httpStatus: v.nullable(v.number()), since: instant })),
    }),
    v.description(
      'What deliveries learned; it changes by itself, so it is part of neither version nor ETag.',
    ),
  ),
  version: v.number(),
  createdAt: instant,
  updatedAt: instant,
});

/** A connected app as the API shows it. */
export type ConnectedAppView = v.InferOutput<typeof connectedAppView>;

const tags = ['connected apps'];
const path = '/api/v1/connected-apps';
const onePath = '/api/v1/connected-apps/:id';
const notFound = ['DISPATCH_CONNECTED_APP_NOT_FOUND'] as const;
const changed = ['IF_MATCH_FAILED', 'DISPATCH_CONNECTED_APP_CHANGED'] as const;

/** `GET /api/v1/connected-apps`. */
export const listConnectedApps = defineOperation({
  method: 'GET',
  path,
  operationId: 'listConnectedApps',
  tags,
  summary: 'List connected apps by id',
  scope: 'connected-apps:read',
  query: v.object({ ...pageQuery() }),
  responses: { 200: { description: 'A page.', schema: pageOf(connectedAppView) } },
  problems: {},
});

/** `POST /api/v1/connected-apps`. */
export const createConnectedApp = defineOperation({
  method: 'POST',
  path,
  operationId: 'createConnectedApp',
  tags,
  summary: 'Create a connected app; its secret is stored sealed and never shown',
  scope: 'connected-apps:write',
  idempotency: 'optional',
  body: createConnectedAppInput,
  responses: { 201: { description: 'Created.', schema: connectedAppView } },
  problems: { 409: ['DISPATCH_NAME_TAKEN'], 422: PROVIDER_PROBLEM_CODES },
});

/** `GET /api/v1/connected-apps/:id`. */
export const readConnectedApp = defineOperation({
  method: 'GET',
  path: onePath,
  operationId: 'readConnectedApp',
  tags,
  summary: 'Read a connected app, without its secret',
  scope: 'connected-apps:read',
  params: idParams,
  responses: { 200: { description: 'The connected app.', schema: connectedAppView } },
  problems: { 404: notFound },
});

/** `PUT /api/v1/connected-apps/:id`. */
export const replaceConnectedApp = defineOperation({
  method: 'PUT',
  path: onePath,
  operationId: 'replaceConnectedApp',
  tags,
  summary:
    'Replace a connected app; without a secret the stored one stays; If-Match guards against overwriting',
  scope: 'connected-apps:write',
  params: idParams,
  ifMatch: true,
  body: replaceConnectedAppInput,
  responses: { 200: { description: 'Replaced.', schema: connectedAppView } },
  problems: { 404: notFound, 409: ['DISPATCH_NAME_TAKEN'], 412: changed, 422: PROVIDER_PROBLEM_CODES },
});

/** `DELETE /api/v1/connected-apps/:id`. */
export const removeConnectedApp = defineOperation({
  method: 'DELETE',
  path: onePath,
  operationId: 'removeConnectedApp',
  tags,
  summary: 'Remove a connected app that no route uses',
  scope: 'connected-apps:write',
  params: idParams,
  ifMatch: true,
  responses: { 204: { description: 'Removed.' } },
  problems: { 404: notFound, 409: ['DISPATCH_CONNECTED_APP_IN_USE'], 412: changed },
});
