import { readFileSync } from 'node:fs';
import { isDatabaseError, isUnavailable } from '@heliograph/database';
import {
  createLogger,
  listen,
  loadConfig,
  startTelemetry,
  type Edge,
  type EdgeOptions,
  type Env,
  type HttpServer,
  type ReadinessCheck,
  type ServiceContext,
  type TelemetryOptions,
} from '@heliograph/service';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import * as v from 'valibot';
import type { App, AppBase } from './app.ts';
import type { AppOptions } from './app-options.ts';
import { openDatabases, type DatabaseOptions } from './databases.ts';
import { assertLoopback, edgeTls } from './edge-tls.ts';
import { loadAppConfig, unknownVariablesOf, type RoleVariables } from './load-app-config.ts';
import { openKeyRing } from './payloads/open-key-ring.ts';
import { openStoredPayloads } from './payloads/open-stored-payloads.ts';
import { createClickHouseSpanExporter } from './traces/clickhouse-span-exporter.ts';
import { codecVariables, databaseVariables, processVariables, type Variables } from './variables.ts';
import { createWhenAvailable } from './when-available.ts';

/** What both kinds of app begin with. */
export interface Observed<TVariables extends Variables> {
  readonly app: AppBase<TVariables>;
  /** For the HTTP edge, with the readiness checks that were added so far. */
  edgeOptions(): EdgeOptions;
  /** Serves the edge; readiness checks that are added later on reach it. */
  serve(edge: Edge): Promise<HttpServer>;
}

/** Checks the configuration, then starts logs and telemetry. `@throws {ConfigError}` naming every wrong variable. */
export function observeApp<TVariables extends Variables, TDatabases extends DatabaseOptions>(
  options: AppOptions<TVariables, TDatabases>,
  role: RoleVariables,
  service: ServiceContext,
  extra: Pick<TelemetryOptions, 'extraMetrics'> = {},
): Observed<TVariables> {
  const { name, logDestination } = options;
  const config = loadAppConfig(options, role, service.env);
  const shared = loadConfig(v.object(processVariables), service.env);
  const version = readVersion(options.packageJson);
  const logger = createLogger({
    name,
    version,
    level: shared.HELIOGRAPH_LOG_LEVEL,
    ...(logDestination === undefined ? {} : { destination: logDestination }),
  });
  service.useLogger(logger);
  const variables = unknownVariablesOf(options, service.env);
  if (variables.length > 0) logger.warn({ variables }, 'unknown environment variables have no effect');
  const telemetry = startTelemetry({
    serviceName: name,
    version,
    otlpEndpoint: shared.OTEL_EXPORTER_OTLP_ENDPOINT,
    spanExporters: shared.HELIOGRAPH_TRACES_IN_CLICKHOUSE ? [openSpanExporter(name, service.env)] : [],
    onWarning: (message) => logger.warn({ component: 'telemetry' }, message),
    ...extra,
  });
  service.register({ name: 'telemetry', stop: () => telemetry.shutdown() });

  const readiness: ReadinessCheck[] = [];
  let served: Edge | undefined;
  return {
    app: {
      name,
      version,
      config,
      logger,
      telemetry,
      draining: service.draining,
      register: (part) => service.register(part),
      fail: (error) => service.fail(error),
      addReadiness: (check) => (served === undefined ? readiness.push(check) : served.addReadiness(check)),
      openKeyRing: (namespace) =>
        openKeyRing(loadConfig(v.object(codecVariables), service.env), {
          namespace,
          logger,
          telemetry,
          register: (part) => service.register(part),
        }),
      openStoredPayloads: () =>
        openStoredPayloads(loadConfig(v.object(codecVariables), service.env), {
          name,
          postgresUrl: () =>
            loadConfig(v.object(databaseVariables.postgres), service.env).HELIOGRAPH_POSTGRES_URL,
          register: (part) => service.register(part),
          whenAvailable: createWhenAvailable({
            logger,
            register: (part) => service.register(part),
            fail: (error) => service.fail(error),
          }),
        }),
    },
    edgeOptions: () => ({
      name,
      version,
      logger,
      telemetry,
      draining: service.draining,
      // A database that hangs is as unavailable as one that refuses connections.
      isUnavailable: (error) => isUnavailable(error) || (isDatabaseError(error) && error.retryable),
    }),
    async serve(edge) {
      for (const check of readiness) edge.addReadiness(check);
      served = edge;
      const tls = edgeTls(shared, { logger, telemetry });
      if (tls === undefined && options.allowsPlainHttp?.(config) === false)
        assertLoopback(shared.HELIOGRAPH_HTTP_HOST);
      const server = await listen(edge, {
        host: shared.HELIOGRAPH_HTTP_HOST,
        port: shared.HELIOGRAPH_HTTP_PORT,
        portVariable: 'HELIOGRAPH_HTTP_PORT',
        ...(tls === undefined ? {} : { tls }),
      });
      service.register({ name: 'http', stop: (deadlineMs) => server.stop(deadlineMs) });
      return server;
    },
  };
}

/** Connects the databases of the app and brings their schemas up to date. */
export async function connectApp<TVariables extends Variables, TDatabases extends DatabaseOptions>(
  options: AppOptions<TVariables, TDatabases>,
  { app }: Observed<TVariables>,
  service: ServiceContext,
): Promise<App<TVariables, TDatabases>> {
  // An app that declares no database gets none.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const declared = (options.databases ?? {}) as TDatabases;
  const databases = await openDatabases(declared, { ...app, env: service.env });
  await options.migrate?.(databases, { whenAvailable: createWhenAvailable(app) });
  return { ...app, ...databases };
}

/** How long a start that has failed waits for what it is still opening. */
const LATE_DEADLINE_MS = 5000;

/**
 * Waits for both. When one fails, the other has another 5 s: what it opens in the meantime is registered and closed.
 *
 * @throws the first failure, at once.
 */
export async function both<A, B>(
  service: Pick<ServiceContext, 'register'>,
  first: Promise<A>,
  second: Promise<B>,
): Promise<[A, B]> {
  try {
    return await Promise.all([first, second]);
  } catch (error) {
    const settled = Promise.allSettled([first, second]);
    service.register({ name: 'start', deadlineMs: LATE_DEADLINE_MS, stop: () => settled });
    throw error;
  }
}

function openSpanExporter(name: string, env: Env): SpanExporter {
  const config = loadConfig(v.object(databaseVariables.clickhouse), env);
  return createClickHouseSpanExporter({
    url: config.HELIOGRAPH_CLICKHOUSE_URL,
    database: config.HELIOGRAPH_CLICKHOUSE_DATABASE,
    application: `${name}-traces`,
  });
}

function readVersion(packageJson: URL): string {
  const manifest: unknown = JSON.parse(readFileSync(packageJson, 'utf8'));
  return v.parse(v.object({ version: v.string() }), manifest).version;
}
