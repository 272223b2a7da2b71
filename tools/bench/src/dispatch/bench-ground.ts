import { randomBytes } from 'node:crypto';
import {
  createCodec,
  createCodecPlugin,
  createKey,
  createKeyRing,
  FAILURE_CONVERTER_PATH,
} from '@heliograph/codec/codecs';
import {
  connectClickHouse,
  connectPostgres,
  createClickHouseDatabase,
  createSealer,
  type Postgres,
} from '@heliograph/database';
import { DISPATCH_DOMAIN } from '@heliograph/dispatch-workflows';
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
import { bundleWorkflows, connectWorker } from '@heliograph/temporal-worker';
import {
  assertNamespace,
  assertSearchAttributes,
  assertServerVersion,
  createTemporalClient,
} from '@heliograph/temporal-worker/client';
import type { DataConverter } from '@temporalio/worker';

/** Webhook secret of the benchmark's sink. */
export const WEBHOOK_SECRET = `whsec_${randomBytes(24).toString('base64')}`;

/**
 * Creates one worker with the product's workflows and activities, and the peers' workflows beside them, on databases and in
 * a namespace of its own. With encryption it encodes payloads as the Dispatch Center does.
 */
export async function createBenchGround({ env }: Stack, { isEncrypted = false } = {}) {
  const namespace = isEncrypted ? 'bench-encrypted' : 'bench';
  const database = namespace.replace('-', '_');
  const clickhouseOptions = {
    url: env['HELIOGRAPH_CLICKHOUSE_URL'] ?? '',
    application: 'bench',
    database,
    maxOpenConnections: 16,
  };
  await createClickHouseDatabase(clickhouseOptions);
  const clickhouse = connectClickHouse(clickhouseOptions);
  const postgres = await createDatabase(env['HELIOGRAPH_POSTGRES_URL'] ?? '', database);
  await migrateDispatch(postgres, clickhouse);
  const connection = await connectWorker({ address: env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '' });
  const serverVersion = await assertServerVersion(connection, '1.32');
  await assertNamespace(connection, namespace, { create: true });
  await assertSearchAttributes(connection, namespace, { create: true });
  const encrypting = isEncrypted ? { dataConverter: converterOf(namespace) } : {};
  const client = createTemporalClient({
    connection,
    namespace,
    traceStarts: DISPATCH_TRACE_STARTS,
    ...encrypting,
  });
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
    ...encrypting,
    workflowBundle: await bundleWorkflows({
      workflows: new URL('./workflows.ts', import.meta.url),
      failureConverter: FAILURE_CONVERTER_PATH,
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

async function createDatabase(url: string, name: string): Promise<Postgres> {
  const admin = connectPostgres({ url, applicationName: 'bench' });
  try {
    await admin.sql`create database ${admin.sql(name)}`;
  } finally {
    await admin.close();
  }
  const own = new URL(url);
  own.pathname = `/${name}`;
  return connectPostgres({ url: own.href, applicationName: 'bench' });
}

/** The converter of the Dispatch Center, with a key that nobody else has. */
function converterOf(namespace: string): DataConverter {
  const active = createKey('bench', randomBytes(32));
  const keys = createKeyRing({ [DISPATCH_DOMAIN]: { active, others: [] } });
  const codec = createCodec({ keys, namespace, domain: DISPATCH_DOMAIN });
  return createCodecPlugin(codec).configureClient<{ dataConverter?: DataConverter }>({}).dataConverter ?? {};
}

/** What the shapes run on. */
export type BenchGround = Awaited<ReturnType<typeof createBenchGround>>;
