import type { Postgres } from '@heliograph/database';
import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import { DispatchError } from '../errors.ts';
import { connectedApps, routeConnectedApps, routes } from './schema.ts';
import { stored } from './stored.ts';

/** Which issues go to which connected apps. */
export interface Route {
  readonly id: string;
  readonly name: string;
  /** A query that parses; it is checked before it is saved. */
  readonly query: string;
  readonly enabled: boolean;
  readonly connectedAppIds: readonly string[];
  /** Counts its changes; what an update must name. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a route is made of. */
export type RouteDraft = Pick<Route, 'name' | 'query' | 'enabled' | 'connectedAppIds'>;

/** Routes. Methods throw `DatabaseError` and `DispatchError`. */
export interface RouteStore {
  list(page: { readonly afterId: string | null; readonly limit: number }): Promise<readonly Route[]>;
  /** Every route that is switched on, with those of its connected apps that are. */
  listActive(): Promise<readonly Route[]>;
  /** @throws {DispatchError} DISPATCH_ROUTE_NOT_FOUND */
  get(id: string): Promise<Route>;
  /** @throws {DispatchError} DISPATCH_NAME_TAKEN, DISPATCH_CONNECTED_APP_NOT_FOUND */
  create(id: string, draft: RouteDraft): Promise<Route>;
  /** @throws {DispatchError} DISPATCH_ROUTE_NOT_FOUND, DISPATCH_ROUTE_CHANGED, DISPATCH_NAME_TAKEN, DISPATCH_CONNECTED_APP_NOT_FOUND */
  update(id: string, version: number, draft: RouteDraft): Promise<Route>;
  /** @throws {DispatchError} DISPATCH_ROUTE_NOT_FOUND, DISPATCH_ROUTE_CHANGED */
  remove(id: string, version: number): Promise<void>;
}

type Row = typeof routes.$inferSelect;

/** The routes of one database. */
export function createRouteStore({ db }: Pick<Postgres, 'db'>): RouteStore {
  type Reader = Pick<typeof db, 'select'>;
  const withApps = async (
    reader: Reader,
    rows: readonly Row[],
    onlyEnabled = false,
  ): Promise<readonly Route[]> => {
    if (rows.length === 0) return [];
    const links = await reader
      .select({ routeId: routeConnectedApps.routeId, id: routeConnectedApps.connectedAppId })
      .from(routeConnectedApps)
      .innerJoin(connectedApps, eq(connectedApps.id, routeConnectedApps.connectedAppId))
      .where(
        and(
          inArray(
            routeConnectedApps.routeId,
            rows.map(({ id }) => id),
          ),
          onlyEnabled ? eq(connectedApps.enabled, true) : undefined,
        ),
      )
      .orderBy(asc(routeConnectedApps.connectedAppId));
    const byRoute = groupByRoute(links);
    return rows.map((row) =>
      routeOfRow(
        row,
        (byRoute.get(row.id) ?? []).map(({ id }) => id),
      ),
    );
  };
  const changed = async (id: string): Promise<never> => {
    const [row] = await db.select({ id: routes.id }).from(routes).where(eq(routes.id, id));
    if (row === undefined) throw notFound(id);
    throw new DispatchError('DISPATCH_ROUTE_CHANGED', `route ${id} was changed meanwhile`, { id });
  };
  const violations = {
    conflict: 'DISPATCH_NAME_TAKEN',
    constraint: 'DISPATCH_CONNECTED_APP_NOT_FOUND',
  } as const;
  const links = (routeId: string, draft: RouteDraft) =>
    [...new Set(draft.connectedAppIds)].map((connectedAppId) => ({ routeId, connectedAppId }));
  return {
    list: ({ afterId, limit }) =>
      stored('list routes', async () => {
        const rows = await db
          .select()
          .from(routes)
          .where(afterId === null ? undefined : gt(routes.id, afterId))
          .orderBy(asc(routes.id))
          .limit(limit);
        return withApps(db, rows);
      }),
    listActive: () =>
      stored('list active routes', async () =>
        withApps(
          db,
          await db.select().from(routes).where(eq(routes.enabled, true)).orderBy(asc(routes.id)),
          true,
        ),
      ),
    get: (id) =>
      stored('read a route', async () => {
        const [route] = await withApps(db, await db.select().from(routes).where(eq(routes.id, id)));
        if (route === undefined) throw notFound(id);
        return route;
      }),
    create: (id, draft) =>
      stored(
        'create a route',
        () =>
          db.transaction(async (tx) => {
            const rows = await tx
              .insert(routes)
              .values({ id, ...columnsOf(draft) })
              .returning();
            const wanted = links(id, draft);
            if (wanted.length > 0) await tx.insert(routeConnectedApps).values(wanted);
            const [route] = await withApps(tx, rows);
            if (route === undefined) throw notFound(id);
            return route;
          }),
        violations,
      ),
    update: (id, version, draft) =>
      stored(
        'update a route',
        async () => {
          const updated = await db.transaction(async (tx) => {
            const rows = await tx
              .update(routes)
              .set({ ...columnsOf(draft), version: sql`${routes.version} + 1`, updatedAt: sql`now()` })
              .where(and(eq(routes.id, id), eq(routes.version, version)))
              .returning();
            if (rows.length === 0) return undefined;
            await tx.delete(routeConnectedApps).where(eq(routeConnectedApps.routeId, id));
            const wanted = links(id, draft);
            if (wanted.length > 0) await tx.insert(routeConnectedApps).values(wanted);
            const [route] = await withApps(tx, rows);
            return route;
          });
          return updated ?? changed(id);
        },
        violations,
      ),
    remove: (id, version) =>
      stored('remove a route', async () => {
        const removed = await db
          .delete(routes)
          .where(and(eq(routes.id, id), eq(routes.version, version)))
          .returning({ id: routes.id });
        if (removed.length === 0) await changed(id);
      }),
  };
}

function notFound(id: string): DispatchError {
  return new DispatchError('DISPATCH_ROUTE_NOT_FOUND', `no route ${id}`, { id });
}

function routeOfRow(row: Row, connectedAppIds: readonly string[]): Route {
  return {
    id: row.id,
    name: row.name,
    query: row.query,
    enabled: row.enabled,
    connectedAppIds,
    version: row.version,
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
  };
}

function groupByRoute(
  links: readonly { readonly routeId: string; readonly id: string }[],
): ReadonlyMap<string, readonly { readonly id: string }[]> {
  const groups = new Map<string, { readonly id: string }[]>();
  for (const link of links) {
    const group = groups.get(link.routeId);
    if (group === undefined) groups.set(link.routeId, [link]);
    else group.push(link);
  }
  return groups;
}

/** Only what the table has: a caller may hand over more than a draft, a whole route for one. */
function columnsOf({ name, query, enabled }: RouteDraft): Pick<Row, 'name' | 'query' | 'enabled'> {
  return { name, query, enabled };
}
