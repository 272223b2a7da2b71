import { describeApps } from '../app-contract.ts';
import { describeBacklog } from '../backlog-contract.ts';
import { describeDebts } from '../debt-contract.ts';
import { describeIntents } from '../intent-contract.ts';
import { describeIssues } from '../issue-contract.ts';
import { describeRoutes } from '../route-contract.ts';
import { describeStreams } from '../stream-contract.ts';
import { createMemoryStores } from './create-memory-stores.ts';
import { createMemoryTables } from './memory-tables.ts';

// The same promises as those of the stores over PostgreSQL and ClickHouse, whose suites run the same contracts.
// As in a database, no two statements are at the same moment.
let now = 1_700_000_000_000;
const tables = createMemoryTables(() => (now += 2));
let stores = createMemoryStores(tables);
const age = async (ms: number): Promise<void> => {
  now += ms;
};

describeStreams(() => stores);
describeIntents(() => stores);
describeIssues(() => stores);
describeRoutes(() => stores);
describeApps(() => ({ ...stores, age }));
describeDebts(() => stores);
describeBacklog(() => ({
  get backlog() {
    return stores.backlog;
  },
  age,
  clear: async () => {
    stores = createMemoryStores(tables);
  },
}));
