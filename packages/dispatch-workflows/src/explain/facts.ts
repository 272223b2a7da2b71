import type { IssueStatus, ScanCursor } from '../contract.ts';
import type { ConnectedApp } from '../stores/connected-app-store.ts';
import type { Intent } from '../stores/intent-store.ts';
import type { StoredIssue } from '../stores/issue.ts';
import type { LedgerEntry } from '../stores/ledger-entry.ts';
import type { StoredRun } from '../stores/ledger-store.ts';
import type { RouteVersion } from '../stores/route-store.ts';
import type { StreamPicture } from '../stores/stream-finder.ts';

/** What an explanation needs of a connected app. */
export type AppPicture = Pick<ConnectedApp, 'id' | 'name' | 'provider' | 'enabled'> & {
  readonly health: Pick<ConnectedApp['health'], 'throttledForMs'>;
};

/** Everything that an explanation is made of. Instants are milliseconds since the epoch. */
export interface ExplainFacts {
  readonly fingerprint: string;
  /** The instant that was asked for. */
  readonly at: number;
  readonly now: number;
  /** The issue that is explained. */
  readonly key: ScanCursor;
  /** Null where its row is gone. */
  readonly issue: StoredIssue | null;
  /** The newest issue of the fingerprint at present; null where no row is left. */
  readonly newest: { readonly position: string; readonly status: IssueStatus } | null;
  /** Every ledger entry about the issue, that it was seen among them. */
  readonly entries: readonly LedgerEntry[];
  /** Runs of silent decisions around the issue. */
  readonly runs: readonly StoredRun[];
  /** The routes at the revision with which the issue was scanned; null where no scan saw it. */
  readonly routesThen: readonly RouteVersion[] | null;
  readonly routesNow: readonly RouteVersion[];
  readonly intents: readonly Intent[];
  /** Every stream of the fingerprint that has a state. */
  readonly streams: readonly StreamPicture[];
  readonly apps: readonly AppPicture[];
}
