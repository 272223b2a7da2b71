import { DEFAULT_SIGNAL_POLICY } from '@heliograph/dispatch-workflows';
import type { RouteStore } from '@heliograph/dispatch-workflows/stores';
import { parseQuery, QueryError } from '@heliograph/query';
import {
  decodeCursor,
  etagOf,
  pageQuery,
  problem,
  requireMatch,
  toPage,
  type Edge,
  type Ids,
} from '@heliograph/service';
import * as v from 'valibot';
import {
  answering,
  idParams,
  idWithoutHyphens,
  nameInput,
  presentRoute,
  routeView,
  storableText,
} from './present.ts';

/** Milliseconds: from a second, below which nobody could read, to 30 days. */
const duration = v.pipe(v.number(), v.integer(), v.minValue(1000), v.maxValue(30 * 86_400_000));

/** One run of a stream waits that long for a delivery, and its history has to hold every try. */
const age = v.pipe(v.number(), v.integer(), v.minValue(1000), v.maxValue(12 * 3_600_000));

const routeInput = v.strictObject({
  name: nameInput,
  query: v.optional(storableText, ''),
  enabled: v.optional(v.boolean(), true),
  connectedAppIds: v.optional(v.pipe(v.array(idParams.entries.id), v.maxLength(100)), []),
  /** Null: never. */
  renotifyIntervalMs: v.optional(v.nullable(duration), null),
  maxSignalAgeMs: v.optional(age, DEFAULT_SIGNAL_POLICY.maxSignalAgeMs),
});

const page = v.object({ items: v.array(routeView), nextCursor: v.nullable(v.string()) });

/** Routes: list, create, read, change, remove. */
export function addRoutesApi(
  edge: Edge,
  { routes, ids }: { readonly routes: RouteStore; readonly ids: Ids },
): void {
  const tags = ['routes'];
  edge.route({
    method: 'GET',
    path: '/api/v1/routes',
    operationId: 'listRoutes',
    tags,
    summary: 'List routes by id',
    scope: 'routes:read',
    query: v.object({ ...pageQuery() }),
    responses: { 200: { description: 'A page.', schema: page } },
    handler: async ({ query: { limit, cursor } }) => {
      const afterId = cursor === undefined ? null : decodeCursor(idParams.entries.id, cursor);
      const found = await routes.list({ afterId, limit: limit + 1 });
      const { items, nextCursor } = toPage(found, limit, ({ id }) => id);
      return { status: 200, body: { items: items.map(presentRoute), nextCursor } };
    },
  });
  edge.route({
    method: 'POST',
    path: '/api/v1/routes',
    operationId: 'createRoute',
    tags,
    summary: 'Create a route',
    scope: 'routes:write',
    idempotency: 'optional',
    body: routeInput,
    responses: { 201: { description: 'Created.', schema: routeView } },
    handler: async ({ body }) => {
      refuseUnreadable(body.query);
      const route = presentRoute(
        await answering(() => routes.create(idWithoutHyphens(ids), body), {
          DISPATCH_CONNECTED_APP_NOT_FOUND: 422,
        }),
      );
      return {
        status: 201,
        headers: { location: `/api/v1/routes/${route.id}`, etag: etagOf(route) },
        body: route,
      };
    },
  });
  edge.route({
    method: 'GET',
    path: '/api/v1/routes/:id',
    operationId: 'readRoute',
    tags,
    summary: 'Read a route',
    scope: 'routes:read',
    params: idParams,
    etag: true,
    responses: { 200: { description: 'The route.', schema: routeView } },
    handler: async ({ params: { id } }) => ({
      status: 200,
      body: presentRoute(await answering(() => routes.get(id))),
    }),
  });
  edge.route({
    method: 'PUT',
    path: '/api/v1/routes/:id',
    operationId: 'replaceRoute',
    tags,
    summary: 'Replace a route; If-Match guards against overwriting',
    scope: 'routes:write',
    params: idParams,
    body: routeInput,
    responses: { 200: { description: 'Replaced.', schema: routeView } },
    handler: async ({ params: { id }, body, headers }) => {
      refuseUnreadable(body.query);
      const current = await answering(() => routes.get(id));
      requireMatch(headers.get('if-match'), etagOf(presentRoute(current)));
      const route = presentRoute(
        await answering(() => routes.update(id, current.version, body), {
          DISPATCH_CONNECTED_APP_NOT_FOUND: 422,
        }),
      );
      return { status: 200, headers: { etag: etagOf(route) }, body: route };
    },
  });
  edge.route({
    method: 'DELETE',
    path: '/api/v1/routes/:id',
    operationId: 'removeRoute',
    tags,
    summary: 'Remove a route; If-Match guards against overwriting',
    scope: 'routes:write',
    params: idParams,
    responses: { 204: { description: 'Removed.' } },
    handler: async ({ params: { id }, headers }) => {
      const current = await answering(() => routes.get(id));
      requireMatch(headers.get('if-match'), etagOf(presentRoute(current)));
      await answering(() => routes.remove(id, current.version));
      return { status: 204 };
    },
  });
}

/** Refuses a query that does not parse, with the position of the first character that does not fit. */
function refuseUnreadable(query: string): void {
  try {
    parseQuery(query);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw problem(422, error.code, error.message, {
      errors: [{ pointer: '/query', detail: error.message }],
      members: { position: error.position },
    });
  }
}
