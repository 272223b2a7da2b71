import { MAINTENANCE_DOMAIN, MAINTENANCE_TASK_QUEUE } from '@heliograph/codec-maintenance';
import { createMaintenanceActivities } from '@heliograph/codec-maintenance/activities';
import { ensureMaintenanceSchedules } from '@heliograph/codec-maintenance/client';
import { runWorkerApp } from '@heliograph/worker-app';
import { codecServerVariables, maintenanceVariables } from './config.ts';
import { reportMaintenance } from './report-maintenance.ts';

/** How long a stop waits for what runs: every activity goes on where its last heartbeat was. */
const SHUTDOWN_GRACE_MS = 5000;

/** Runs the maintenance of one namespace: collects stored payloads, rotates their keys, counts the use of keys. */
export function runMaintenance(): Promise<number> {
  return runWorkerApp({
    packageJson: new URL('../package.json', import.meta.url),
    name: 'codec-maintenance',
    variables: maintenanceVariables,
    otherVariables: Object.keys(codecServerVariables),
    databases: { postgres: {} },
    // Its own payloads are small; what it collects are those of others.
    codec: { domain: MAINTENANCE_DOMAIN, storesLarge: false },
    workflowBundle: new URL(import.meta.resolve('@heliograph/codec-maintenance/workflows.bundle.js')),
    async workers({ client, logger, telemetry, openKeyRing, openStoredPayloads }) {
      const { namespace } = client.options;
      const keys = await openKeyRing(namespace);
      const activities = createMaintenanceActivities({
        client,
        namespace,
        keys,
        stored: await openStoredPayloads(),
        ...reportMaintenance({ logger, meter: telemetry.meter, keys }),
      });
      return [
        {
          taskQueue: MAINTENANCE_TASK_QUEUE,
          workflows: true,
          activities: { ...activities },
          pool: 'background',
          shutdownGraceMs: SHUTDOWN_GRACE_MS,
        },
      ];
    },
    started: ({ client, config }) =>
      ensureMaintenanceSchedules(client, {
        collectEveryMs: config.HELIOGRAPH_CODEC_COLLECT_EVERY_MS,
        rotateEveryMs: config.HELIOGRAPH_CODEC_ROTATE_EVERY_MS,
      }),
  });
}
