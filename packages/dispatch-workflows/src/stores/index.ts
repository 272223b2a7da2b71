export { DispatchError } from '../contract/errors.ts';
export type { DispatchErrorCode } from '../contract/errors.ts';
export { createAppHealthStore } from '../apps/app-health-store.ts';
export type { AppHealth, AppHealthStore } from '../apps/app-health-store.ts';
export { createConnectedAppStore } from '../apps/connected-app-store.ts';
export type {
  ConnectedApp,
  ConnectedAppDraft,
  ConnectedAppStore,
  DeliveryTarget,
  UncertainPolicy,
} from '../apps/connected-app-store.ts';
export { createDebtStore } from '../sweep/debt-store.ts';
export type { DebtPage, DebtStore, ResolveDebt } from '../sweep/debt-store.ts';
export { fingerprintOf, toFingerprint } from '../issues/fingerprint.ts';
export { createIntentStore } from '../delivery/intent-store.ts';
export type { Intent, IntentStore } from '../delivery/intent-store.ts';
export type { NewIssue, StoredIssue } from '../issues/issue.ts';
export { createIssueFinder } from '../issues/issue-finder.ts';
export type { IssueFinder, IssueQuestion } from '../issues/issue-finder.ts';
export { createIssueStore } from '../issues/issue-store.ts';
export type { IssueStore, ScanRange } from '../issues/issue-store.ts';
export { createLedger, startLedgerCarrier } from '../ledger/ledger.ts';
export type { Ledger, LedgerCarrier } from '../ledger/ledger.ts';
export type {
  LedgerBatch,
  LedgerEntry,
  LedgerOutcome,
  LedgerRun,
  LedgerStage,
} from '../ledger/ledger-entry.ts';
export type { StoredRun } from '../ledger/ledger-store.ts';
export { migrateDispatch } from './migrate.ts';
export { UNCERTAIN_POLICIES } from './schema.ts';
export { createRouteStore } from '../routing/route-store.ts';
export type {
  ActiveRoute,
  ActiveRoutes,
  Route,
  RouteDraft,
  RouteStore,
  RouteVersion,
} from '../routing/route-store.ts';
export { createStreamFinder } from '../stream/stream-finder.ts';
export type { StreamFinder, StreamPicture } from '../stream/stream-finder.ts';
export { createStreamStore } from '../stream/stream-store.ts';
export type { IntentOutcome, StreamStore, StreamWrite } from '../stream/stream-store.ts';
export type { Claim, ClaimRequest } from '../delivery/claim-intents.ts';
