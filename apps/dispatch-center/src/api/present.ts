import type { ConnectedAppView, RouteView } from '@heliograph/dispatch-api';
import {
  DispatchError,
  type ConnectedApp,
  type DispatchErrorCode,
  type Route,
} from '@heliograph/dispatch-workflows/stores';
import { redactSettings } from '@heliograph/notifier/channels';
import { etagOf, problem, type Ids, type Problem } from '@heliograph/service';

/** Shows a route. */
export function presentRoute(route: Route): RouteView {
  return {
    ...route,
    connectedAppIds: [...route.connectedAppIds],
    createdAt: new Date(route.createdAt).toISOString(),
    updatedAt: new Date(route.updatedAt).toISOString(),
  };
}

/** Shows a connected app, without the query values of its URLs. */
export function presentConnectedApp(app: ConnectedApp): ConnectedAppView {
  const { targetVersion: _, ...shown } = app;
  const { throttledForMs, failure } = app.health;
  return {
    ...shown,
    settings: redactSettings(app.settings),
    health: {
      status: failure !== null ? 'failing' : throttledForMs > 0 ? 'throttled' : 'ok',
      throttledUntil: throttledForMs > 0 ? new Date(Date.now() + throttledForMs).toISOString() : null,
      failure:
        failure === null
          ? null
          : { code: failure.code, httpStatus: failure.status, since: new Date(failure.since).toISOString() },
    },
    createdAt: new Date(app.createdAt).toISOString(),
    updatedAt: new Date(app.updatedAt).toISOString(),
  };
}

/** The entity tag of what people change of a connected app. */
export function connectedAppTag({ id, version }: Pick<ConnectedApp, 'id' | 'version'>): string {
  return etagOf({ id, version });
}

const STATUS: Partial<Record<DispatchErrorCode, number>> = {
  DISPATCH_ROUTE_NOT_FOUND: 404,
  DISPATCH_CONNECTED_APP_NOT_FOUND: 404,
  DISPATCH_ROUTE_CHANGED: 412,
  DISPATCH_CONNECTED_APP_CHANGED: 412,
  DISPATCH_CONNECTED_APP_IN_USE: 409,
  DISPATCH_NAME_TAKEN: 409,
};

/** Runs a store's work and throws what it refuses as a problem. `statuses` overrules the status of a code. */
export async function translateRefusal<T>(
  run: () => Promise<T>,
  statuses: Partial<Record<DispatchErrorCode, number>> = {},
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    throw toProblem(error, statuses);
  }
}

function toProblem(error: DispatchError, statuses: Partial<Record<DispatchErrorCode, number>>): Problem {
  return problem(statuses[error.code] ?? STATUS[error.code] ?? 500, error.code, error.message, {
    cause: error,
  });
}

/** Generates a UUIDv7 without its hyphens, which separate the parts of a workflow id. */
export function nextId(ids: Ids): string {
  return ids.next().replaceAll('-', '').toLowerCase();
}
