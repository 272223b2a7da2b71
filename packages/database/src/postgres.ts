import { type PostgresJsDatabase, drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { guarded } from './classify-error.ts';
import { createConnectionPool } from './connection-pool.ts';
import { shareCodecs } from './postgres-types.ts';

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
  /**
   * After this a query or a statement of a transaction that has no answer, for example because its connection went
   * silent, rejects with DATABASE_TIMEOUT, and its connection is destroyed; the wait for a connection counts. 0 means
   * never. Default 2,000 more than `statementTimeoutMs`, and 0 if that is 0.
   */
  readonly queryTimeoutMs?: number;
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
  separate(
    options?: Pick<
      PostgresOptions,
      'maxConnections' | 'connectTimeoutMs' | 'statementTimeoutMs' | 'queryTimeoutMs'
    >,
  ): Sql;
  /** Ends after running queries, at the latest after `timeoutMs` (default 5,000). */
  close(timeoutMs?: number): Promise<void>;
}

/** Prepares connections; they are opened by the first query and again after a failure, within a second. */
export function connectPostgres(options: PostgresOptions): Postgres {
  const sql = open(options);
  return {
    sql,
    db: queryWith(sql),
    ping: () =>
      guarded('ping PostgreSQL', async () => {
        await sql`select 1`;
      }),
    separate: (overrides = {}) => open({ ...options, maxConnections: 1, ...overrides }),
    close: (timeoutMs = 5000) => sql.end({ timeout: timeoutMs / 1000 }),
  };
}

/** drizzle over a pool, such as a separate one; other queries of the pool keep working. */
export function queryWith(sql: Sql): PostgresJsDatabase {
  const db = drizzle(sql);
  shareCodecs(sql);
  return db;
}

function open(options: PostgresOptions): Sql {
  const statementTimeoutMs = options.statementTimeoutMs ?? 10_000;
  const connectTimeoutMs = options.connectTimeoutMs ?? 5000;
  const base = postgres(options.url, {
    max: 1,
    connect_timeout: connectTimeoutMs / 1000,
    // The pool decides when a connection ends.
    max_lifetime: null,
    keep_alive: 10,
    // See shareCodecs.
    fetch_types: false,
    onnotice: ({ severity, code }) =>
      options.onNotice?.({ severity: severity ?? 'NOTICE', code: code ?? '00000' }),
    connection: {
      application_name: options.applicationName,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 60_000,
      TimeZone: 'UTC',
      // What is read here has these forms, whatever database or role default to.
      DateStyle: 'ISO, MDY',
      bytea_output: 'hex',
    },
  });
  shareCodecs(base);
  return createConnectionPool(base, {
    maxConnections: options.maxConnections ?? 10,
    connectTimeoutMs,
    queryTimeoutMs: options.queryTimeoutMs ?? (statementTimeoutMs === 0 ? 0 : statementTimeoutMs + 2000),
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    probeAfterMs: 5000,
  });
}
