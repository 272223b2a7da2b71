import { createSealer, parseKeyRing } from '@heliograph/database';
import { createDispatchActivities } from '@heliograph/dispatch-workflows/activities';
import {
  DISPATCH_TRACE_STARTS,
  keepOrchestratorRunning,
  startOrchestrator,
} from '@heliograph/dispatch-workflows/client';
import { resealSecrets, startLedgerRelay } from '@heliograph/dispatch-workflows/stores';
import { defineDispatchWorkers } from '@heliograph/dispatch-workflows/worker';
import { runWorkerApp } from '@heliograph/worker-app';
import { activitySettings, apiVariables, workerVariables } from './config.ts';
import { createServices, dispatchCenter } from './wiring.ts';

/** Runs the worker: it scans, decides and delivers, and keeps the orchestrator running. */
export function runWorker(): Promise<number> {
  return runWorkerApp({
    ...dispatchCenter,
    name: 'dispatch-center-worker',
    deployment: 'dispatch-center',
    variables: workerVariables,
    otherVariables: Object.keys(apiVariables),
    workflowBundle: new URL(import.meta.resolve('@heliograph/dispatch-workflows/workflows.bundle.js')),
    temporal: { traceStarts: DISPATCH_TRACE_STARTS },
    workers(app) {
      const { client, config, logger } = app;
      const services = createServices(app);
      const relay = startLedgerRelay(services.ledger, {
        onError: (error) =>
          logger.warn(
            { err: error },
            'the ledger relay could not write to ClickHouse; entries stay in PostgreSQL',
          ),
        onRefused: ({ id, error }) =>
          logger.error(
            { id, err: error },
            'ClickHouse refuses a row of dispatch.ledger_outbox; it is kept there for 7 days',
          ),
      });
      app.register({ name: 'ledger', stop: () => relay.stop() });
      const activities = createDispatchActivities({
        ...services,
        ...activitySettings(config),
        client,
        onProblem: ({ what, id, error }) => logger.warn({ id, err: error }, what),
      });
      return defineDispatchWorkers({ activities, deliverySlots: config.HELIOGRAPH_DELIVERY_SLOTS });
    },
    async started({ client, config, logger, postgres, register }) {
      // A secret under an old key opens as well as before, so no failure keeps the worker from its work.
      try {
        const sealer = createSealer(parseKeyRing(config.HELIOGRAPH_SEALING_KEYS.reveal()));
        const { resealed, failed } = await resealSecrets(postgres, sealer);
        if (resealed > 0) logger.info({ resealed }, 'secrets were sealed with the active key');
        if (failed.length > 0) logger.error({ failed }, 'secrets of connected apps cannot be opened');
      } catch (error) {
        logger.warn({ err: error }, 'secrets could not be sealed with the active key');
      }
      await startOrchestrator(client);
      const orchestrator = keepOrchestratorRunning(client, {
        onError: (error) => logger.warn({ err: error }, 'could not check that the orchestrator is running'),
      });
      register({ name: 'orchestrator', stop: async () => orchestrator.stop() });
    },
  });
}
