import { FAILURE_CONVERTER_PATH } from '@heliograph/codec/codecs';
import { connectClickHouse, connectPostgres, createSealer } from '@heliograph/database';
import { createChannelRegistry, createWebhookChannel } from '@heliograph/notifier/channels';
import { bundleWorkflows } from '@heliograph/temporal-worker';
import { assertSearchAttributes, createTemporalClient } from '@heliograph/temporal-worker/client';
import { freshClickHouse, freshNamespace, freshPostgres } from '@heliograph/testkit';
import { createDispatchActivities, type DispatchDependencies } from '../activities/index.ts';
import { DISPATCH_TRACE_STARTS } from '../client/index.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import { createDispatchWorkers } from '../worker/index.ts';
import { createDispatchStores, migrateDispatch } from '../stores/index.ts';

/** Bundles this package's workflows from source, as `npm run build` does from dist. */
export function bundleFromSource(): Promise<{ readonly code: string }> {
  return bundleWorkflows({
    workflows: new URL('../workflows/index.ts', import.meta.url),
    failureConverter: FAILURE_CONVERTER_PATH,
    sourceCondition: '@heliograph/source',
  });
}

/** Fresh databases with the schema in place, and the stores over them. */
export async function dispatchStores(label: string) {
  const [postgresDatabase, clickhouseDatabase] = await Promise.all([
    freshPostgres(label),
    freshClickHouse(label),
  ]);
  const postgres = connectPostgres({ url: postgresDatabase.url, applicationName: label });
  const clickhouse = connectClickHouse({ url: clickhouseDatabase.url, application: label });
  await migrateDispatch(postgres, clickhouse);
  const sealer = createSealer({
    keys: [{ id: 'k1', key: Buffer.alloc(32, 1).toString('base64url') }],
    activeKeyId: 'k1',
  });
  return {
    postgres,
    clickhouse,
    ...createDispatchStores({ postgres, clickhouse, sealer }),
    async close() {
      await postgres.close();
      await clickhouse.close();
      await postgresDatabase.drop();
      await clickhouseDatabase.drop();
    },
  };
}

/** A namespace with the product's search attributes, and a client in it. */
export async function dispatchNamespace(label: string) {
  const temporal = await freshNamespace(label);
  await assertSearchAttributes(temporal.connection, temporal.namespace, { create: true });
  const client = createTemporalClient({
    connection: temporal.nativeConnection,
    namespace: temporal.namespace,
    traceStarts: DISPATCH_TRACE_STARTS,
  });
  return { ...temporal, client };
}

/** Everything that dispatching needs, on servers of the test run. */
export async function dispatchGround(label: string) {
  const [stores, temporal] = await Promise.all([dispatchStores(label), dispatchNamespace(label)]);
  const channels = createChannelRegistry([createWebhookChannel({ allowPrivateAddresses: true })]);
  const activities = (options: Partial<DispatchDependencies> = {}): DispatchActivities =>
    createDispatchActivities({
      ...stores,
      client: temporal.client,
      channels,
      scan: { intervalMs: 500 },
      ...options,
    });
  return {
    ...stores,
    ...temporal,
    channels,
    activities,
    worker: (
      workflowBundle: { readonly code: string },
      implementations: DispatchActivities = activities(),
      options: { readonly deliverySlots?: number } = {},
    ) =>
      createDispatchWorkers({
        connection: temporal.nativeConnection,
        namespace: temporal.namespace,
        workflowBundle,
        activities: implementations,
        shutdownGraceMs: 1000,
        ...options,
      }),
    async close() {
      await channels.close();
      await temporal.close();
      await stores.close();
    },
  };
}
