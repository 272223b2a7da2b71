import { isDeepStrictEqual } from 'node:util';
import type { AppHealth, AppHealthStore, AppTarget } from '../../apps/app-health-store.ts';
import type { ConnectedApp, ConnectedAppStore } from '../../apps/connected-app-store.ts';
import { DispatchError } from '../../contract/errors.ts';
import type { AppRow, HealthRow, MemoryTables } from './memory-tables.ts';

/** Connected apps in memory, their secrets in the clear. */
export function memoryApps(tables: MemoryTables): ConnectedAppStore {
  const find = (id: string): AppRow => {
    const row = tables.apps.get(id);
    if (row === undefined)
      throw new DispatchError('DISPATCH_CONNECTED_APP_NOT_FOUND', `no connected app ${id}`, { id });
    return row;
  };
  const withHealth = ({ app }: AppRow): ConnectedApp => ({ ...app, health: healthOf(tables, app) });
  const assertNameFree = (id: string, name: string): void => {
    for (const { app } of tables.apps.values())
      if (app.name === name && app.id !== id)
        throw new DispatchError('DISPATCH_NAME_TAKEN', `the name of ${id} is taken`, { id });
  };
  const findAt = (id: string, version: number): AppRow => {
    const row = find(id);
    if (row.app.version === version) return row;
    throw new DispatchError('DISPATCH_CONNECTED_APP_CHANGED', `connected app ${id} was changed meanwhile`, {
      id,
    });
  };
  return {
    list: async ({ afterId, limit }) =>
      [...tables.apps.values()]
        .filter(({ app }) => afterId === null || app.id > afterId)
        .toSorted((a, b) => (a.app.id < b.app.id ? -1 : 1))
        .slice(0, limit)
        .map(withHealth),
    get: async (id) => withHealth(find(id)),
    async create(id, { secret, name, provider, settings, enabled, uncertainPolicy = 'resend-pages' }) {
      assertNameFree(id, name);
      const at = tables.now();
      const app = { id, name, provider, settings, enabled, uncertainPolicy, version: 1, targetVersion: 1 };
      const row = { app: { ...app, createdAt: at, updatedAt: at }, secret };
      tables.apps.set(id, row);
      return withHealth(row);
    },
    async update(id, version, { secret, name, provider, settings, enabled, uncertainPolicy }) {
      const { app, secret: before } = findAt(id, version);
      assertNameFree(id, name);
      const isOtherTarget =
        provider !== app.provider ||
        !isDeepStrictEqual(settings, app.settings) ||
        (secret !== undefined && secret !== before);
      const row: AppRow = {
        app: {
          ...app,
          name,
          provider,
          settings,
          enabled,
          uncertainPolicy: uncertainPolicy ?? 'resend-pages',
          version: version + 1,
          targetVersion: app.targetVersion + (isOtherTarget ? 1 : 0),
          updatedAt: tables.now(),
        },
        secret: secret ?? before,
      };
      tables.apps.set(id, row);
      return withHealth(row);
    },
    async remove(id, version) {
      findAt(id, version);
      const isUsed = [...tables.routes.values()].some(({ connectedAppIds }) => connectedAppIds.includes(id));
      if (isUsed)
        throw new DispatchError('DISPATCH_CONNECTED_APP_IN_USE', `connected app ${id} is in use`, { id });
      tables.apps.delete(id);
      tables.health.delete(id);
    },
    async deliveryTarget({ routeId, connectedAppId }) {
      const row = tables.apps.get(connectedAppId);
      if (row === undefined || !row.app.enabled) return null;
      return {
        app: withHealth(row),
        secret: row.secret,
        routeName: tables.routes.get(routeId)?.name ?? null,
      };
    },
    secretOf: async (id) => find(id).secret,
  };
}

function healthOf(tables: MemoryTables, { id, targetVersion }: AppTarget): AppHealth {
  const known = tables.health.get(id);
  if (known?.targetVersion !== targetVersion) return { throttledForMs: 0, failure: null };
  const { throttledUntil, failure } = known;
  const isThrottled = throttledUntil !== null && throttledUntil > tables.now();
  return {
    throttledForMs: isThrottled ? throttledUntil - tables.now() : 0,
    ...(isThrottled ? { throttledUntil } : {}),
    failure,
  };
}

/** The health of connected apps in memory. */
export function memoryAppHealth(tables: MemoryTables): AppHealthStore {
  /** Changes what is known of a target, unless the app has another one by now. */
  const change = ({ id, targetVersion }: AppTarget, to: (known: HealthRow) => HealthRow | null): void => {
    if (tables.apps.get(id)?.app.targetVersion !== targetVersion) return;
    const known = tables.health.get(id);
    const isKnown = known?.targetVersion === targetVersion;
    const row = to(isKnown ? known : { targetVersion, throttledUntil: null, failure: null });
    if (row !== null) tables.health.set(id, row);
  };
  return {
    recordThrottle: async (target, forMs) =>
      change(target, (known) => ({
        ...known,
        throttledUntil: Math.max(known.throttledUntil ?? 0, tables.now() + forMs),
      })),
    recordFailure: async (target, { code, status }) =>
      change(target, (known) => ({
        ...known,
        failure: { code, status, since: known.failure?.since ?? tables.now() },
      })),
    recordRecovery: async (target) =>
      change(target, (known) => (known.failure === null ? null : { ...known, failure: null })),
    recordThrottleEnd: async (target, throttledUntil) =>
      change(target, (known) =>
        known.throttledUntil === null || known.throttledUntil > throttledUntil
          ? null
          : { ...known, throttledUntil: null },
      ),
    async disable({ id, targetVersion }) {
      const row = tables.apps.get(id);
      if (row === undefined || !row.app.enabled || row.app.targetVersion !== targetVersion) return;
      const { app, secret } = row;
      tables.apps.set(id, { app: { ...app, enabled: false, version: app.version + 1 }, secret });
      change({ id, targetVersion }, (known) => ({
        ...known,
        failure: { code: 'GONE', status: 410, since: known.failure?.since ?? tables.now() },
      }));
    },
  };
}
