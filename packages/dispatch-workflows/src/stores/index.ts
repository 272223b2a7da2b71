export { DispatchError } from '../errors.ts';
export type { DispatchErrorCode } from '../errors.ts';
export { createAppHealthStore } from './app-health-store.ts';
export type { AppHealth, AppHealthStore } from './app-health-store.ts';
export { createConnectedAppStore } from './connected-app-store.ts';
export type {
  ConnectedApp,
  ConnectedAppDraft,
  ConnectedAppStore,
  DeliveryTarget,
  UncertainPolicy,
} from './connected-app-store.ts';
export { createDebtStore } from './debt-store.ts';
export type { DebtPage, DebtStore, PassedIntent, ResolveDebt } from './debt-store.ts';
export { fingerprintOf, toFingerprint } from './fingerprint.ts';
export { createIntentStore } from './intent-store.ts';
export type { Intent, IntentStore } from './intent-store.ts';
export type { NewIssue, StoredIssue } from './issue.ts';
export { createIssueFinder } from './issue-finder.ts';
export type { IssueFinder, IssueQuestion } from './issue-finder.ts';
export { createIssueStore } from './issue-store.ts';
export type { IssueStore, ScanRange } from './issue-store.ts';
export { createLedger, startLedgerCarrier } from './ledger.ts';
export type { Ledger, LedgerCarrier } from './ledger.ts';
export type { LedgerBatch, LedgerEntry, LedgerOutcome, LedgerRun, LedgerStage } from './ledger-entry.ts';
export type { StoredRun } from './ledger-store.ts';
export { migrateDispatch } from './migrate.ts';
export { UNCERTAIN_POLICIES } from './schema.ts';
export { createRouteStore } from './route-store.ts';
export type {
  ActiveRoute,
  ActiveRoutes,
  Route,
  RouteDraft,
  RouteStore,
  RouteVersion,
} from './route-store.ts';
export { createStreamFinder } from './stream-finder.ts';
export type { StreamFinder, StreamPicture } from './stream-finder.ts';
export { createStreamStore } from './stream-store.ts';
export type { IntentOutcome, KnownIntent, StreamStore, StreamWrite } from './stream-store.ts';
export type { Claim, ClaimWish } from './claim.ts';
