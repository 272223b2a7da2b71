import {
  DispatchError,
  UNCERTAIN_POLICIES,
  type ConnectedApp,
  type DispatchErrorCode,
  type Route,
} from '@heliograph/dispatch-workflows/stores';
import { etagOf, problem, type Ids, type Problem } from '@heliograph/service';
import * as v from 'valibot';

/** Ids in paths: `[a-z0-9]{1,64}`, because they become parts of workflow ids. */
export const idParams = v.object({ id: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,64}$/, 'Expected an id.')) });

/** A text that PostgreSQL takes: JSON can carry NUL and half of a surrogate pair, which it does not. */
export const storableText = v.pipe(
  v.string(),
  v.check((text) => !/\0|\p{Surrogate}/u.test(text), 'Expected well-formed Unicode without NUL.'),
);

/** A name that people gave. */
export const nameInput = v.pipe(storableText, v.trim(), v.minLength(1), v.maxLength(200));

const isoInstant = v.string();

/** A route as the API shows it. */
export const routeView = v.object({
  id: v.string(),
  name: v.string(),
  query: v.string(),
  enabled: v.boolean(),
  connectedAppIds: v.array(v.string()),
  renotifyIntervalMs: v.nullable(v.number()),
  maxSignalAgeMs: v.number(),
  version: v.number(),
  createdAt: isoInstant,
  updatedAt: isoInstant,
});

/** Shows a route. */
export function presentRoute(route: Route): v.InferOutput<typeof routeView> {
  return {
    ...route,
    connectedAppIds: [...route.connectedAppIds],
    createdAt: new Date(route.createdAt).toISOString(),
    updatedAt: new Date(route.updatedAt).toISOString(),
  };
}

/** A connected app as the API shows it: never with its secret. */
export const connectedAppView = v.object({
  id: v.string(),
  name: v.string(),
  provider: v.string(),
  settings: v.unknown(),
  enabled: v.boolean(),
  uncertainPolicy: v.picklist(UNCERTAIN_POLICIES),
  /** What deliveries learned; it changes by itself, so neither version nor ETag tell of it. */
  health: v.object({
    status: v.picklist(['ok', 'throttled', 'failing']),
    throttledUntil: v.nullable(isoInstant),
    failure: v.nullable(
      v.object({ code: v.string(), httpStatus: v.nullable(v.number()), since: isoInstant }),
    ),
  }),
  version: v.number(),
  createdAt: isoInstant,
  updatedAt: isoInstant,
});

/** Shows a connected app. */
export function presentConnectedApp(app: ConnectedApp): v.InferOutput<typeof connectedAppView> {
  const { throttledForMs, failure } = app.health;
  return {
    ...app,
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

/** Runs a store's work and answers what it refuses as a problem. `statuses` overrules the status of a code. */
export async function answering<T>(
  run: () => Promise<T>,
  statuses: Partial<Record<DispatchErrorCode, number>> = {},
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    throw problemOf(error, statuses);
  }
}

function problemOf(error: DispatchError, statuses: Partial<Record<DispatchErrorCode, number>>): Problem {
  return problem(statuses[error.code] ?? STATUS[error.code] ?? 500, error.code, error.message, {
    cause: error,
  });
}

/** UUIDv7 without its hyphens, which separate the parts of a workflow id. */
export function idWithoutHyphens(ids: Ids): string {
  return ids.next().replaceAll('-', '').toLowerCase();
}
