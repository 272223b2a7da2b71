import type { Postgres } from '@heliograph/database';
import { and, asc, desc, eq, gt, inArray, lte, sql } from 'drizzle-orm';
import * as v from 'valibot';
import { DEFAULT_SIGNAL_POLICY } from '../contract/issue-signal.ts';
import { DispatchError } from '../contract/errors.ts';
import { routeConnectedApps, routeHistory, routes } from '../stores/schema.ts';
import { runStatement } from '../stores/run-statement.ts';

/** Which issues go to which connected apps. */
export interface Route {
  readonly id: string;
  readonly name: string;
  /** A query that parses; it is checked before it is saved. */
  readonly query: string;
  readonly enabled: boolean;
  readonly connectedAppIds: readonly string[];
  /** Milliseconds after which an alert that is still firing is renotified; null is never. */
  readonly renotifyIntervalMs: number | null;
  /** Issues older than this, in milliseconds, never trigger a notification. Resolves are always sent. */
  readonly maxSignalAgeMs: number;
  /** Counts its changes; what an update must name. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a route is made of. */
export type RouteDraft = Pick<Route, 'name' | 'query' | 'enabled' | 'connectedAppIds'> &
  /** Default never, and one hour. */
  Partial<Pick<Route, 'renotifyIntervalMs' | 'maxSignalAgeMs'>>;

/** What a scan needs of a route. */
export type ActiveRoute = Pick<
  Route,
  'id' | 'version' | 'query' | 'connectedAppIds' | 'renotifyIntervalMs' | 'maxSignalAgeMs'
>;

/** The enabled routes, and the revision of all routes at which they were read. */
export interface ActiveRoutes {
  readonly revision: number;
  readonly routes: readonly ActiveRoute[];
}

/** A route as it was from one revision on. */
export type RouteVersion = Required<RouteDraft> & {
  readonly routeId: string;
  readonly version: number;
  readonly removed: boolean;
  readonly revision: number;
};

/** Routes. Methods throw `DatabaseError` and `DispatchError`. */
export interface RouteStore {
  list(page: { readonly afterId: string | null; readonly limit: number }): Promise<readonly Route[]>;
  /** Every enabled route, with those of its connected apps that are enabled. */
  listActive(): Promise<ActiveRoutes>;
  /** Every route as it was at a revision, those that were removed by then included as such; null is now. */
  listAt(revision: number | null): Promise<readonly RouteVersion[]>;
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
export function createRouteStore({ db, sql: run }: Pick<Postgres, 'db' | 'sql'>): RouteStore {
  type Reader = Pick<typeof db, 'select'>;
  const withApps = async (reader: Reader, rows: readonly Row[]): Promise<readonly Route[]> => {
    if (rows.length === 0) return [];
    const links = await reader
      .select({ routeId: routeConnectedApps.routeId, id: routeConnectedApps.connectedAppId })
      .from(routeConnectedApps)
      .where(
        inArray(
          routeConnectedApps.routeId,
          rows.map(({ id }) => id),
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
  const failStale = async (id: string): Promise<never> => {
    const [row] = await db.select({ id: routes.id }).from(routes).where(eq(routes.id, id));
    if (row === undefined) throw notFound(id);
    throw new DispatchError('DISPATCH_ROUTE_CHANGED', `route ${id} was changed meanwhile`, { id });
  };
  const violations = {
    conflict: 'DISPATCH_NAME_TAKEN',
    constraint: 'DISPATCH_CONNECTED_APP_NOT_FOUND',
  } as const;
  type Writer = Pick<typeof db, 'insert' | 'execute'>;
  const appendHistory = async (tx: Writer, route: Route, removed = false): Promise<void> => {
    // One change after another: a picture with revision n has to hold everything up to n.
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('dispatch.route_history', 0))`);
    await tx.insert(routeHistory).values({
      ...columnsOf(route),
      routeId: route.id,
      version: route.version,
      connectedAppIds: route.connectedAppIds,
      removed,
    });
  };
  const links = (routeId: string, draft: RouteDraft) =>
    [...new Set(draft.connectedAppIds)].map((connectedAppId) => ({ routeId, connectedAppId }));
  return {
    list: ({ afterId, limit }) =>
      runStatement('list routes', async () => {
        const rows = await db
          .select()
          .from(routes)
          .where(afterId === null ? undefined : gt(routes.id, afterId))
          .orderBy(asc(routes.id))
          .limit(limit);
        return withApps(db, rows);
      }),
    listActive: () =>
      runStatement('list active routes', async () => {
        // One statement, so that revision and routes are one picture.
        const [row] = await run<{ readonly active: string }[]>`
          select jsonb_build_object(
            'revision', (select coalesce(max(revision), 0) from dispatch.route_history),
            'routes', coalesce((
              select jsonb_agg(jsonb_build_object(
                'id', r.id, 'version', r.version, 'query', r.query,
                'renotifyIntervalMs', r.renotify_interval_ms, 'maxSignalAgeMs', r.max_signal_age_ms,
                'connectedAppIds', coalesce((
                  select jsonb_agg(a.id order by a.id) from dispatch.route_connected_apps l
                  join dispatch.connected_apps a on a.id = l.connected_app_id and a.enabled
                  where l.route_id = r.id), '[]')
              ) order by r.id)
              from dispatch.routes r where r.enabled), '[]')
          )::text as active`;
        return v.parse(activeSchema, JSON.parse(row?.active ?? 'null'));
      }),
    listAt: (revision) =>
      runStatement('list routes as they were', async () =>
        db
          .selectDistinctOn([routeHistory.routeId], {
            revision: routeHistory.revision,
            routeId: routeHistory.routeId,
            version: routeHistory.version,
            name: routeHistory.name,
            query: routeHistory.query,
            enabled: routeHistory.enabled,
            connectedAppIds: routeHistory.connectedAppIds,
            renotifyIntervalMs: routeHistory.renotifyIntervalMs,
            maxSignalAgeMs: routeHistory.maxSignalAgeMs,
            removed: routeHistory.removed,
          })
          .from(routeHistory)
          .where(revision === null ? undefined : lte(routeHistory.revision, revision))
          .orderBy(asc(routeHistory.routeId), desc(routeHistory.revision)),
      ),
    get: (id) =>
      runStatement('read a route', async () => {
        const [route] = await withApps(db, await db.select().from(routes).where(eq(routes.id, id)));
        if (route === undefined) throw notFound(id);
        return route;
      }),
    create: (id, draft) =>
      runStatement(
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
            await appendHistory(tx, route);
            return route;
          }),
        violations,
      ),
    update: (id, version, draft) =>
      runStatement(
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
            if (route !== undefined) await appendHistory(tx, route);
            return route;
          });
          return updated ?? failStale(id);
        },
        violations,
      ),
    remove: (id, version) =>
      runStatement('remove a route', async () => {
        const isRemoved = await db.transaction(async (tx) => {
          const atVersion = and(eq(routes.id, id), eq(routes.version, version));
          const [route] = await withApps(tx, await tx.select().from(routes).where(atVersion).for('update'));
          if (route === undefined) return false;
          await appendHistory(tx, route, true);
          await tx.delete(routes).where(atVersion);
          return true;
        });
        if (!isRemoved) await failStale(id);
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
    renotifyIntervalMs: row.renotifyIntervalMs,
    maxSignalAgeMs: row.maxSignalAgeMs,
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

const activeSchema = v.object({
  revision: v.number(),
  routes: v.array(
    v.object({
      id: v.string(),
      version: v.number(),
      query: v.string(),
      renotifyIntervalMs: v.nullable(v.number()),
      maxSignalAgeMs: v.number(),
      connectedAppIds: v.array(v.string()),
    }),
  ),
});

/** Only what the table has: a caller may pass more than a draft, for example a whole route. */
function columnsOf({
  name,
  query,
  enabled,
  renotifyIntervalMs = DEFAULT_SIGNAL_POLICY.renotifyIntervalMs,
  maxSignalAgeMs = DEFAULT_SIGNAL_POLICY.maxSignalAgeMs,
}: RouteDraft) {
  return { name, query, enabled, renotifyIntervalMs, maxSignalAgeMs };
}
