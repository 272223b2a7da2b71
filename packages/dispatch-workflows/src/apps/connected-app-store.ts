import type { Postgres, Sealer } from '@heliograph/database';
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { DispatchError } from '../contract/errors.ts';
import type { UncertainPolicy } from './uncertain-policy.ts';
import type { AppHealth } from './app-health-store.ts';
import { connectedAppHealth, connectedApps, routes, streamBacklog } from '../stores/schema.ts';
import { runStatement } from '../stores/run-statement.ts';
import type { StreamKey } from '../contract/stream-state.ts';

/** A connected app as it may be shown: without its secret. */
export interface ConnectedApp {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly settings: unknown;
  readonly enabled: boolean;
  readonly uncertainPolicy: UncertainPolicy;
  readonly health: AppHealth;
  /** Counts its changes; what an update must name. */
  readonly version: number;
  /** Counts the changes of provider, settings and secret: what was learned about an earlier target no longer holds. */
  readonly targetVersion: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a connected app is made of; the settings and the secret were checked by its channel. */
export interface ConnectedAppDraft {
  readonly name: string;
  readonly provider: string;
  readonly settings: unknown;
  readonly enabled: boolean;
  /** Default `resend-pages`. */
  readonly uncertainPolicy?: UncertainPolicy | undefined;
  /** Absent on update: stays as it is. */
  readonly secret?: string;
}

/** What a delivery needs, in one reading. */
export interface DeliveryTarget {
  readonly app: ConnectedApp;
  readonly secret: string;
  /** Null if the route was removed meanwhile. */
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
  /** App and opened secret; null if the app is gone or disabled. */
  deliveryTarget(target: Pick<StreamKey, 'routeId' | 'connectedAppId'>): Promise<DeliveryTarget | null>;
  /** The stored secret, opened; for checking an update that keeps it. */
  secretOf(id: string): Promise<string>;
}

/** The connected apps of one database. */
export function createConnectedAppStore({ db }: Pick<Postgres, 'db'>, sealer: Sealer): ConnectedAppStore {
  const context = (id: string) => `connected_app:${id}`;
  const seal = (id: string, secret: string) => {
    const { keyId, sealed: bytes } = sealer.seal(secret, context(id));
    return { secretSealed: bytes, secretKeyId: keyId };
  };
  const open = (row: typeof connectedApps.$inferSelect): string =>
    sealer.open({ keyId: row.secretKeyId, sealed: row.secretSealed }, context(row.id));
  /** Whether another secret is given; one that cannot be opened any more is another one. */
  const isOtherSecret = (row: typeof connectedApps.$inferSelect, secret: string): boolean => {
    try {
      return open(row) !== secret;
    } catch {
      return true;
    }
  };
  const withHealth = () =>
    db
      .select({ app: connectedApps, ...HEALTH })
      .from(connectedApps)
      .leftJoin(connectedAppHealth, isOfThisTarget);
  const read = async (id: string): Promise<ConnectedApp> => {
    const [row] = await withHealth().where(eq(connectedApps.id, id));
    if (row === undefined) throw notFound(id);
    return appOfRow(row);
  };
  const find = async (id: string): Promise<typeof connectedApps.$inferSelect> => {
    const [row] = await db.select().from(connectedApps).where(eq(connectedApps.id, id));
    if (row !== undefined) return row;
    throw notFound(id);
  };
  const failStale = async (id: string): Promise<never> => {
    await find(id);
    throw new DispatchError('DISPATCH_CONNECTED_APP_CHANGED', `connected app ${id} was changed meanwhile`, {
      id,
    });
  };
  const atVersion = (id: string, version: number) =>
    and(eq(connectedApps.id, id), eq(connectedApps.version, version));
  return {
    list: ({ afterId, limit }) =>
      runStatement('list connected apps', async () => {
        const rows = await withHealth()
          .where(afterId === null ? undefined : gt(connectedApps.id, afterId))
          .orderBy(asc(connectedApps.id))
          .limit(limit);
        return rows.map(appOfRow);
      }),
    get: (id) => runStatement('read a connected app', () => read(id)),
    create: (id, draft) =>
      runStatement(
        'create a connected app',
        async () => {
          const values = { id, ...columnsOf(draft), ...seal(id, draft.secret) };
          await db.insert(connectedApps).values(values);
          return read(id);
        },
        { conflict: 'DISPATCH_NAME_TAKEN' },
      ),
    update: (id, version, draft) =>
      runStatement(
        'update a connected app',
        async () => {
          const { provider, settings, secret } = draft;
          // Still true when the row is updated, because the version says so.
          const hasOtherSecret = secret !== undefined && isOtherSecret(await find(id), secret);
          const [row] = await db
            .update(connectedApps)
            .set({
              ...columnsOf(draft),
              ...(secret === undefined ? {} : seal(id, secret)),
              version: sql`${connectedApps.version} + 1`,
              targetVersion: sql`${connectedApps.targetVersion} + (${hasOtherSecret}::boolean
                or ${connectedApps.provider} <> ${provider}
                or ${connectedApps.settings} <> ${JSON.stringify(settings)}::text::jsonb)::int`,
              updatedAt: sql`now()`,
            })
            .where(atVersion(id, version))
            .returning({ id: connectedApps.id });
          return row === undefined ? failStale(id) : read(id);
        },
        { conflict: 'DISPATCH_NAME_TAKEN' },
      ),
    remove: (id, version) =>
      runStatement(
        'remove a connected app',
        async () => {
          const removed = await db.transaction(async (tx) => {
            const rows = await tx
              .delete(connectedApps)
              .where(atVersion(id, version))
              .returning({ id: connectedApps.id });
            // What a scan parks at this moment is handed over later, and dropped for want of the app.
            if (rows.length > 0) await tx.delete(streamBacklog).where(eq(streamBacklog.connectedAppId, id));
            return rows;
          });
          if (removed.length === 0) await failStale(id);
        },
        { constraint: 'DISPATCH_CONNECTED_APP_IN_USE' },
      ),
    deliveryTarget: ({ routeId, connectedAppId }) =>
      runStatement('read where to deliver', async () => {
        const [row] = await db
          .select({ app: connectedApps, routeName: routes.name, ...HEALTH })
          .from(connectedApps)
          .leftJoin(routes, eq(routes.id, routeId))
          .leftJoin(connectedAppHealth, isOfThisTarget)
          .where(and(eq(connectedApps.id, connectedAppId), eq(connectedApps.enabled, true)));
        return row === undefined
          ? null
          : { app: appOfRow(row), secret: open(row.app), routeName: row.routeName };
      }),
    secretOf: (id) => runStatement('read a connected app', async () => open(await find(id))),
  };
}

/** What was learned about an earlier target is not the health of this one. */
const isOfThisTarget = and(
  eq(connectedAppHealth.connectedAppId, connectedApps.id),
  eq(connectedAppHealth.targetVersion, connectedApps.targetVersion),
);

/**
 * By the database's clock, which is everyone's. Selected beside the app and not as an object of its own: drizzle makes an
 * object of a left join null when its first column is null, whatever the others hold.
 */
const HEALTH = {
  throttledForMs: sql<
    string | null
  >`(extract(epoch from ${connectedAppHealth.throttledUntil} - now()) * 1000)::float8::text`,
  throttledUntil: connectedAppHealth.throttledUntil,
  failingSince: connectedAppHealth.failingSince,
  failureCode: connectedAppHealth.failureCode,
  failureStatus: connectedAppHealth.failureStatus,
};

interface AppRow {
  readonly app: typeof connectedApps.$inferSelect;
  readonly throttledForMs: string | null;
  readonly throttledUntil: Date | null;
  readonly failingSince: Date | null;
  readonly failureCode: string | null;
  readonly failureStatus: number | null;
}

function notFound(id: string): DispatchError {
  return new DispatchError('DISPATCH_CONNECTED_APP_NOT_FOUND', `no connected app ${id}`, { id });
}

function appOfRow({ app: row, ...health }: AppRow): ConnectedApp {
  const { throttledForMs, throttledUntil, failingSince, failureCode, failureStatus } = health;
  return {
    id: row.id,
    name: row.name,
    provider: row.provider,
    settings: row.settings,
    enabled: row.enabled,
    uncertainPolicy: row.uncertainPolicy,
    health: {
      throttledForMs: Math.max(0, Number(throttledForMs ?? 0)),
      ...(throttledUntil !== null && Number(throttledForMs) > 0
        ? { throttledUntil: throttledUntil.getTime() }
        : {}),
      failure:
        failingSince === null
          ? null
          : { code: failureCode ?? 'REJECTED', status: failureStatus, since: failingSince.getTime() },
    },
    version: row.version,
    targetVersion: row.targetVersion,
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
  };
}

/** Only what the table has: a caller may pass more than a draft. */
function columnsOf({
  name,
  provider,
  settings,
  enabled,
  uncertainPolicy = 'resend-pages',
}: ConnectedAppDraft) {
  return { name, provider, settings, enabled, uncertainPolicy };
}
