import { API_NAME, API_VERSION } from '@heliograph/dispatch-api';
import {
  createEdge,
  memoryIdempotencyStore,
  uuidV7Ids,
  type Edge,
  type EdgeOptions,
} from '@heliograph/service';
import type { AppAuth } from '@heliograph/worker-app';
import type { Services } from '../wiring.ts';
import { addConnectedAppsApi } from './connected-apps-api.ts';
import { addDebtsApi } from './debts-api.ts';
import { addExplainApi } from './explain-api.ts';
import { addIssuesApi } from './issues-api.ts';
import { addRoutesApi } from './routes-api.ts';

/** What the API works with. */
export interface ApiOptions {
  readonly services: Pick<
    Services,
    'storeOnce' | 'routes' | 'connectedApps' | 'channels' | 'explainer' | 'debts'
  >;
  readonly edgeOptions: EdgeOptions;
  readonly auth: AppAuth;
  readonly onStored: () => void;
}

/** Makes the HTTP edge of the Dispatch Center. */
export function createApi({ services, edgeOptions, auth, onStored }: ApiOptions): Edge {
  const edge = createEdge({
    ...edgeOptions,
    name: API_NAME,
    apiVersion: API_VERSION,
    auth: auth.authenticator,
    // Of this process only; across processes, storing issues is idempotent by their event ids.
    idempotency: memoryIdempotencyStore(),
  });
  addIssuesApi(edge, { storeOnce: services.storeOnce, ids: uuidV7Ids, onStored });
  addRoutesApi(edge, { routes: services.routes, ids: uuidV7Ids });
  addConnectedAppsApi(edge, {
    connectedApps: services.connectedApps,
    channels: services.channels,
    ids: uuidV7Ids,
  });
  addExplainApi(edge, { explainer: services.explainer });
  addDebtsApi(edge, { debts: services.debts });
  auth.mount(edge);
  return edge;
}
