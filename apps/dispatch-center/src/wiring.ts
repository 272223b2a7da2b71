import { migrateAuth } from '@heliograph/auth';
import { createSealer, parseKeyRing } from '@heliograph/database';
import { DISPATCH_DOMAIN } from '@heliograph/dispatch-workflows';
import { createExplainer, type Explainer } from '@heliograph/dispatch-workflows/explain';
import {
  createDispatchStores,
  migrateDispatch,
  migrateIssues,
  migrateRouting,
  type DispatchStores,
} from '@heliograph/dispatch-workflows/stores';
import {
  createChannelRegistry,
  createSlackWebhookChannel,
  createWebhookChannel,
} from '@heliograph/notifier/channels';
import type { App, Databases, MigrationContext } from '@heliograph/worker-app';
import type { commonVariables } from './config.ts';

/** What both roles say about themselves. */
export const dispatchCenter = {
  packageJson: new URL('../package.json', import.meta.url),
  codec: { domain: DISPATCH_DOMAIN },
  databases: { postgres: {}, clickhouse: { requestTimeoutMs: 10_000, maxOpenConnections: 16 } },
  migrate: ({ postgres, clickhouse }: Databases) => migrateDispatch(postgres, clickhouse),
};

/** How the API differs: it stores issues, which needs ClickHouse only, also while PostgreSQL is unavailable. */
export const withoutPostgres = {
  databases: { ...dispatchCenter.databases, postgres: { isOptional: true } },
  async migrate({ postgres, clickhouse }: Databases, { whenAvailable }: MigrationContext): Promise<void> {
    await migrateIssues(postgres, clickhouse);
    await whenAvailable('PostgreSQL', async () => {
      await migrateRouting(postgres);
      await migrateAuth(postgres);
    });
  },
};

/** What both roles work with. */
export interface Services extends DispatchStores {
  readonly explainer: Explainer;
  readonly channels: ReturnType<typeof createChannelRegistry>;
}

/** Creates stores and channels over the databases of the app, and closes the channels when it stops. */
export function createServices({
  config,
  postgres,
  clickhouse,
  register,
}: Pick<
  App<typeof commonVariables, typeof dispatchCenter.databases>,
  'config' | 'postgres' | 'clickhouse' | 'register'
>): Services {
  const allowPrivateAddresses = config.HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES;
  const channels = createChannelRegistry([
    createWebhookChannel({ allowPrivateAddresses }),
    createSlackWebhookChannel({ allowPrivateAddresses }),
  ]);
  register({ name: 'channels', stop: () => channels.close() });
  const sealer = createSealer(parseKeyRing(config.HELIOGRAPH_SEALING_KEYS.reveal()));
  const stores = createDispatchStores({ postgres, clickhouse, sealer });
  return { ...stores, explainer: createExplainer(stores), channels };
}
