export { DispatchError } from '../errors.ts';
export type { DispatchErrorCode } from '../errors.ts';
export { createConnectedAppStore } from './connected-app-store.ts';
export type {
  ConnectedApp,
  ConnectedAppDraft,
  ConnectedAppStore,
  DeliveryTarget,
} from './connected-app-store.ts';
export { fingerprintOf, toFingerprint } from './fingerprint.ts';
export type { NewIssue, StoredIssue } from './issue.ts';
export { createIssueStore } from './issue-store.ts';
export type { IssueStore, ScanRange } from './issue-store.ts';
export { migrateDispatch } from './migrate.ts';
export { createRouteStore } from './route-store.ts';
export type { Route, RouteDraft, RouteStore } from './route-store.ts';
export { createStreamStore } from './stream-store.ts';
export type { StreamStore } from './stream-store.ts';
