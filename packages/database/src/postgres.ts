import { type PostgresJsDatabase, drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { guarded } from './classify-error.ts';
import { shareCodecs } from './postgres-types.ts';
import { makeTransactionsSafe } from './safe-transactions.ts';

/** A connection pool of postgres.js. */
export type Sql = postgres.Sql;

/** Options of {@link connectPostgres}. */
export interface PostgresOptions {
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Default 10. */
  readonly maxConnections?: number;
  /** Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** After this the server cancels a statement; 0 means never. Default 10,000. */
  readonly statementTimeoutMs?: number;
  /** After this the server ends a session that forgot its transaction; default 60,000. */
  readonly idleInTransactionTimeoutMs?: number;
  /** After this an unused connection is closed; default 60,000. */
  readonly idleTimeoutMs?: number;
  /** Receives notices of the server by severity and SQLSTATE, without their text; default nobody. */
  readonly onNotice?: (notice: { readonly severity: string; readonly code: string }) => void;
}

/** Connections to PostgreSQL. */
export interface Postgres {
  /**
   * The pool; errors it throws are the driver's: pass them through `toDatabaseError`. Instants are read as
   * text, as drizzle wants it; Dates, objects (`sql.json`) and arrays of built-in types may be parameters.
   */
  readonly sql: Sql;
  /** drizzle over the same pool. */
  readonly db: PostgresJsDatabase;
  /**
   * Resolves when the server answers.
   *
   * @throws DatabaseError DATABASE_UNAVAILABLE, DATABASE_TIMEOUT
   */
  ping(): Promise<void>;
  /** Opens a pool of its own, of one connection by default, for work that must not wait for the shared one. */
  separate(options?: { readonly maxConnections?: number; readonly statementTimeoutMs?: number }): Sql;
  /** Ends after running queries, at the latest after `timeoutMs` (default 5,000). */
  close(timeoutMs?: number): Promise<void>;
}

/** Prepares connections; they are opened by the first query and again after a failure, within a second. */
export function connectPostgres(options: PostgresOptions): Postgres {
  const sql = open(options);
  const db = drizzle(sql);
  shareCodecs(sql);
  return {
    sql,
    db,
    ping: () =>
      guarded('ping PostgreSQL', async () => {
        await sql`select 1`;
      }),
    separate: (overrides = {}) => open({ ...options, maxConnections: 1, ...overrides }),
    close: (timeoutMs = 5000) => sql.end({ timeout: timeoutMs / 1000 }),
  };
}

function open(options: PostgresOptions): Sql {
  const sql = postgres(options.url, {
    max: options.maxConnections ?? 10,
    connect_timeout: (options.connectTimeoutMs ?? 5000) / 1000,
    idle_timeout: (options.idleTimeoutMs ?? 60_000) / 1000,
    // The default waits up to 20 s before it dials again, which would hide a server that has come back.
    backoff: (retries: number) => Math.min(0.05 * 2 ** retries, 1),
    // See shareCodecs.
    fetch_types: false,
    onnotice: ({ severity, code }) =>
      options.onNotice?.({ severity: severity ?? 'NOTICE', code: code ?? '00000' }),
    connection: {
      application_name: options.applicationName,
      statement_timeout: options.statementTimeoutMs ?? 10_000,
      idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 60_000,
      TimeZone: 'UTC',
    },
  });
  makeTransactionsSafe(sql);
  shareCodecs(sql);
  return sql;
}
