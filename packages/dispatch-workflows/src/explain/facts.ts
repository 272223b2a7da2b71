import type { IssueStatus } from '../contract/issue-signal.ts';
import type { ScanCursor } from '../contract/scan-state.ts';
import type { ConnectedApp } from '../apps/connected-app-store.ts';
import type { Intent } from '../delivery/intent-store.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { LedgerEntry } from '../ledger/ledger-entry.ts';
import type { BacklogEntry } from '../scan/backlog-store.ts';
import type { StoredRun } from '../ledger/ledger-store.ts';
import type { RouteVersion } from '../routing/route-store.ts';
import type { StreamPicture } from '../stream/stream-finder.ts';

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
  /** When the row that was asked for was stored, if it repeats the event of the one that is explained; else null. */
  readonly repeatedAt: number | null;
  /** Null if its row is gone. */
  readonly issue: StoredIssue | null;
  /** The newest issue of the fingerprint at present; null if no row is left. */
  readonly newest: { readonly position: string; readonly status: IssueStatus } | null;
  /** Every ledger entry about the issue, that it was seen among them. */
  readonly entries: readonly LedgerEntry[];
  /** Runs of silent decisions around the issue. */
  readonly runs: readonly StoredRun[];
  /** The routes at the revision with which the issue was scanned; null if no scan saw it. */
  readonly routesThen: readonly RouteVersion[] | null;
  readonly routesNow: readonly RouteVersion[];
  readonly intents: readonly Intent[];
  /** Every stream of the fingerprint that has a state. */
  readonly streams: readonly StreamPicture[];
  /** The streams of the fingerprint that wait in the backlog. */
  readonly backlog: readonly BacklogEntry[];
  readonly apps: readonly AppPicture[];
}
