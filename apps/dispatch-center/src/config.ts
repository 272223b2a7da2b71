import { parseKeyRing } from '@heliograph/database';
import {
  choice,
  durationMs,
  flag,
  integer,
  loadConfig,
  port,
  secret,
  text,
  url,
  type Env,
} from '@heliograph/service';
import * as v from 'valibot';

/** Variables that both roles read. */
const shared = {
  HELIOGRAPH_POSTGRES_URL: url({ schemes: ['postgres', 'postgresql'] }),
  HELIOGRAPH_CLICKHOUSE_URL: url({ schemes: ['http', 'https'] }),
  HELIOGRAPH_CLICKHOUSE_DATABASE: text({ default: 'heliograph', pattern: /^[a-z][a-z0-9_]{0,62}$/ }),
  HELIOGRAPH_TEMPORAL_ADDRESS: text(),
  HELIOGRAPH_TEMPORAL_NAMESPACE: text({ default: 'heliograph' }),
  HELIOGRAPH_TEMPORAL_API_KEY: secret({ optional: true }),
  HELIOGRAPH_TEMPORAL_TLS: flag({ default: false }),
  /** PEM files; any of them turns TLS on. A client certificate needs its key. */
  HELIOGRAPH_TEMPORAL_TLS_CA_FILE: text({ optional: true }),
  HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: text({ optional: true }),
  HELIOGRAPH_TEMPORAL_TLS_KEY_FILE: text({ optional: true }),
  HELIOGRAPH_TEMPORAL_TLS_SERVER_NAME: text({ optional: true }),
  /** Create namespace and search attributes where they are missing: for the embedded stack. */
  HELIOGRAPH_TEMPORAL_SETUP: flag({ default: false }),
  HELIOGRAPH_SEALING_KEYS: secret({
    accepts: isKeyRing,
    expects: 'id:base64url of 32 bytes, further ones after commas, the active one first',
  }),
  HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: flag({ default: false }),
  HELIOGRAPH_HTTP_HOST: text({ default: '127.0.0.1' }),
  HELIOGRAPH_HTTP_PORT: port({ default: 4600 }),
  HELIOGRAPH_LOG_LEVEL: choice(['debug', 'info', 'warn', 'error'], { default: 'info' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: url({ optional: true }),
  /** Write spans to ClickHouse without a collector between: for the embedded stack. */
  HELIOGRAPH_TRACES_IN_CLICKHOUSE: flag({ default: false }),
};

const apiSchema = v.object({
  ...shared,
  HELIOGRAPH_API_KEYS: secret({
    accepts: isKeyList,
    expects: 'id:secret:scope+scope, further ones after commas',
  }),
  HELIOGRAPH_WAKE_WINDOW_MS: durationMs({ default: 100 }),
});

const workerSchema = v.object({
  ...shared,
  HELIOGRAPH_WORKER_METRICS_PORT: port({ default: 4602 }),
  HELIOGRAPH_WORKER_IDENTITY: text({ optional: true }),
  HELIOGRAPH_SCAN_INTERVAL_MS: durationMs({ min: 100, default: 15_000 }),
  HELIOGRAPH_SCAN_OVERLAP_MS: durationMs({ default: 10_000 }),
  HELIOGRAPH_SCAN_SEEN_ROWS: integer({ min: 100, max: 20_000, default: 5000 }),
  HELIOGRAPH_SCAN_ROWS: integer({ min: 1, max: 5000, default: 500 }),
  HELIOGRAPH_MAX_RUNNING_ALERTS: integer({ min: 1, max: 1_000_000, default: 5000 }),
  HELIOGRAPH_DELIVERY_SLOTS: integer({ min: 1, max: 10_000, default: 500 }),
  HELIOGRAPH_WAITING_PER_APP: integer({ min: 1, max: 10_000, default: 125 }),
  HELIOGRAPH_SWEEP_INTERVAL_MS: durationMs({ min: 1000, default: 60_000 }),
  HELIOGRAPH_RESOLVE_RETRY_MS: durationMs({ min: 0, default: 300_000 }),
  HELIOGRAPH_FAN_OUT: integer({ min: 1, max: 1000, default: 32 }),
  HELIOGRAPH_BATCH_WINDOW_MS: durationMs({ default: 100 }),
  HELIOGRAPH_DEPLOYMENT_BUILD_ID: text({ optional: true }),
});

/** Settings of the API. */
export type ApiConfig = v.InferOutput<typeof apiSchema>;
/** Settings of the worker. */
export type WorkerConfig = v.InferOutput<typeof workerSchema>;
/** Settings that both have. */
export type SharedConfig = Pick<ApiConfig, keyof typeof shared>;

/** Reads the API's settings. `@throws {ConfigError}` naming every variable that does not fit. */
export function loadApiConfig(env: Env): ApiConfig {
  return loadConfig(apiSchema, env);
}

/** Reads the worker's settings. `@throws {ConfigError}` naming every variable that does not fit. */
export function loadWorkerConfig(env: Env): WorkerConfig {
  return loadConfig(workerSchema, env);
}

/** A key of the API. */
export interface ApiKey {
  readonly id: string;
  readonly secret: string;
  readonly scopes: readonly string[];
}

/** What an Authorization header can carry. */
const BEARER_SECRET = /^[\w.~+/=-]{16,1024}$/;

/**
 * Reads `id:secret:scope+scope,…`, where scopes hold colons themselves; null where it does not fit, also where two
 * keys have one id or one secret.
 */
export function parseApiKeys(value: string): readonly ApiKey[] | null {
  const keys: ApiKey[] = [];
  for (const part of value.split(',')) {
    const [id = '', key = '', ...scopes] = part.trim().split(':');
    const granted = scopes.join(':').split('+');
    if (!/^[\w.-]{1,64}$/.test(id) || !BEARER_SECRET.test(key) || granted.includes('')) return null;
    if (keys.some((known) => known.id === id || known.secret === key)) return null;
    keys.push({ id, secret: key, scopes: granted });
  }
  return keys;
}

function isKeyList(value: string): boolean {
  return parseApiKeys(value) !== null;
}

function isKeyRing(value: string): boolean {
  try {
    parseKeyRing(value);
    return true;
  } catch {
    return false;
  }
}
