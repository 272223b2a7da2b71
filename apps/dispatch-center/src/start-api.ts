import {
  coalesceCalls,
  DISPATCH_TRACE_STARTS,
  wakeOrchestrator,
} from '@heliograph/dispatch-workflows/client';
import { listen, summarizeError, type ServiceContext } from '@heliograph/service';
import { createTemporalClient, lazyClientConnection } from '@heliograph/temporal-worker/client';
import { createApi } from './api/create-api.ts';
import { loadApiConfig, parseApiKeys } from './config.ts';
import { observe } from './observe.ts';
import { layGround, temporalAddress } from './wiring.ts';

/** Starts the API: stores issues, keeps routes and connected apps, wakes the orchestrator. */
export async function startApi(context: ServiceContext): Promise<void> {
  const config = loadApiConfig(context.env);
  const { logger, telemetry } = observe(config, context, 'api');
  const ground = await layGround(config, context, logger, 'api');
  // Lazy: issues are taken and stored while Temporal is away; the next scan finds them.
  const connection = lazyClientConnection(temporalAddress(config));
  context.register({ name: 'temporal', stop: () => connection.close() });
  const client = createTemporalClient({
    connection,
    namespace: config.HELIOGRAPH_TEMPORAL_NAMESPACE,
    callTimeoutMs: 3000,
    traceStarts: DISPATCH_TRACE_STARTS,
  });
  const wake = coalesceCalls(() => wakeOrchestrator(client), {
    windowMs: config.HELIOGRAPH_WAKE_WINDOW_MS,
    onError: (error) =>
      logger.warn(
        { err: summarizeError(error) },
        'the orchestrator could not be woken; its next scan finds the issues',
      ),
  });
  context.register({ name: 'wake', stop: async () => wake.stop() });
  const edge = createApi({
    ground,
    logger,
    telemetry,
    draining: context.draining,
    keys: parseApiKeys(config.HELIOGRAPH_API_KEYS.reveal()) ?? [],
    onStored: () => wake.request(),
  });
  const server = await listen(edge, {
    host: config.HELIOGRAPH_HTTP_HOST,
    port: config.HELIOGRAPH_HTTP_PORT,
    portVariable: 'HELIOGRAPH_HTTP_PORT',
  });
  context.register({ name: 'http', stop: (deadlineMs) => server.stop(deadlineMs) });
  logger.info({ url: server.url }, 'listening');
}
