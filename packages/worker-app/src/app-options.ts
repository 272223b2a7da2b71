import type { LoggerOptions, ServiceHost } from '@heliograph/service';
import type { TemporalClientOptions } from '@heliograph/temporal-worker/client';
import type { App } from './app.ts';
import type { DatabaseOptions, DatabasesOf } from './databases.ts';
import type { ConfigOf, Variables } from './variables.ts';

/** No variables of its own, or no database. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- an object without keys is what is meant
export type None = Record<never, never>;

/** Must be the same for all that start workflows and all that run them. */
export type DataConverter = NonNullable<TemporalClientOptions['dataConverter']>;

/** How an app uses keys of payloads. */
export interface CodecSettings {
  /**
   * The domain that encrypts, for example `dispatch`; payloads of every domain of the ring are decrypted. Left out: the app
   * encrypts nothing, and opens key rings itself, by `openKeyRing`.
   */
  readonly domain?: string;
  /**
   * Whether large payloads are stored outside of histories where HELIOGRAPH_CODEC_CLAIMS names a store; default true. The
   * domain then needs a key with `"use":"claims"`.
   */
  readonly storesLarge?: boolean;
}

/** What a migration receives besides the databases. */
export interface MigrationContext {
  /**
   * For an optional database. Runs the work; if the database is unavailable, resolves all the same and tries again every
   * 5 s. A permanent failure ends the start, or later the app.
   */
  readonly whenAvailable: (what: string, run: () => Promise<unknown>) => Promise<void>;
}

/** What a worker app and an API app have in common. */
export interface AppOptions<TVariables extends Variables, TDatabases extends DatabaseOptions> {
  /** Names the process in logs, traces, database sessions and errors at start. */
  readonly name: string;
  /** The app's package.json, which has its version. */
  readonly packageJson: URL;
  /** The app's own variables; the shared ones are read anyway. */
  readonly variables?: TVariables;
  /** Names that other roles read out of the same environment: no reason for a warning. */
  readonly otherVariables?: readonly string[];
  /** The databases that the app has; one that is not named is neither configured nor connected. */
  readonly databases?: TDatabases;
  /** Brings the schemas up to date, before anything else uses the databases. */
  migrate?(databases: DatabasesOf<TDatabases>, context: MigrationContext): Promise<unknown>;
  /**
   * Encrypts the payloads of every worker and client of this process, with the keys that the variables HELIOGRAPH_CODEC_*
   * name. The workflow bundle has to hold the failure converter of `codec`.
   */
  readonly codec?: CodecSettings;
  /**
   * Makes further payload codecs, which run before the encryption, and the external storage of every worker and client of
   * this process. Converters by path belong into the bundle as well, so a process cannot choose them here alone.
   */
  dataConverter?(app: App<TVariables, TDatabases>): DataConverter | Promise<DataConverter>;
  /**
   * Whether the edge may serve http on another address than loopback; default yes. If not, the app does not start there
   * without a certificate.
   */
  allowsPlainHttp?(config: ConfigOf<TVariables>): boolean;
  /** The process; a test brings its own. */
  readonly host?: ServiceHost;
  /** Where log lines go; default stdout. */
  readonly logDestination?: NonNullable<LoggerOptions['destination']>;
}
