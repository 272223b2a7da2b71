import {
  coalesceCalls,
  DISPATCH_TRACE_STARTS,
  wakeOrchestrator,
} from '@heliograph/dispatch-workflows/client';
import { openAuth, runApiApp } from '@heliograph/worker-app';
import { createApi } from './api/create-api.ts';
import { apiVariables, parseApiKeys, workerVariables } from './config.ts';
import { createServices, dispatchCenter, withoutPostgres } from './wiring.ts';

/** Runs the API: it stores issues, keeps routes and connected apps, and wakes the orchestrator. */
export function runApi(): Promise<number> {
  return runApiApp({
    ...dispatchCenter,
    ...withoutPostgres,
    name: 'dispatch-center-api',
    variables: apiVariables,
    otherVariables: Object.keys(workerVariables),
    temporal: { traceStarts: DISPATCH_TRACE_STARTS },
    edge(app) {
      const services = createServices(app);
      const wake = coalesceCalls(() => wakeOrchestrator(app.client), {
        windowMs: app.config.HELIOGRAPH_WAKE_WINDOW_MS,
        onError: (error) =>
          app.logger.warn({ err: error }, 'could not wake the orchestrator; its next scan finds the issues'),
      });
      app.register({ name: 'wake', stop: async () => wake.stop() });
      return createApi({
        services,
        edgeOptions: app.edgeOptions,
        auth: openAuth(app, { keys: parseApiKeys(app.config.HELIOGRAPH_API_KEYS.reveal()) ?? [] }),
        onStored: () => wake.request(),
      });
    },
  });
}
