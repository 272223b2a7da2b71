import { DISPATCH_TASK_QUEUE } from '@heliograph/dispatch-workflows';
import { createDispatchActivities } from '@heliograph/dispatch-workflows/activities';
import {
  DISPATCH_TRACE_STARTS,
  keepOrchestratorRunning,
  startOrchestrator,
} from '@heliograph/dispatch-workflows/client';
import { startLedgerCarrier } from '@heliograph/dispatch-workflows/stores';
import { createDispatchWorkers } from '@heliograph/dispatch-workflows/worker';
import { createEdge, listen, summarizeError, type Logger, type ServiceContext } from '@heliograph/service';
import { connectWorker, installTemporalRuntime, readWorkflowBundle } from '@heliograph/temporal-worker';
import {
  assertNamespace,
  assertSearchAttributes,
  createTemporalClient,
} from '@heliograph/temporal-worker/client';
import { loadWorkerConfig } from './config.ts';
import { observe, version } from './observe.ts';
import { layGround, temporalAddress } from './wiring.ts';

const WORKFLOW_BUNDLE = new URL(import.meta.resolve('@heliograph/dispatch-workflows/workflows.bundle.js'));

/** Starts a worker for the dispatch task queue, and the orchestrator unless it runs. */
export async function startWorker(context: ServiceContext): Promise<void> {
  const config = loadWorkerConfig(context.env);
  const coreMetrics = `127.0.0.1:${config.HELIOGRAPH_WORKER_METRICS_PORT}`;
  const { logger, telemetry } = observe(config, context, 'worker', {
    extraMetrics: [() => readText(`http://${coreMetrics}/metrics`)],
  });
  installTemporalRuntime({ logger: temporalLogger(logger), metricsBindAddress: coreMetrics });
  const [workflowBundle, ground, connection] = await Promise.all([
    readWorkflowBundle(WORKFLOW_BUNDLE),
    layGround(config, context, logger, 'worker'),
    connectWorker(temporalAddress(config)),
  ]);
  context.register({ name: 'temporal', stop: () => connection.close() });
  const namespace = config.HELIOGRAPH_TEMPORAL_NAMESPACE;
  const create = config.HELIOGRAPH_TEMPORAL_SETUP;
  await assertNamespace(connection, namespace, { create });
  await assertSearchAttributes(connection, namespace, { create });
  const client = createTemporalClient({
    connection,
    namespace,
    callTimeoutMs: 5000,
    traceStarts: DISPATCH_TRACE_STARTS,
  });
  const identity = config.HELIOGRAPH_WORKER_IDENTITY;
  const buildId = config.HELIOGRAPH_DEPLOYMENT_BUILD_ID;
  const worker = await createDispatchWorkers({
    connection,
    namespace,
    workflowBundle,
    deliverySlots: config.HELIOGRAPH_DELIVERY_SLOTS,
    ...(identity === undefined ? {} : { identity }),
    ...(buildId === undefined ? {} : { deployment: { name: 'dispatch-center', buildId } }),
    activities: createDispatchActivities({
      ...ground,
      client,
      batchWindowMs: config.HELIOGRAPH_BATCH_WINDOW_MS,
      scan: {
        intervalMs: config.HELIOGRAPH_SCAN_INTERVAL_MS,
        overlapMs: config.HELIOGRAPH_SCAN_OVERLAP_MS,
        maxRowsPerScan: config.HELIOGRAPH_SCAN_ROWS,
        maxSeenRows: config.HELIOGRAPH_SCAN_SEEN_ROWS,
        maxRunningAlerts: config.HELIOGRAPH_MAX_RUNNING_ALERTS,
        concurrency: config.HELIOGRAPH_FAN_OUT,
      },
      sweep: {
        intervalMs: config.HELIOGRAPH_SWEEP_INTERVAL_MS,
        retryAfterMs: config.HELIOGRAPH_RESOLVE_RETRY_MS,
      },
      maxWaitingPerApp: config.HELIOGRAPH_WAITING_PER_APP,
      onProblem: ({ what, id, error }) => logger.warn({ id, err: summarizeError(error) }, what),
    }),
  });
  const carrier = startLedgerCarrier(ground.ledger, {
    onError: (error) =>
      logger.warn({ err: summarizeError(error) }, 'the decision ledger waits in PostgreSQL'),
  });
  context.register({ name: 'ledger', stop: () => carrier.stop() });
  const running = worker.run();
  running.catch((error: unknown) => context.fail(error));
  context.register({
    name: 'worker',
    deadlineMs: 20_000,
    async stop() {
      worker.shutdown();
      await running.catch(() => undefined);
    },
  });
  await startOrchestrator(client);
  const orchestrator = keepOrchestratorRunning(client, {
    onError: (error) =>
      logger.warn({ err: summarizeError(error) }, 'the orchestrator could not be looked after'),
  });
  context.register({ name: 'orchestrator', stop: async () => orchestrator.stop() });
  const edge = createEdge({
    name: 'dispatch-center-worker',
    version: version(),
    logger,
    telemetry,
    draining: context.draining,
    readiness: [
      ...ground.readiness,
      {
        name: 'worker',
        check: async () => {
          if (!worker.isRunning()) throw new Error('the worker does not run');
        },
      },
    ],
  });
  const server = await listen(edge, {
    host: config.HELIOGRAPH_HTTP_HOST,
    port: config.HELIOGRAPH_HTTP_PORT,
    portVariable: 'HELIOGRAPH_HTTP_PORT',
  });
  context.register({ name: 'http', stop: (deadlineMs) => server.stop(deadlineMs) });
  logger.info({ url: server.url, taskQueue: DISPATCH_TASK_QUEUE, namespace }, 'working');
}

async function readText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  return response.text();
}

function temporalLogger(logger: Logger): Parameters<typeof installTemporalRuntime>[0]['logger'] {
  const child = logger.child({ component: 'temporal' });
  return {
    log: (level, message, meta) => child[LEVELS[level]]({ ...meta }, message),
    trace: (message, meta) => child.trace({ ...meta }, message),
    debug: (message, meta) => child.debug({ ...meta }, message),
    info: (message, meta) => child.info({ ...meta }, message),
    warn: (message, meta) => child.warn({ ...meta }, message),
    error: (message, meta) => child.error({ ...meta }, message),
  };
}

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
