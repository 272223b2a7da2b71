import { isDatabaseError, isUnavailable } from '@heliograph/database';
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

/** What the API is made of. */
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
    name: 'dispatch-center',
    version: version(),
    auth: createBearerAuth(keys),
    readiness: ground.readiness,
    // A database that hangs is away as much as one that refuses.
    isUnavailable: (error) => isUnavailable(error) || (isDatabaseError(error) && error.retryable),
    // Of this process only; storing issues is idempotent by their event ids across all of them.
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
