import {
  type ClickHouseClient,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  type ErrorLogParams,
  type Logger,
  type WarnLogParams,
  createClient,
} from '@clickhouse/client';
import { guarded, toDatabaseError } from './classify-error.ts';
import { createGatewayAgent } from './gateway-agent.ts';

/** What the client wanted to log, without its text: ClickHouse's messages quote rows. */
export interface ClickHouseNotice {
  readonly level: 'warn' | 'error';
  readonly module: string;
  /** ClickHouse's error number or a socket error. */
  readonly code?: string;
  /** ClickHouse's name of the error, such as UNKNOWN_TABLE. */
  readonly type?: string;
}

/** Options of {@link connectClickHouse}. */
export interface ClickHouseOptions {
  /** May hold user, password and, as its path, the database. */
  readonly url: string;
  /** Shown in the server's query log. */
  readonly application: string;
  readonly database?: string;
  /** Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Default 10. */
  readonly maxOpenConnections?: number;
  /** gzip in both directions; worth it across machines, not on one. Default false. */
  readonly compression?: boolean;
  /** Receives the client's warnings and errors; default nobody. */
  readonly onNotice?: (notice: ClickHouseNotice) => void;
  /** Settings of every request, on top of ours. */
  readonly settings?: ClickHouseSettings;
}

/**
 * Creates an unmodified client of @clickhouse/client that never writes to the console and reads ISO instants.
 * Errors it throws are the driver's: pass them through `toDatabaseError`.
 */
export function connectClickHouse(options: ClickHouseOptions): ClickHouseClient {
  const { onNotice, compression = false, maxOpenConnections = 10 } = options;
  const notify = (level: 'warn' | 'error', { module, err }: WarnLogParams | ErrorLogParams): void => {
    if (onNotice === undefined) return;
    const code = textOf(err, 'code');
    const type = textOf(err, 'type');
    onNotice({
      level,
      module,
      ...(code === undefined ? {} : { code }),
      ...(type === undefined ? {} : { type }),
    });
  };
  class QuietLogger implements Logger {
    trace(): void {}
    debug(): void {}
    info(): void {}
    warn(params: WarnLogParams): void {
      notify('warn', params);
    }
    error(params: ErrorLogParams): void {
      notify('error', params);
    }
  }
  return createClient({
    url: options.url,
    application: options.application,
    ...(options.database === undefined ? {} : { database: options.database }),
    request_timeout: options.requestTimeoutMs ?? 30_000,
    max_open_connections: maxOpenConnections,
    http_agent: createGatewayAgent(new URL(options.url).protocol, {
      keepAlive: true,
      maxSockets: maxOpenConnections,
    }),
    compression: { request: compression, response: compression },
    // Servers close idle sockets after 3 s by default in old versions; ours must be the first to do so.
    keep_alive: { enabled: true, idle_socket_ttl: 2000, eagerly_destroy_stale_sockets: true },
    log: { LoggerClass: QuietLogger, level: ClickHouseLogLevel.WARN },
    clickhouse_settings: { date_time_input_format: 'best_effort', ...options.settings },
  });
}

/**
 * Creates the database that the options name, if it is not there. Needed before the first use, because a
 * server refuses every query of a client whose database does not exist.
 *
 * @throws DatabaseError
 */
export async function createClickHouseDatabase(options: ClickHouseOptions): Promise<void> {
  const url = new URL(options.url);
  const database = options.database ?? decodeURIComponent(url.pathname.slice(1));
  if (database === '') return;
  url.pathname = '/';
  const { database: _, ...rest } = options;
  const client = connectClickHouse({ ...rest, url: url.href });
  try {
    await guarded(`create the ClickHouse database ${database}`, () =>
      client.command({
        query: 'CREATE DATABASE IF NOT EXISTS {database:Identifier}',
        query_params: { database },
      }),
    );
  } finally {
    await client.close();
  }
}

/**
 * Resolves when the server answers a query.
 *
 * @throws DatabaseError DATABASE_UNAVAILABLE, DATABASE_TIMEOUT
 */
export async function pingClickHouse(client: ClickHouseClient, signal?: AbortSignal): Promise<void> {
  await guarded('ping ClickHouse', async () => {
    const result = await client.ping({
      select: true,
      ...(signal === undefined ? {} : { abort_signal: signal }),
    });
    if (!result.success) throw toDatabaseError(result.error, 'ping ClickHouse');
  });
}

function textOf(holder: unknown, key: string): string | undefined {
  if (typeof holder !== 'object' || holder === null) return undefined;
  const value: unknown = Reflect.get(holder, key);
  return typeof value === 'string' ? value : undefined;
}
