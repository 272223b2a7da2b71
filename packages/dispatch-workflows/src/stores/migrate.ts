import type { ClickHouseClient } from '@clickhouse/client';
import {
  isDatabaseError,
  migrateClickHouse,
  migratePostgres,
  withAdvisoryLock,
  type Postgres,
} from '@heliograph/database';

const MIGRATIONS = new URL('../../migrations/', import.meta.url);

/** Brings both databases of dispatching up to date; any number of processes may do so at once. */
export async function migrateDispatch(postgres: Postgres, clickhouse: ClickHouseClient): Promise<void> {
  await migrateRouting(postgres);
  await migrateIssues(postgres, clickhouse);
}

/** Brings PostgreSQL up to date: all that dispatching keeps there. */
export async function migrateRouting(postgres: Postgres): Promise<void> {
  await migratePostgres(postgres, { schema: 'dispatch', folder: new URL('postgres/', MIGRATIONS) });
}

/**
 * Brings ClickHouse up to date: issues and the decision ledger. The lock in PostgreSQL saves statements that several
 * processes would repeat; every one of them may be repeated, so while PostgreSQL is unavailable this goes without.
 */
export async function migrateIssues(postgres: Postgres, clickhouse: ClickHouseClient): Promise<void> {
  await migrateClickHouse(clickhouse, {
    name: 'dispatch',
    folder: new URL('clickhouse/', MIGRATIONS),
    lock: (run) => lockIfAvailable(postgres, run),
  });
}

async function lockIfAvailable<T>(postgres: Postgres, run: () => Promise<T>): Promise<T> {
  let hasBegun = false;
  try {
    return await withAdvisoryLock(postgres, 'dispatch.clickhouse', () => {
      hasBegun = true;
      return run();
    });
  } catch (error) {
    if (hasBegun || !isDatabaseError(error) || !error.retryable) throw error;
    return run();
  }
}
