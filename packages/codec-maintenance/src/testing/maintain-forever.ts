/**
 * Works on the maintenance of a namespace until it is killed: `node maintain-forever.ts ADDRESS NAMESPACE POSTGRES-URL BUNDLE`.
 * Each object takes a while, so that there is a middle. Prints the name of each object that was encrypted anew.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '@heliograph/codec/claims';
import { createPostgresRegistry, createPostgresStore } from '@heliograph/codec/claims/postgres';
import { connectPostgres } from '@heliograph/database';
import { createTemporalWorkers } from '@heliograph/temporal-worker';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { createMaintenanceActivities } from '../activities/index.ts';
import { MAINTENANCE_TASK_QUEUE } from '../contract/names.ts';
import { encryptionOf, ringOf } from './maintenance-ground.ts';

const [, , address = '', namespace = '', url = '', bundle = ''] = process.argv;
const { sql } = connectPostgres({ url, applicationName: 'maintain-forever' });
const connection = await NativeConnection.connect({ address });
const store = createPostgresStore({ sql });
const slow: ObjectStore = {
  ...store,
  replace: async (name, object, signal) => {
    await sleep(5);
    const isReplaced = await store.replace(name, object, signal);
    process.stdout.write(`${name}\n`);
    return isReplaced;
  },
};
const activities = createMaintenanceActivities({
  client: new Client({ connection, namespace }),
  namespace,
  keys: ringOf('k1'),
  stored: { store: slow, registry: createPostgresRegistry({ sql }) },
});
const workers = await createTemporalWorkers({
  connection,
  namespace,
  workflowBundle: { code: await readFile(bundle, 'utf8') },
  dataConverter: encryptionOf(namespace),
  workers: [{ taskQueue: MAINTENANCE_TASK_QUEUE, workflows: true, activities: { ...activities } }],
});
await workers.run();
