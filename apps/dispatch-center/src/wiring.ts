import { readFileSync } from 'node:fs';
import {
  connectClickHouse,
  connectPostgres,
  createClickHouseDatabase,
  createSealer,
  parseKeyRing,
  pingClickHouse,
} from '@heliograph/database';
import { createExplainer } from '@heliograph/dispatch-workflows/explain';
import {
  createDispatchStores,
  type DispatchStores,
  migrateDispatch,
} from '@heliograph/dispatch-workflows/stores';
import {
  createChannelRegistry,
  createSlackWebhookChannel,
  createWebhookChannel,
} from '@heliograph/notifier/channels';
import type { Logger, ReadinessCheck, ServiceContext } from '@heliograph/service';
import type { TemporalAddress, TemporalTls } from '@heliograph/temporal-worker/client';
import type { SharedConfig } from './config.ts';

/** What both roles stand on. */
export interface Ground extends DispatchStores {
  readonly explainer: ReturnType<typeof createExplainer>;
  readonly channels: ReturnType<typeof createChannelRegistry>;
  readonly readiness: readonly ReadinessCheck[];
}

/** Connects both databases, brings their schema up to date and makes stores and channels. */
export async function layGround(
  config: SharedConfig,
  context: ServiceContext,
  logger: Logger,
  role: string,
): Promise<Ground> {
  const postgres = connectPostgres({
    url: config.HELIOGRAPH_POSTGRES_URL,
    applicationName: `dispatch-center-${role}`,
  });
  context.register({ name: 'postgres', stop: (deadlineMs) => postgres.close(deadlineMs) });
  const clickhouseOptions = {
    url: config.HELIOGRAPH_CLICKHOUSE_URL,
    application: `dispatch-center-${role}`,
    database: config.HELIOGRAPH_CLICKHOUSE_DATABASE,
    requestTimeoutMs: 10_000,
    maxOpenConnections: 16,
    onNotice: (notice: object) => logger.warn(notice, 'clickhouse'),
  };
  await createClickHouseDatabase(clickhouseOptions);
  const clickhouse = connectClickHouse(clickhouseOptions);
  context.register({ name: 'clickhouse', stop: () => clickhouse.close() });
  await migrateDispatch(postgres, clickhouse);
  const allowPrivateAddresses = config.HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES;
  const channels = createChannelRegistry([
    createWebhookChannel({ allowPrivateAddresses }),
    createSlackWebhookChannel({ allowPrivateAddresses }),
  ]);
  context.register({ name: 'channels', stop: () => channels.close() });
  const sealer = createSealer(parseKeyRing(config.HELIOGRAPH_SEALING_KEYS.reveal()));
  const stores = createDispatchStores({ postgres, clickhouse, sealer });
  return {
    ...stores,
    explainer: createExplainer(stores),
    channels,
    readiness: [
      { name: 'postgres', check: () => postgres.ping() },
      { name: 'clickhouse', check: (signal) => pingClickHouse(clickhouse, signal) },
    ],
  };
}

/** The Temporal address of a configuration. `@throws {Error}` naming the variable whose file cannot be read. */
export function temporalAddress(config: SharedConfig): TemporalAddress {
  const apiKey = config.HELIOGRAPH_TEMPORAL_API_KEY?.reveal();
  const tls: TemporalTls = {
    ...pem('rootCaCertificate', config, 'HELIOGRAPH_TEMPORAL_TLS_CA_FILE'),
    ...pem('clientCertificate', config, 'HELIOGRAPH_TEMPORAL_TLS_CERT_FILE'),
    ...pem('clientKey', config, 'HELIOGRAPH_TEMPORAL_TLS_KEY_FILE'),
    ...(config.HELIOGRAPH_TEMPORAL_TLS_SERVER_NAME === undefined
      ? {}
      : { serverName: config.HELIOGRAPH_TEMPORAL_TLS_SERVER_NAME }),
  };
  if ((tls.clientCertificate === undefined) !== (tls.clientKey === undefined)) {
    throw new Error('HELIOGRAPH_TEMPORAL_TLS_CERT_FILE and HELIOGRAPH_TEMPORAL_TLS_KEY_FILE need each other');
  }
  return {
    address: config.HELIOGRAPH_TEMPORAL_ADDRESS,
    ...(config.HELIOGRAPH_TEMPORAL_TLS || Object.keys(tls).length > 0 ? { tls } : {}),
    ...(apiKey === undefined ? {} : { apiKey }),
  };
}

type PemVariable =
  | 'HELIOGRAPH_TEMPORAL_TLS_CA_FILE'
  | 'HELIOGRAPH_TEMPORAL_TLS_CERT_FILE'
  | 'HELIOGRAPH_TEMPORAL_TLS_KEY_FILE';

function pem(field: keyof TemporalTls, config: SharedConfig, variable: PemVariable): TemporalTls {
  const file = config[variable];
  if (file === undefined) return {};
  try {
    return { [field]: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new Error(`${variable}: the file cannot be read`, { cause: error });
  }
}
