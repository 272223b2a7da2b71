import type { ClickHouseClient } from '@clickhouse/client';
import { migrateClickHouse, migratePostgres, withAdvisoryLock, type Postgres } from '@heliograph/database';

const MIGRATIONS = new URL('../../migrations/', import.meta.url);

/** Brings both databases of dispatching up to date; any number of processes may do so at once. */
export async function migrateDispatch(postgres: Postgres, clickhouse: ClickHouseClient): Promise<void> {
  await migratePostgres(postgres, { schema: 'dispatch', folder: new URL('postgres/', MIGRATIONS) });
  await migrateClickHouse(clickhouse, {
    name: 'dispatch',
    folder: new URL('clickhouse/', MIGRATIONS),
    lock: (run) => withAdvisoryLock(postgres, 'dispatch.clickhouse', run),
  });
}
