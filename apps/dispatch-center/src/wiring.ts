import { createSealer, parseKeyRing } from '@heliograph/database';
import { createExplainer, type Explainer } from '@heliograph/dispatch-workflows/explain';
import {
  createDispatchStores,
  migrateDispatch,
  type DispatchStores,
} from '@heliograph/dispatch-workflows/stores';
import {
  createChannelRegistry,
  createSlackWebhookChannel,
  createWebhookChannel,
} from '@heliograph/notifier/channels';
import type { App, Databases } from '@heliograph/worker-app';
import type { commonVariables } from './config.ts';

/** What both roles say about themselves. */
export const dispatchCenter = {
  packageJson: new URL('../package.json', import.meta.url),
  databases: { postgres: {}, clickhouse: { requestTimeoutMs: 10_000, maxOpenConnections: 16 } },
  migrate: ({ postgres, clickhouse }: Databases) => migrateDispatch(postgres, clickhouse),
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
