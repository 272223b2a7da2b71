import type { DispatchStores } from '../../stores/create-dispatch-stores.ts';
import { memoryBacklog } from '../memory-backlog.ts';
import { memoryAppHealth, memoryApps } from './memory-apps.ts';
import { memoryIntents } from './memory-intents.ts';
import { memoryIssues } from './memory-issues.ts';
import { memoryLedger, type MemoryLedger } from './memory-ledger.ts';
import { memoryRoutes } from './memory-routes.ts';
import { memoryDebts, memoryStreamLookUp, memoryStreams } from './memory-streams.ts';
import type { MemoryTables } from './memory-tables.ts';

/** The stores that deliveries and scans work with, over tables in memory. */
export interface MemoryStores extends Omit<
  DispatchStores,
  'storeOnce' | 'issueFinder' | 'streamFinder' | 'ledger'
> {
  readonly ledger: MemoryLedger;
}

/** Makes every store over the same tables; `visibleAfterMs` gives how long after its insert an issue can be read. */
export function createMemoryStores(tables: MemoryTables, visibleAfterMs?: () => number): MemoryStores {
  const backlog = memoryBacklog(tables.now);
  return {
    issues: memoryIssues(tables, visibleAfterMs),
    routes: memoryRoutes(tables),
    connectedApps: memoryApps(tables),
    health: memoryAppHealth(tables),
    streams: memoryStreams(tables),
    streamLookUp: memoryStreamLookUp(tables, backlog),
    intents: memoryIntents(tables),
    backlog,
    debts: memoryDebts(tables),
    ledger: memoryLedger(tables),
  };
}
