import type {
  ClickHouseClient,
  ClickHouseClientConfigOptions,
  ClickHouseSettings,
  DataFormat,
} from '@clickhouse/client';

export type Client = ClickHouseClient;

/** What a case works with. */
export interface CaseContext {
  /** Of the run's own database. */
  readonly client: Client;
  /** Opens one more client, which is closed after the case. */
  readonly connect: (options?: ClickHouseClientConfigOptions) => Client;
  /** With credentials. */
  readonly url: string;
  readonly database: string;
  /** Creates an empty MergeTree table and gives its name. */
  readonly table: (columns: string, options?: string) => Promise<string>;
  readonly rows: (sql: string) => Promise<readonly (readonly unknown[])[]>;
  /** False on a real server. */
  readonly isFront: boolean;
}

/** One request and its answer. */
export interface QueryCase {
  readonly name: string;
  readonly query: string;
  /** Default JSONCompactEachRow. */
  readonly format?: DataFormat;
  readonly params?: Record<string, unknown>;
  readonly settings?: ClickHouseSettings;
  /** The parsed answer. */
  readonly json?: unknown;
  /** The answer as it is. */
  readonly text?: string;
}

/** One request that must be refused. */
export interface ErrorCase {
  readonly name: string;
  readonly query: string;
  readonly code: string;
  readonly type?: string;
  readonly params?: Record<string, unknown>;
  readonly settings?: ClickHouseSettings;
}

/** Several requests; `run` throws when something is wrong. */
export interface ActionCase {
  readonly name: string;
  readonly run: (context: CaseContext) => Promise<void>;
}

/** `frontOnly` says why a real server is not asked. */
export type FrontCase = (QueryCase | ErrorCase | ActionCase) & { readonly frontOnly?: string };
