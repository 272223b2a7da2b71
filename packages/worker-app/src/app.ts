import type { Client } from '@temporalio/client';
import type { KeyRing } from '@heliograph/codec/codecs';
import type { EdgeOptions, Logger, ReadinessCheck, ServicePart, Telemetry } from '@heliograph/service';
import type { TemporalClientOptions } from '@heliograph/temporal-worker/client';
import type { DatabaseOptions, DatabasesOf } from './databases.ts';
import type { StoredPayloads } from './payloads/open-stored-payloads.ts';
import type { ConfigOf, Variables } from './variables.ts';

/** How an app uses Temporal, besides the address, which comes from variables. */
export type TemporalSettings = Pick<TemporalClientOptions, 'callTimeoutMs' | 'traceStarts'>;

/** What every app has. */
export interface AppBase<TVariables extends Variables> {
  readonly name: string;
  readonly version: string;
  /** The values of the app's own variables. */
  readonly config: ConfigOf<TVariables>;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Is aborted when the app begins to stop: loops end then. */
  readonly draining: AbortSignal;
  /** Has a part stopped when the app stops, or when its start fails later on; the last one registered comes first. */
  readonly register: (part: ServicePart) => void;
  /** Reports that a part died: the app stops in order and exits with 1. */
  readonly fail: (error: unknown) => void;
  /** Adds a check to those of the databases and, in a worker, of the workers. */
  readonly addReadiness: (check: ReadinessCheck) => void;
  /**
   * Opens the keys that the variables HELIOGRAPH_CODEC_* name, for the payloads of a namespace, and closes them when the app
   * stops. For an app that declares a `codec`.
   *
   * @throws {ConfigError} naming the variable, also if there are no keys.
   */
  readonly openKeyRing: (namespace: string) => Promise<KeyRing>;
  /**
   * Opens the store of large payloads that HELIOGRAPH_CODEC_CLAIMS names, and their register, and closes them when the app
   * stops; null without the variable. For an app that declares a `codec`.
   *
   * @throws {ConfigError} for a store that cannot be opened.
   */
  readonly openStoredPayloads: () => Promise<StoredPayloads | null>;
}

/** A starting app: its configuration, logs, telemetry, and the databases it declared. */
export type App<TVariables extends Variables, TDatabases extends DatabaseOptions> = AppBase<TVariables> &
  DatabasesOf<TDatabases>;

/** What Temporal adds. */
export interface WithClient {
  readonly client: Client;
}

/** A starting worker app. */
export type WorkerApp<TVariables extends Variables, TDatabases extends DatabaseOptions> = App<
  TVariables,
  TDatabases
> &
  WithClient;

/** A starting API app; it has a client when its options say `temporal`. */
export type ApiApp<
  TVariables extends Variables,
  TDatabases extends DatabaseOptions,
  TTemporal extends TemporalSettings | undefined,
> = App<TVariables, TDatabases> &
  (TTemporal extends undefined ? unknown : WithClient) & {
    /** Name, logs, telemetry, readiness and `isUnavailable`, for `createEdge`. */
    readonly edgeOptions: EdgeOptions;
  };
