import { DispatchError } from '../../contract/errors.ts';
import { DEFAULT_SIGNAL_POLICY } from '../../contract/issue-signal.ts';
import type { Route, RouteDraft, RouteStore } from '../../routing/route-store.ts';
import type { MemoryTables } from './memory-tables.ts';

/** Routes in memory. */
export function memoryRoutes(tables: MemoryTables): RouteStore {
  const find = (id: string): Route => {
    const route = tables.routes.get(id);
    if (route === undefined) throw new DispatchError('DISPATCH_ROUTE_NOT_FOUND', `no route ${id}`, { id });
    return route;
  };
  const findAt = (id: string, version: number): Route => {
    const route = find(id);
    if (route.version === version) return route;
    throw new DispatchError('DISPATCH_ROUTE_CHANGED', `route ${id} was changed meanwhile`, { id });
  };
  const save = (route: Route, removed = false): Route => {
    const { id, name, query, enabled, connectedAppIds, renotifyIntervalMs, maxSignalAgeMs, version } = route;
    const draft = { name, query, enabled, connectedAppIds, renotifyIntervalMs, maxSignalAgeMs, version };
    tables.routeHistory.push({
      ...draft,
      routeId: id,
      removed,
      revision: tables.routeHistory.length + 1,
    });
    if (removed) tables.routes.delete(id);
    else tables.routes.set(id, route);
    return route;
  };
  const fieldsOf = (id: string, draft: RouteDraft) => {
    const { name, query, enabled, connectedAppIds } = draft;
    for (const route of tables.routes.values())
      if (route.name === name && route.id !== id)
        throw new DispatchError('DISPATCH_NAME_TAKEN', `the name of ${id} is taken`, { id });
    if (!connectedAppIds.every((appId) => tables.apps.has(appId)))
      throw new DispatchError('DISPATCH_CONNECTED_APP_NOT_FOUND', `an app of ${id} is missing`, { id });
    const {
      renotifyIntervalMs = DEFAULT_SIGNAL_POLICY.renotifyIntervalMs,
      maxSignalAgeMs = DEFAULT_SIGNAL_POLICY.maxSignalAgeMs,
    } = draft;
    const apps = [...new Set(connectedAppIds)].toSorted();
    return { name, query, enabled, connectedAppIds: apps, renotifyIntervalMs, maxSignalAgeMs };
  };
  return {
    list: async ({ afterId, limit }) =>
      [...tables.routes.values()]
        .filter(({ id }) => afterId === null || id > afterId)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    listActive: async () => ({
      revision: tables.routeHistory.length,
      routes: [...tables.routes.values()]
        .filter(({ enabled }) => enabled)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ id, version, query, connectedAppIds, renotifyIntervalMs, maxSignalAgeMs }) => ({
          id,
          version,
          query,
          renotifyIntervalMs,
          maxSignalAgeMs,
          connectedAppIds: connectedAppIds.filter((appId) => tables.apps.get(appId)?.app.enabled === true),
        })),
    }),
    listAt: async (revision) => [
      ...new Map(
        tables.routeHistory
          .filter((version) => revision === null || version.revision <= revision)
          .map((version) => [version.routeId, version]),
      ).values(),
    ],
    get: async (id) => find(id),
    async create(id, draft) {
      const at = tables.now();
      return save({ id, ...fieldsOf(id, draft), version: 1, createdAt: at, updatedAt: at });
    },
    async update(id, version, draft) {
      const { createdAt } = findAt(id, version);
      const updatedAt = tables.now();
      return save({ id, ...fieldsOf(id, draft), version: version + 1, createdAt, updatedAt });
    },
    async remove(id, version) {
      save(findAt(id, version), true);
    },
  };
}
