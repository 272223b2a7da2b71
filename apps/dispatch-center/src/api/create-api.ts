import { isDatabaseError, isUnavailable } from '@heliograph/database';
import { API_NAME, API_VERSION } from '@heliograph/dispatch-api';
import {
  createBearerAuth,
  createEdge,
  memoryIdempotencyStore,
  uuidV7Ids,
  type Edge,
  type EdgeOptions,
} from '@heliograph/service';
import type { ApiKey } from '../config.ts';
import { version } from '../observe.ts';
import type { Ground } from '../wiring.ts';
import { addConnectedAppsApi } from './connected-apps-api.ts';
import { addDebtsApi } from './debts-api.ts';
import { addExplainApi } from './explain-api.ts';
import { addIssuesApi } from './issues-api.ts';
import { addRoutesApi } from './routes-api.ts';

/** What the API works with. */
export interface ApiOptions extends Pick<
  EdgeOptions,
  'logger' | 'telemetry' | 'draining' | 'validateResponses'
> {
  readonly ground: Pick<
    Ground,
    'issues' | 'routes' | 'connectedApps' | 'channels' | 'readiness' | 'explainer' | 'debts'
  >;
  readonly keys: readonly ApiKey[];
  readonly onStored: () => void;
}

/** Makes the HTTP edge of the Dispatch Center. */
export function createApi({ ground, keys, onStored, ...edgeOptions }: ApiOptions): Edge {
  const edge = createEdge({
    name: API_NAME,
    version: version(),
    apiVersion: API_VERSION,
    auth: createBearerAuth(keys),
    readiness: ground.readiness,
    // A database that hangs is as unavailable as one that refuses.
    isUnavailable: (error) => isUnavailable(error) || (isDatabaseError(error) && error.retryable),
    // Of this process only; across processes, storing issues is idempotent by their event ids.
    idempotency: memoryIdempotencyStore(),
    ...edgeOptions,
  });
  addIssuesApi(edge, { issues: ground.issues, ids: uuidV7Ids, onStored });
  addRoutesApi(edge, { routes: ground.routes, ids: uuidV7Ids });
  addConnectedAppsApi(edge, {
    connectedApps: ground.connectedApps,
    channels: ground.channels,
    ids: uuidV7Ids,
  });
  addExplainApi(edge, { explainer: ground.explainer });
  addDebtsApi(edge, { debts: ground.debts });
  return edge;
}
