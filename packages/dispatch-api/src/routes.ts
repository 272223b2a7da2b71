import { defineOperation, instant, pageOf, pageQuery } from '@heliograph/api-contract';
import * as v from 'valibot';
import { idParams, idSchema, nameInput, storableText } from './fields.ts';
import { QUERY_PROBLEM_CODES } from './problem-codes.ts';

/** Issues older than this never trigger a notification unless the route says otherwise, in milliseconds. */
export const DEFAULT_MAX_SIGNAL_AGE_MS = 3_600_000;

/** In milliseconds: from a second, below which nobody could read, to 30 days. */
const interval = v.pipe(v.number(), v.integer(), v.minValue(1000), v.maxValue(30 * 86_400_000));

/** In milliseconds. One run of a stream waits that long for a delivery, and its history has to hold every attempt. */
const age = v.pipe(v.number(), v.integer(), v.minValue(1000), v.maxValue(12 * 3_600_000));

/** What people decide of a route. */
const routeInput = v.strictObject({
  name: nameInput,
  query: v.optional(storableText, ''),
  enabled: v.optional(v.boolean(), true),
  connectedAppIds: v.optional(v.pipe(v.array(idSchema), v.maxLength(100)), []),
  renotifyIntervalMs: v.optional(
    v.pipe(
      v.nullable(interval),
      v.description('Renotify at most that often while an alert is firing; null: never.'),
    ),
    null,
  ),
  maxSignalAgeMs: v.optional(
    v.pipe(
      age,
      v.description('Issues older than this never trigger a notification. Resolves are always sent.'),
    ),
    DEFAULT_MAX_SIGNAL_AGE_MS,
  ),
});

/** What people decide of a route, before defaults. */
export type RouteInput = v.InferInput<typeof routeInput>;

/** A route as the API shows it. */
const routeView = v.object({
  id: v.string(),
  name: v.string(),
  query: v.string(),
  enabled: v.boolean(),
  connectedAppIds: v.array(v.string()),
  renotifyIntervalMs: v.nullable(v.number()),
  maxSignalAgeMs: v.number(),
  version: v.number(),
  createdAt: instant,
  updatedAt: instant,
});

/** A route as the API shows it. */
export type RouteView = v.InferOutput<typeof routeView>;

const tags = ['routes'];
const path = '/api/v1/routes';
const onePath = '/api/v1/routes/:id';
const refusedInput = ['DISPATCH_CONNECTED_APP_NOT_FOUND', ...QUERY_PROBLEM_CODES] as const;

/** `GET /api/v1/routes`. */
export const listRoutes = defineOperation({
  method: 'GET',
  path,
  operationId: 'listRoutes',
  tags,
  summary: 'List routes by id',
  scope: 'routes:read',
  query: v.object({ ...pageQuery() }),
  responses: { 200: { description: 'A page.', schema: pageOf(routeView) } },
  problems: {},
});

/** `POST /api/v1/routes`. */
export const createRoute = defineOperation({
  method: 'POST',
  path,
  operationId: 'createRoute',
  tags,
  summary: 'Create a route',
  scope: 'routes:write',
  idempotency: 'optional',
  body: routeInput,
  responses: { 201: { description: 'Created.', schema: routeView } },
  problems: { 409: ['DISPATCH_NAME_TAKEN'], 422: refusedInput },
});

/** `GET /api/v1/routes/:id`. */
export const readRoute = defineOperation({
  method: 'GET',
  path: onePath,
  operationId: 'readRoute',
  tags,
  summary: 'Read a route',
  scope: 'routes:read',
  params: idParams,
  etag: true,
  responses: { 200: { description: 'The route.', schema: routeView } },
  problems: { 404: ['DISPATCH_ROUTE_NOT_FOUND'] },
});

/** `PUT /api/v1/routes/:id`. */
export const replaceRoute = defineOperation({
  method: 'PUT',
  path: onePath,
  operationId: 'replaceRoute',
  tags,
  summary: 'Replace a route; If-Match guards against overwriting',
  scope: 'routes:write',
  params: idParams,
  ifMatch: true,
  body: routeInput,
  responses: { 200: { description: 'Replaced.', schema: routeView } },
  problems: {
    404: ['DISPATCH_ROUTE_NOT_FOUND'],
    409: ['DISPATCH_NAME_TAKEN'],
    412: ['IF_MATCH_FAILED', 'DISPATCH_ROUTE_CHANGED'],
    422: refusedInput,
  },
});

/** `DELETE /api/v1/routes/:id`. */
export const removeRoute = defineOperation({
  method: 'DELETE',
  path: onePath,
  operationId: 'removeRoute',
  tags,
  summary: 'Remove a route; If-Match guards against overwriting',
  scope: 'routes:write',
  params: idParams,
  ifMatch: true,
  responses: { 204: { description: 'Removed.' } },
  problems: { 404: ['DISPATCH_ROUTE_NOT_FOUND'], 412: ['IF_MATCH_FAILED', 'DISPATCH_ROUTE_CHANGED'] },
});
