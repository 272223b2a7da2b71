import type { Postgres, Sealer } from '@heliograph/database';
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { DispatchError } from '../errors.ts';
import { connectedApps, routes } from './schema.ts';
import { stored } from './stored.ts';
import type { StreamKey } from '../contract.ts';

/** A connected app as it may be shown: without its secret. */
export interface ConnectedApp {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly settings: unknown;
  readonly enabled: boolean;
  /** Counts its changes; what an update must name. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a connected app is made of; the settings and the secret were checked by its channel. */
export interface ConnectedAppDraft {
  readonly name: string;
  readonly provider: string;
  readonly settings: unknown;
  readonly enabled: boolean;
  /** Absent on update: stays as it is. */
  readonly secret?: string;
}

/** What a delivery needs, in one reading. */
export interface DeliveryTarget {
  readonly app: ConnectedApp;
  readonly secret: string;
  /** Null where the route was removed meanwhile. */
  readonly routeName: string | null;
}

/** Connected apps, their secrets sealed. Methods throw `DatabaseError` and `DispatchError`. */
export interface ConnectedAppStore {
  list(page: { readonly afterId: string | null; readonly limit: number }): Promise<readonly ConnectedApp[]>;
  /** @throws {DispatchError} DISPATCH_CONNECTED_APP_NOT_FOUND */
  get(id: string): Promise<ConnectedApp>;
  /** @throws {DispatchError} DISPATCH_NAME_TAKEN */
  create(id: string, draft: ConnectedAppDraft & { readonly secret: string }): Promise<ConnectedApp>;
  /** @throws {DispatchError} DISPATCH_CONNECTED_APP_NOT_FOUND, DISPATCH_CONNECTED_APP_CHANGED, DISPATCH_NAME_TAKEN */
  update(id: string, version: number, draft: ConnectedAppDraft): Promise<ConnectedApp>;
  /** @throws {DispatchError} DISPATCH_CONNECTED_APP_NOT_FOUND, DISPATCH_CONNECTED_APP_CHANGED, DISPATCH_CONNECTED_APP_IN_USE */
  remove(id: string, version: number): Promise<void>;
  /** App and opened secret; null where the app is gone or switched off. */
  deliveryTarget(target: Pick<StreamKey, 'routeId' | 'connectedAppId'>): Promise<DeliveryTarget | null>;
  /** The stored secret, opened; for checking an update that keeps it. */
  secretOf(id: string): Promise<string>;
}

/** The connected apps of one database. */
export function createConnectedAppStore({ db }: Pick<Postgres, 'db'>, sealer: Sealer): ConnectedAppStore {
  const context = (id: string) => `connected_app:${id}`;
  const sealed = (id: string, secret: string) => {
    const { keyId, sealed: bytes } = sealer.seal(secret, context(id));
    return { secretSealed: bytes, secretKeyId: keyId };
  };
  const open = (row: typeof connectedApps.$inferSelect): string =>
    sealer.open({ keyId: row.secretKeyId, sealed: row.secretSealed }, context(row.id));
  const find = async (id: string): Promise<typeof connectedApps.$inferSelect> => {
    const [row] = await db.select().from(connectedApps).where(eq(connectedApps.id, id));
    if (row !== undefined) return row;
    throw new DispatchError('DISPATCH_CONNECTED_APP_NOT_FOUND', `no connected app ${id}`, { id });
  };
  const changed = async (id: string): Promise<never> => {
    await find(id);
    throw new DispatchError('DISPATCH_CONNECTED_APP_CHANGED', `connected app ${id} was changed meanwhile`, {
      id,
    });
  };
  const atVersion = (id: string, version: number) =>
    and(eq(connectedApps.id, id), eq(connectedApps.version, version));
  return {
    list: ({ afterId, limit }) =>
      stored('list connected apps', async () => {
        const rows = await db
          .select()
          .from(connectedApps)
          .where(afterId === null ? undefined : gt(connectedApps.id, afterId))
          .orderBy(asc(connectedApps.id))
          .limit(limit);
        return rows.map(appOfRow);
      }),
    get: (id) => stored('read a connected app', async () => appOfRow(await find(id))),
    create: (id, draft) =>
      stored(
        'create a connected app',
        async () => {
          const values = { id, ...columnsOf(draft), ...sealed(id, draft.secret) };
          const [row] = await db.insert(connectedApps).values(values).returning();
          return row === undefined ? changed(id) : appOfRow(row);
        },
        { conflict: 'DISPATCH_NAME_TAKEN' },
      ),
    update: (id, version, draft) =>
      stored(
        'update a connected app',
        async () => {
          const [row] = await db
            .update(connectedApps)
            .set({
              ...columnsOf(draft),
              ...(draft.secret === undefined ? {} : sealed(id, draft.secret)),
              version: sql`${connectedApps.version} + 1`,
              updatedAt: sql`now()`,
            })
            .where(atVersion(id, version))
            .returning();
          return row === undefined ? changed(id) : appOfRow(row);
        },
        { conflict: 'DISPATCH_NAME_TAKEN' },
      ),
    remove: (id, version) =>
      stored(
        'remove a connected app',
        async () => {
          const removed = await db
            .delete(connectedApps)
            .where(atVersion(id, version))
            .returning({ id: connectedApps.id });
          if (removed.length === 0) await changed(id);
        },
        { constraint: 'DISPATCH_CONNECTED_APP_IN_USE' },
      ),
    deliveryTarget: ({ routeId, connectedAppId }) =>
      stored('read where to deliver', async () => {
        const [row] = await db
          .select({ app: connectedApps, routeName: routes.name })
          .from(connectedApps)
          .leftJoin(routes, eq(routes.id, routeId))
          .where(and(eq(connectedApps.id, connectedAppId), eq(connectedApps.enabled, true)));
        return row === undefined
          ? null
          : { app: appOfRow(row.app), secret: open(row.app), routeName: row.routeName };
      }),
    secretOf: (id) => stored('read a connected app', async () => open(await find(id))),
  };
}

function appOfRow(row: typeof connectedApps.$inferSelect): ConnectedApp {
  return {
    id: row.id,
    name: row.name,
    provider: row.provider,
    settings: row.settings,
    enabled: row.enabled,
    version: row.version,
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
  };
}

/** Only what the table has: a caller may hand over more than a draft. */
function columnsOf({ name, provider, settings, enabled }: ConnectedAppDraft) {
  return { name, provider, settings, enabled };
}
