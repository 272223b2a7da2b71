import { randomBytes } from 'node:crypto';
import {
  connectClickHouse,
  connectPostgres,
  createClickHouseDatabase,
  createSealer,
} from '@heliograph/database';
import { createDispatchActivities } from '@heliograph/dispatch-workflows/activities';
import { DISPATCH_TRACE_STARTS } from '@heliograph/dispatch-workflows/client';
import { createDispatchWorkers } from '@heliograph/dispatch-workflows/worker';
import {
  createDispatchStores,
  migrateDispatch,
  startLedgerRelay,
} from '@heliograph/dispatch-workflows/stores';
import { createChannelRegistry, createWebhookChannel } from '@heliograph/notifier/channels';
import type { Stack } from '@heliograph/stack';
import { bundleWorkflows, connectWorker, installTemporalRuntime } from '@heliograph/temporal-worker';
import {
  assertNamespace,
  assertSearchAttributes,
  assertServerVersion,
  createTemporalClient,
} from '@heliograph/temporal-worker/client';
import { DefaultLogger } from '@temporalio/worker';

/** Webhook secret of the benchmark's sink. */
export const WEBHOOK_SECRET = `whsec_${randomBytes(24).toString('base64')}`;

/** Creates one worker with the product's workflows and activities, and the peers' workflows beside them. */
export async function createBenchGround({ env }: Stack) {
  const clickhouseOptions = {
    url: env['HELIOGRAPH_CLICKHOUSE_URL'] ?? '',
    application: 'bench',
    database: 'bench',
    maxOpenConnections: 16,
  };
  await createClickHouseDatabase(clickhouseOptions);
  const clickhouse = connectClickHouse(clickhouseOptions);
  const postgres = connectPostgres({ url: env['HELIOGRAPH_POSTGRES_URL'] ?? '', applicationName: 'bench' });
  await migrateDispatch(postgres, clickhouse);
  installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
  const connection = await connectWorker({ address: env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '' });
  const namespace = 'bench';
  const serverVersion = await assertServerVersion(connection, '1.32');
  await assertNamespace(connection, namespace, { create: true });
  await assertSearchAttributes(connection, namespace, { create: true });
  const client = createTemporalClient({ connection, namespace, traceStarts: DISPATCH_TRACE_STARTS });
  const sealer = createSealer({
    keys: [{ id: 'bench', key: randomBytes(32).toString('base64url') }],
    activeKeyId: 'bench',
  });
  const channels = createChannelRegistry([createWebhookChannel({ allowPrivateAddresses: true })]);
  const stores = createDispatchStores({ postgres, clickhouse, sealer });
  const relay = startLedgerRelay(stores.ledger);
  const worker = await createDispatchWorkers({
    connection,
    namespace,
    workflowBundle: await bundleWorkflows({
      workflows: new URL('./workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
    shutdownGraceMs: 1000,
    activities: createDispatchActivities({
      ...stores,
      client,
      channels,
      onProblem: ({ what, id, error }) =>
        console.error(`${what} ${id ?? ''}: ${error instanceof Error ? error.message : ''}`),
    }),
  });
  return {
    ...stores,
    client,
    worker,
    serverVersion,
    async close() {
      await relay.stop();
      await connection.close();
      await channels.close();
      await postgres.close();
      await clickhouse.close();
    },
  };
}

/** What the shapes run on. */
export type BenchGround = Awaited<ReturnType<typeof createBenchGround>>;
