import {
  createConnectedApp,
  listConnectedApps,
  readConnectedApp,
  removeConnectedApp,
  replaceConnectedApp,
} from './connected-apps.ts';
import { explainAlert } from './explanation.ts';
import { storeIssues } from './issues.ts';
import { listResolveDebts } from './resolve-debts.ts';
import { createRoute, listRoutes, readRoute, removeRoute, replaceRoute } from './routes.ts';

/** The name of the API in its OpenAPI document and on `/healthz`. */
export const API_NAME = 'dispatch-center';

/** The version of the API, as its paths carry it. It is not the version of the packages. */
export const API_VERSION = '1';

/** Every operation of the API, by the name of the client's method, in the order of the OpenAPI document. */
export const dispatchOperations = {
  storeIssues,
  listRoutes,
  createRoute,
  readRoute,
  replaceRoute,
  removeRoute,
  listConnectedApps,
  createConnectedApp,
  readConnectedApp,
  replaceConnectedApp,
  removeConnectedApp,
  explainAlert,
  listResolveDebts,
} as const;
