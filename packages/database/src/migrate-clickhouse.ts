import type { ClickHouseClient } from '@clickhouse/client';
import { guarded } from './classify-error.ts';
import { DatabaseError } from './errors.ts';
import { toMigrationError } from './migrate-postgres.ts';
import {
  type AppliedMigration,
  type Migration,
  type MigrationResult,
  pendingMigrations,
  readMigrations,
} from './migration-files.ts';

/** Options of {@link migrateClickHouse}. */
export interface ClickHouseMigrationOptions {
  /** Whose migrations these are: several packages may share a database. Lower case, digits, `_` and `-`. */
  readonly name: string;
  readonly folder: string | URL;
  /** Keeps other migrators away, best by `withAdvisoryLock`; without it two at once repeat statements. */
  readonly lock?: <T>(run: () => Promise<T>) => Promise<T>;
  /** Called after each file. */
  readonly onApplied?: (name: string) => void;
}

/**
 * Brings a package's tables in the client's database up to date, forward only. ClickHouse has no transactions
 * for this, so every statement must be safe to repeat (IF NOT EXISTS, IF EXISTS): a file is recorded, in the
 * table `schema_migrations`, after all its statements passed, and is begun again otherwise.
 *
 * @throws DatabaseError with the codes of `migratePostgres`.
 */
export async function migrateClickHouse(
  client: ClickHouseClient,
  options: ClickHouseMigrationOptions,
): Promise<MigrationResult> {
  const { name, folder, lock = (run) => run() } = options;
  if (!/^[a-z][a-z0-9_-]{0,62}$/.test(name)) {
    throw new DatabaseError(
      'DATABASE_MIGRATION_INVALID',
      `${JSON.stringify(name)} is no name for an owner of migrations`,
    );
  }
  const files = await readMigrations(folder);
  return lock(async () => {
    const rows = await guarded(`read the ClickHouse migrations of ${name}`, () => readApplied(client, name));
    const pending = pendingMigrations(files, rows, `${name} in ClickHouse`);
    const applied: string[] = [];
    for (const migration of pending) {
      await apply(client, name, migration);
      applied.push(migration.name);
      options.onApplied?.(migration.name);
    }
    return {
      applied,
      alreadyApplied: files.map((file) => file.name).filter((file) => !applied.includes(file)),
    };
  });
}

async function readApplied(client: ClickHouseClient, owner: string): Promise<readonly AppliedMigration[]> {
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS schema_migrations (
      owner LowCardinality(String), version UInt32, name String, checksum String,
      applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
    ) ENGINE = ReplacingMergeTree(applied_at) ORDER BY (owner, version)`,
  });
  const result = await client.query({
    query: `SELECT version, name, checksum FROM schema_migrations FINAL WHERE owner = {owner:String} ORDER BY version`,
    query_params: { owner },
    format: 'JSONEachRow',
  });
  return result.json<AppliedMigration>();
}

async function apply(client: ClickHouseClient, owner: string, migration: Migration): Promise<void> {
  let statement = 0;
  try {
    for (const query of migration.statements) {
      statement += 1;
      await client.command({ query, clickhouse_settings: { wait_end_of_query: 1 } });
    }
    const { version, name, checksum } = migration;
    await client.insert({
      table: 'schema_migrations',
      values: [{ owner, version, name, checksum }],
      format: 'JSONEachRow',
    });
  } catch (error) {
    throw toMigrationError(
      error,
      `migration ${migration.name} of ${owner} in ClickHouse, statement ${statement}`,
    );
  }
}
