import { listAuditEntries } from './audit-entries.ts';

/** The name of the API in its OpenAPI document and on `/healthz`. */
export const API_NAME = 'codec-server';

/** The version of the API, as its paths carry it. It is not the version of the packages. */
export const API_VERSION = '1';

/** Every operation of the API, by the name of the client's method, in the order of the OpenAPI document. */
export const codecOperations = { listAuditEntries } as const;
