import { dispatchOperations, idSchema } from '@heliograph/dispatch-api';
import type { RouteStore } from '@heliograph/dispatch-workflows/stores';
import { parseQuery, QueryError } from '@heliograph/query';
import {
  decodeCursor,
  etagOf,
  problem,
  requireMatch,
  toPage,
  type Edge,
  type Ids,
} from '@heliograph/service';
import { translateRefusal, nextId, presentRoute } from './present.ts';

/** Routes: list, create, read, change, remove. */
export function addRoutesApi(
  edge: Edge,
  { routes, ids }: { readonly routes: RouteStore; readonly ids: Ids },
): void {
  edge.route({
    ...dispatchOperations.listRoutes,
    handler: async ({ query: { limit, cursor } }) => {
      const afterId = cursor === undefined ? null : decodeCursor(idSchema, cursor);
      const found = await routes.list({ afterId, limit: limit + 1 });
      const { items, nextCursor } = toPage(found, limit, ({ id }) => id);
      return { status: 200, body: { items: items.map(presentRoute), nextCursor } };
    },
  });
  edge.route({
    ...dispatchOperations.createRoute,
    handler: async ({ body }) => {
      refuseUnreadable(body.query);
      const route = presentRoute(
        await translateRefusal(() => routes.create(nextId(ids), body), {
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
    ...dispatchOperations.readRoute,
    handler: async ({ params: { id } }) => ({
      status: 200,
      body: presentRoute(await translateRefusal(() => routes.get(id))),
    }),
  });
  edge.route({
    ...dispatchOperations.replaceRoute,
    handler: async ({ params: { id }, body, headers }) => {
      const current = await translateRefusal(() => routes.get(id));
      requireMatch(headers.get('if-match'), etagOf(presentRoute(current)));
      // A query that is stored was accepted, perhaps before its colon was called ambiguous, and means what it meant.
      if (body.query !== current.query) refuseUnreadable(body.query);
      const route = presentRoute(
        await translateRefusal(() => routes.update(id, current.version, body), {
          DISPATCH_CONNECTED_APP_NOT_FOUND: 422,
        }),
      );
      return { status: 200, headers: { etag: etagOf(route) }, body: route };
    },
  });
  edge.route({
    ...dispatchOperations.removeRoute,
    handler: async ({ params: { id }, headers }) => {
      const current = await translateRefusal(() => routes.get(id));
      requireMatch(headers.get('if-match'), etagOf(presentRoute(current)));
      await translateRefusal(() => routes.remove(id, current.version));
      return { status: 204 };
    },
  });
}

/** Refuses a query that does not parse or is ambiguous, with the position of the first unexpected character. */
function refuseUnreadable(query: string): void {
  try {
    parseQuery(query, { strict: true });
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw problem(422, error.code, error.message, {
      errors: [{ pointer: '/query', detail: error.message }],
      members: { position: error.position },
    });
  }
}
