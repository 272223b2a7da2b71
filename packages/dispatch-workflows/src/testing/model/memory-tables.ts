import type { ConnectedApp } from '../../apps/connected-app-store.ts';
import type { StoredIssue } from '../../issues/issue.ts';
import type { LedgerBatch, LedgerEntry, LedgerRun } from '../../ledger/ledger-entry.ts';
import type { Route, RouteVersion } from '../../routing/route-store.ts';
import type { MemoryIntent } from '../memory-intents.ts';
import type { StreamKey, StreamState } from '../../contract/stream-state.ts';
import { type Position, positionAt } from '../../contract/position.ts';

/** A row of `dispatch.stream_state`. */
export interface StreamRow {
  readonly stream: StreamKey;
  readonly state: StreamState;
  readonly updatedAt: number;
}

/** A row of `dispatch.delivery_intents`. */
export interface IntentRow extends MemoryIntent {
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A row of `dispatch.connected_app_health`. */
export interface HealthRow {
  /** The target of the app that this was learned about. */
  readonly targetVersion: number;
  readonly throttledUntil: number | null;
  readonly failure: { readonly code: string; readonly status: number | null; readonly since: number } | null;
}

/** A connected app with its secret, without what is known of its health. */
export interface AppRow {
  readonly app: Omit<ConnectedApp, 'health'>;
  readonly secret: string;
}

/** A row of `issues`; it has a position from when it is inserted, and can be read a little later. */
export interface IssueRow {
  readonly issue: StoredIssue;
  readonly visibleAt: number;
}

/**
 * What dispatching keeps in its databases, in memory. The stores over it pass the same contracts as those over PostgreSQL
 * and ClickHouse; a store changes it in one go, as a statement does.
 */
export interface MemoryTables {
  /** The clock of the databases, in milliseconds since the epoch. */
  readonly now: () => number;
  readonly streams: Map<string, StreamRow>;
  readonly intents: Map<string, IntentRow>;
  readonly apps: Map<string, AppRow>;
  readonly health: Map<string, HealthRow>;
  readonly routes: Map<string, Route>;
  readonly routeHistory: RouteVersion[];
  outbox: LedgerBatch[];
  /** In the order of positions. */
  readonly issues: IssueRow[];
  readonly insertTokens: Set<string>;
  /** By id: what is written twice counts once. */
  readonly ledger: Map<string, LedgerEntry>;
  readonly runs: LedgerRun[];
  nextPosition(): Position;
}

/** Empty tables on a clock. */
export function createMemoryTables(now: () => number): MemoryTables {
  let last = 0n;
  return {
    now,
    streams: new Map(),
    intents: new Map(),
    apps: new Map(),
    health: new Map(),
    routes: new Map(),
    routeHistory: [],
    outbox: [],
    issues: [],
    insertTokens: new Set(),
    ledger: new Map(),
    runs: [],
    nextPosition() {
      const next = BigInt(positionAt(now()));
      last = next > last ? next : last + 1n;
      return last.toString();
    },
  };
}
