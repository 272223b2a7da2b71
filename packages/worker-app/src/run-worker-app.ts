import {
  createEdge,
  loadConfig,
  runService,
  ServiceError,
  type Logger,
  type ServiceContext,
} from '@heliograph/service';
import {
  connectWorker,
  createTemporalWorkers,
  installTemporalRuntime,
  readWorkflowBundle,
  type TaskQueueWorker,
} from '@heliograph/temporal-worker';
import {
  assertNamespace,
  assertSearchAttributes,
  createTemporalClient,
  replaceableConnection,
  type TemporalAddress,
} from '@heliograph/temporal-worker/client';
import * as v from 'valibot';
import type { AppOptions, None } from './app-options.ts';
import type { TemporalSettings, WorkerApp } from './app.ts';
import type { DatabaseOptions } from './databases.ts';
import { resolveDeployment } from './deployment/resolve-deployment.ts';
import { watchCurrentBuild } from './deployment/watch-current-build.ts';
import { openPayloadCodec } from './payloads/open-payload-codec.ts';
import { createSdkLogger } from './sdk-logger.ts';
import { readSdkMetrics } from './sdk-metrics.ts';
import { both, connectApp, observeApp } from './start-app.ts';
import { stopDeadlineMs } from './stop-deadline.ts';
import { followTemporalAddress } from './temporal/follow-temporal-address.ts';
import { temporalVariables, workerVariables, type Variables } from './variables.ts';

/** What a worker app says about itself. */
export interface WorkerAppOptions<
  TVariables extends Variables,
  TDatabases extends DatabaseOptions,
> extends AppOptions<TVariables, TDatabases> {
  /** The workflow bundle, checked before anything is connected; none for an app that runs activities only. */
  readonly workflowBundle?: URL;
  /** `callTimeoutMs` defaults to 5,000. */
  readonly temporal?: TemporalSettings;
  /** The deployment that versioned workers belong to; default the app's name. No `.` and no `:`. */
  readonly deployment?: string;
  /** Makes the activities and says on which task queues they and the workflows run. */
  workers(
    app: WorkerApp<TVariables, TDatabases>,
  ): readonly TaskQueueWorker[] | Promise<readonly TaskQueueWorker[]>;
  /** Runs when the workers poll and before the app is ready: starts what has to run all the time. */
  started?(app: WorkerApp<TVariables, TDatabases>): Promise<void>;
}

/**
 * Runs a worker app until SIGTERM, SIGINT or the death of a part, and resolves with the exit code. It starts in this
 * order: configuration, logs and telemetry, bundle and build, the SDK's runtime, keys, databases and migrations beside the connection
 * to Temporal, namespace and search attributes, `workers`, `started`, and the HTTP edge. It stops in reverse. A start
 * that fails closes what it had opened and says on stderr what to do.
 */
export function runWorkerApp<
  const TVariables extends Variables = None,
  const TDatabases extends DatabaseOptions = None,
>(options: WorkerAppOptions<TVariables, TDatabases>): Promise<number> {
  return runService({
    name: options.name,
    start: (service) => startWorkerApp(options, service),
    ...(options.host === undefined ? {} : { host: options.host }),
  });
}

