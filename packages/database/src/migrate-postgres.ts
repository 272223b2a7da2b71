import type postgres from 'postgres';
import { classifyError, guarded, toDatabaseError } from './classify-error.ts';
import { DatabaseError } from './errors.ts';
import {
  type AppliedMigration,
  type Migration,
  type MigrationResult,
  pendingMigrations,
  readMigrations,
} from './migration-files.ts';
import type { Postgres } from './postgres.ts';

/** Options of {@link migratePostgres}. */
export interface PostgresMigrationOptions {
  /** The schema that the package owns; it is created. Lower case, digits and underscores. */
  readonly schema: string;
  readonly folder: string | URL;
  /** How long to wait for another migrator; default 60,000 ms. */
  readonly lockWaitMs?: number;
  /** Called after each file, outside its transaction. */
  readonly onApplied?: (name: string) => void;
}

/**
 * Brings a package's schema up to date, forward only: each pending file in one transaction, which also takes
 * the advisory lock of the schema and records the file, so that any number of processes may do this at once
 * and a failing file leaves nothing behind. Applied files are in `<schema>.schema_migrations`. Where nothing is to be done,
 * nothing is written and nobody waits: a role that may only use the schema, and read that table, suffices.
 *
 * @throws DatabaseError DATABASE_MIGRATION_CHANGED, DATABASE_MIGRATION_AHEAD, DATABASE_MIGRATION_INVALID,
 * DATABASE_MIGRATION_FAILED, or DATABASE_UNAVAILABLE and DATABASE_TIMEOUT, which are retryable.
 */
export async function migratePostgres(
  pg: Pick<Postgres, 'separate'>,
  options: PostgresMigrationOptions,
): Promise<MigrationResult> {
  const { schema, folder, lockWaitMs = 60_000 } = options;
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(schema)) {
    throw new DatabaseError(
      'DATABASE_MIGRATION_INVALID',
      `${JSON.stringify(schema)} is no name for a schema of ours`,
    );
  }
  const files = await readMigrations(folder);
  const sql = pg.separate({ statementTimeoutMs: 0 });
  try {
    if (await isCurrent(sql, schema, files))
      return { applied: [], alreadyApplied: files.map(({ name }) => name) };
    await guarded(`prepare the schema ${schema}`, async () => {
      await sql.begin(async (tx) => {
        await takeLock(tx, schema, lockWaitMs);
        await tx`create schema if not exists ${tx(schema)}`;
        await tx`create table if not exists ${tx(schema)}.schema_migrations (
          version integer primary key,
          name text not null,
          checksum text not null,
          applied_at timestamptz not null default now()
        )`;
      });
    });
    const applied: string[] = [];
    for (;;) {
      const name = await applyNext(sql, schema, files, lockWaitMs);
      if (name === undefined) break;
      applied.push(name);
      options.onApplied?.(name);
    }
    const own = new Set(applied);
    return { applied, alreadyApplied: files.map(({ name }) => name).filter((name) => !own.has(name)) };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function isCurrent(sql: postgres.Sql, schema: string, files: readonly Migration[]): Promise<boolean> {
  const rows = await guarded(`read the migrations of the schema ${schema}`, async () => {
    const table = `${schema}.schema_migrations`;
    const [found] = await sql<{ is_readable: boolean | null }[]>`
      select has_table_privilege(to_regclass(${table}), 'select') as is_readable`;
    // Who may not read it cannot be told that it is current; what follows says what is missing.
    return found?.is_readable === true
      ? await sql<AppliedMigration[]>`
          select version, name, checksum from ${sql(schema)}.schema_migrations order by version`
      : null;
  });
  return rows !== null && pendingMigrations(files, rows, `the schema ${schema}`).length === 0;
}

async function applyNext(
  sql: postgres.Sql,
  schema: string,
  files: readonly Migration[],
  lockWaitMs: number,
): Promise<string | undefined> {
  let running: { readonly name: string; readonly statement: number } | undefined;
  try {
    return await sql.begin(async (tx) => {
      await takeLock(tx, schema, lockWaitMs);
      const rows = await tx<
        AppliedMigration[]
      >`select version, name, checksum from ${tx(schema)}.schema_migrations order by version`;
      const [next] = pendingMigrations(files, rows, `the schema ${schema}`);
      if (next === undefined) return undefined;
      for (const [index, statement] of next.statements.entries()) {
        if (createsSchema(statement, schema)) continue;
        running = { name: next.name, statement: index + 1 };
        await tx.unsafe(statement);
      }
      running = undefined;
      await tx`insert into ${tx(schema)}.schema_migrations ${tx({ version: next.version, name: next.name, checksum: next.checksum })}`;
      return next.name;
    });
  } catch (error) {
    const what =
      running === undefined
        ? `migrate the schema ${schema}`
        : `migration ${running.name} of the schema ${schema}, statement ${running.statement}`;
    throw toMigrationError(error, what);
  }
}

// drizzle-kit begins with CREATE SCHEMA, but the table of migrations needed the schema before.
function createsSchema(statement: string, schema: string): boolean {
  return new RegExp(`^create schema "?${schema}"?;?$`, 'i').test(statement);
}

/** Keeps what a retry can mend apart from what somebody has to mend. */
export function toMigrationError(error: unknown, what: string): DatabaseError {
  const kind = classifyError(error);
  const found = toDatabaseError(error, what);
  if (kind === 'unavailable' || kind === 'timeout' || found === error) return found;
  return new DatabaseError('DATABASE_MIGRATION_FAILED', found.message, {
    cause: found,
    ...(found.driverCode === undefined ? {} : { driverCode: found.driverCode }),
  });
}

// A lock of the transaction, not of the session: postgres.js may replace a broken connection unseen.
async function takeLock(tx: postgres.TransactionSql, schema: string, waitMs: number): Promise<void> {
  await tx`select set_config('lock_timeout', ${String(waitMs)}, true)`;
  await tx`select pg_advisory_xact_lock(hashtextextended(${`migrate:${schema}`}, 0))`;
  // The schema comes first so that a migration may leave it out; what it creates must not land in public.
  await tx`select set_config('search_path', ${`${schema}, public`}, true), set_config('lock_timeout', '0', true)`;
}
