import type { ClickHouseClient } from '@clickhouse/client';
import type { Postgres, Sealer } from '@heliograph/database';
import { type AppHealthStore, createAppHealthStore } from '../apps/app-health-store.ts';
import { type ConnectedAppStore, createConnectedAppStore } from '../apps/connected-app-store.ts';
import { createIntentStore, type IntentStore } from '../delivery/intent-store.ts';
import { createIssueFinder, type IssueFinder } from '../issues/issue-finder.ts';
import { createIssueStore, type IssueStore } from '../issues/issue-store.ts';
import { createStoreOnce } from '../issues/store-once.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import { createRouteStore, type RouteStore } from '../routing/route-store.ts';
import { type BacklogStore, createBacklogStore } from '../scan/backlog-store.ts';
import { createStreamLookUp, type StreamLookUp } from '../scan/stream-look-up.ts';
import { createStreamFinder, type StreamFinder } from '../stream/stream-finder.ts';
import { createStreamStore, type StreamStore } from '../stream/stream-store.ts';
import { createDebtStore, type DebtStore } from '../sweep/debt-store.ts';

/** Every store of dispatching. */
export interface DispatchStores {
  readonly issues: IssueStore;
  /** Stores what was reported, each event once. */
  readonly storeOnce: ReturnType<typeof createStoreOnce>;
  readonly issueFinder: IssueFinder;
  readonly routes: RouteStore;
  readonly connectedApps: ConnectedAppStore;
  readonly health: AppHealthStore;
  readonly streams: StreamStore;
  readonly streamFinder: StreamFinder;
  readonly streamLookUp: StreamLookUp;
  readonly intents: IntentStore;
  readonly backlog: BacklogStore;
  readonly debts: DebtStore;
  readonly ledger: Ledger;
}

/** What the stores are made of. */
export interface DispatchDatabases {
  /** Migrated by `migrateDispatch`, as is the other. */
  readonly postgres: Pick<Postgres, 'db' | 'sql'>;
  /** Connected to the database of the issues. */
  readonly clickhouse: ClickHouseClient;
  /** Seals and opens the secrets of connected apps. */
  readonly sealer: Sealer;
}

/** Makes every store of dispatching over its two databases; it connects to neither. */
export function createDispatchStores({ postgres, clickhouse, sealer }: DispatchDatabases): DispatchStores {
  const issues = createIssueStore(clickhouse);
  return {
    issues,
    storeOnce: createStoreOnce(issues),
    issueFinder: createIssueFinder(clickhouse),
    routes: createRouteStore(postgres),
    connectedApps: createConnectedAppStore(postgres, sealer),
    health: createAppHealthStore(postgres),
    streams: createStreamStore(postgres),
    streamFinder: createStreamFinder(postgres),
    streamLookUp: createStreamLookUp(postgres),
    intents: createIntentStore(postgres),
    backlog: createBacklogStore(postgres),
    debts: createDebtStore(postgres, clickhouse, issues),
    ledger: createLedger(postgres, clickhouse),
  };
}