async function startWorkerApp<TVariables extends Variables, TDatabases extends DatabaseOptions>(
  options: WorkerAppOptions<TVariables, TDatabases>,
  service: ServiceContext,
): Promise<void> {
  const role = { temporal: true, worker: true };
  const readConfig = () => loadConfig(v.object({ ...temporalVariables, ...workerVariables }), service.env);
  const observed = observeApp(options, role, service, {
    extraMetrics: [() => readSdkMetrics(readConfig().HELIOGRAPH_WORKER_METRICS_PORT)],
  });
  const { logger } = observed.app;
  const config = readConfig();
  const workflowBundle =
    options.workflowBundle === undefined ? undefined : await readWorkflowBundle(options.workflowBundle);
  const deployment = await resolveDeployment(config, {
    name: options.deployment ?? options.name,
    packageJson: options.packageJson,
    isProduction: service.env['NODE_ENV'] === 'production',
    workflowBundle,
  });
  // Certificates that change before the workers exist wait for them.
  const working = Promise.withResolvers<(next: TemporalAddress) => Promise<void>>();
  const address = await followTemporalAddress(config, { ...observed.app, env: service.env }, async (next) =>
    (await working.promise)(next),
  );
  const runtime = startRuntime(logger, config.HELIOGRAPH_WORKER_METRICS_PORT);
  service.register({ name: 'temporal-runtime', stop: () => runtime.shutdown() });
  const addEncryption = await openPayloadCodec({
    ...observed.app,
    domain: options.codec?.domain,
    storesLarge: options.codec?.storesLarge ?? true,
    env: service.env,
    workflowBundle,
  });

  const connect = async () => {
    const replaceable = replaceableConnection(await connectWorker(address));
    service.register({ name: 'temporal', stop: () => replaceable.close() });
    return replaceable;
  };
  const [connected, temporal] = await both(service, connectApp(options, observed, service), connect());
  service.draining.throwIfAborted();

  const namespace = config.HELIOGRAPH_TEMPORAL_NAMESPACE;
  const create = config.HELIOGRAPH_TEMPORAL_SETUP;
  const { connection } = temporal;
  await assertNamespace(connection, namespace, { create });
  await assertSearchAttributes(connection, namespace, { create });
  const dataConverter = addEncryption(await options.dataConverter?.(connected));
  const shared = { namespace, ...(dataConverter === undefined ? {} : { dataConverter }) };
  const client = createTemporalClient({ callTimeoutMs: 5000, ...options.temporal, ...shared, connection });
  const app = { ...connected, client };

  const identity = config.HELIOGRAPH_WORKER_IDENTITY;
  const definitions = await options.workers(app);
  service.draining.throwIfAborted();
  const workers = await createTemporalWorkers({
    ...shared,
    connection: temporal.current(),
    workers: definitions,
    ...(workflowBundle === undefined ? {} : { workflowBundle }),
    ...(identity === undefined ? {} : { identity }),
    ...(deployment === undefined ? {} : { deployment }),
  });
  working.resolve(async (next) => {
    const replacement = await connectWorker(next);
    workers.useConnection(replacement);
    temporal.replace(replacement);
  });
  workers.run().catch((error: unknown) => service.fail(error));
  service.register({
    name: 'worker',
    deadlineMs: stopDeadlineMs(definitions),
    stop: () => workers.shutdown(),
  });
  app.addReadiness({
    name: 'worker',
    check: async () => {
      if (!workers.isRunning()) throw new Error('not every worker is running');
    },
  });
  // Before `started`, which may wait for a workflow that no build takes.
  if (deployment !== undefined)
    watchCurrentBuild(
      { connection, namespace, identity: identity ?? options.name, callTimeoutMs: 5000 },
      deployment,
      observed.app,
    );
  await options.started?.(app);
  service.draining.throwIfAborted();
  const server = await observed.serve(createEdge(observed.edgeOptions()));
  logger.info({ url: server.url, taskQueue: definitions[0]?.taskQueue, namespace, deployment }, 'working');
}

function startRuntime(logger: Logger, metricsPort: number): ReturnType<typeof installTemporalRuntime> {
  const metricsBindAddress = `127.0.0.1:${metricsPort}`;
  try {
    return installTemporalRuntime({ logger: createSdkLogger(logger), metricsBindAddress });
  } catch (error) {
    // The SDK has no code for it, and another failure, such as a second runtime, is not the port's.
    if (!/prometheus metrics exporter/i.test(String(error))) throw error;
    throw new ServiceError(
      'SERVICE_PORT_TAKEN',
      `the Temporal SDK cannot serve its metrics on ${metricsBindAddress}: set HELIOGRAPH_WORKER_METRICS_PORT to a free port`,
      { cause: error },
    );
  }
}
