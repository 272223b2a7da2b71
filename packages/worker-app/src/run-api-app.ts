import { loadConfig, runService, type Edge, type ServiceContext } from '@heliograph/service';
import {
  connectClient,
  createTemporalClient,
  lazyClientConnection,
  replaceableConnection,
} from '@heliograph/temporal-worker/client';
import * as v from 'valibot';
import type { AppOptions, None } from './app-options.ts';
import type { ApiApp, TemporalSettings, WithClient } from './app.ts';
import type { DatabaseOptions } from './databases.ts';
import { openPayloadCodec } from './payloads/open-payload-codec.ts';
import { connectApp, observeApp } from './start-app.ts';
import { followTemporalAddress, type AddressSurroundings } from './temporal/follow-temporal-address.ts';
import { apiVariables, temporalVariables, type Variables } from './variables.ts';

/** What an API app says about itself. */
export interface ApiAppOptions<
  TVariables extends Variables,
  TDatabases extends DatabaseOptions,
  TTemporal extends TemporalSettings | undefined,
> extends AppOptions<TVariables, TDatabases> {
  /**
   * Gives the app a Temporal client; without it the app reads no variable about Temporal. The client connects at its
   * first call, so the API starts and is ready while Temporal is unavailable. `callTimeoutMs` defaults to 3,000.
   */
  readonly temporal?: TTemporal;
  /** Creates the HTTP edge from `app.edgeOptions` and adds the routes. */
  edge(app: ApiApp<TVariables, TDatabases, TTemporal>): Edge | Promise<Edge>;
}

/**
 * Runs an API app until SIGTERM, SIGINT or the death of a part, and resolves with the exit code. It starts in this
 * order: configuration, logs and telemetry, keys, databases and migrations, the Temporal client, `edge`, listening. It stops
 * in reverse. A start that fails closes what it had opened and says on stderr what to do.
 */
export function runApiApp<
  const TVariables extends Variables = None,
  const TDatabases extends DatabaseOptions = None,
  const TTemporal extends TemporalSettings | undefined = undefined,
>(options: ApiAppOptions<TVariables, TDatabases, TTemporal>): Promise<number> {
  return runService({
    name: options.name,
    start: (service) => startApiApp(options, service),
    ...(options.host === undefined ? {} : { host: options.host }),
  });
}

async function startApiApp<
  TVariables extends Variables,
  TDatabases extends DatabaseOptions,
  TTemporal extends TemporalSettings | undefined,
>(options: ApiAppOptions<TVariables, TDatabases, TTemporal>, service: ServiceContext): Promise<void> {
  const { temporal } = options;
  const observed = observeApp(options, { temporal: temporal !== undefined, worker: false }, service);
  const addEncryption = await openPayloadCodec({
    ...observed.app,
    domain: temporal === undefined ? undefined : options.codec?.domain,
    storesLarge: options.codec?.storesLarge ?? true,
    env: service.env,
  });
  const connected = await connectApp(options, observed, service);
  service.draining.throwIfAborted();
  const client =
    temporal === undefined
      ? {}
      : await connectLazily(
          temporal,
          observed.app,
          service,
          addEncryption(await options.dataConverter?.(connected)),
        );
  // There is a client exactly when `temporal` was given.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const app = { ...connected, ...client, edgeOptions: observed.edgeOptions() } as ApiApp<
    TVariables,
    TDatabases,
    TTemporal
  >;
  const server = await observed.serve(await options.edge(app));
  service.setDrainDelay(loadConfig(v.object(apiVariables), service.env).HELIOGRAPH_DRAIN_MS);
  observed.app.logger.info({ url: server.url }, 'listening');
}

async function connectLazily(
  settings: TemporalSettings,
  app: Pick<AddressSurroundings, 'logger' | 'telemetry'>,
  service: ServiceContext,
  dataConverter: Parameters<typeof createTemporalClient>[0]['dataConverter'],
): Promise<WithClient> {
  const config = loadConfig(v.object(temporalVariables), service.env);
  const { env } = service;
  const register: AddressSurroundings['register'] = (part) => service.register(part);
  // Only a connection that works replaces one, though the first may be made while Temporal is away.
  const address = await followTemporalAddress(config, { ...app, env, register }, async (next) =>
    temporal.replace(await connectClient(next)),
  );
  const temporal = replaceableConnection(lazyClientConnection(address));
  service.register({ name: 'temporal', stop: () => temporal.close() });
  return {
    client: createTemporalClient({
      callTimeoutMs: 3000,
      ...settings,
      connection: temporal.connection,
      namespace: config.HELIOGRAPH_TEMPORAL_NAMESPACE,
      ...(dataConverter === undefined ? {} : { dataConverter }),
    }),
  };
}
