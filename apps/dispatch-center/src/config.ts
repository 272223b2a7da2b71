import { parseKeyRing } from '@heliograph/database';
import { INSERT_LIMITS } from '@heliograph/dispatch-workflows/stores';
import { durationMs, flag, integer, secret } from '@heliograph/service';
import { authVariables, type ConfigOf } from '@heliograph/worker-app';

/** Variables that both roles read, besides those that all apps share. */
export const commonVariables = {
  HELIOGRAPH_SEALING_KEYS: secret({
    accepts: isKeyRing,
    expects: 'id:base64url of 32 bytes, further ones after commas, the active one first',
  }),
  HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: flag({ default: false }),
};

/** Variables of the API. */
export const apiVariables = {
  ...commonVariables,
  HELIOGRAPH_API_KEYS: secret({
    accepts: isKeyList,
    expects: 'id:secret:scope+scope, further ones after commas',
  }),
  HELIOGRAPH_WAKE_WINDOW_MS: durationMs({ default: 100 }),
  ...authVariables,
};

/** A row may become visible so late; the rest is for clocks that differ. */
const SHORTEST_OVERLAP_MS = INSERT_LIMITS.visibleAfterMs + 3000;

/** Variables of the worker. */
export const workerVariables = {
  ...commonVariables,
  HELIOGRAPH_SCAN_INTERVAL_MS: durationMs({ min: 100, default: 15_000 }),
  HELIOGRAPH_SCAN_OVERLAP_MS: durationMs({ min: SHORTEST_OVERLAP_MS, default: 10_000 }),
  HELIOGRAPH_SCAN_SEEN_ROWS: integer({ min: 100, max: 20_000, default: 5000 }),
  HELIOGRAPH_SCAN_ROWS: integer({ min: 1, max: 5000, default: 500 }),
  HELIOGRAPH_MAX_RUNNING_ALERTS: integer({ min: 1, max: 1_000_000, default: 5000 }),
  HELIOGRAPH_DELIVERY_SLOTS: integer({ min: 1, max: 10_000, default: 500 }),
  HELIOGRAPH_WAITING_PER_APP: integer({ min: 1, max: 10_000, default: 125 }),
  HELIOGRAPH_MAX_THROTTLE_MS: durationMs({ min: 1000, max: 86_400_000, default: 300_000 }),
  HELIOGRAPH_SWEEP_INTERVAL_MS: durationMs({ min: 1000, default: 60_000 }),
  HELIOGRAPH_RESOLVE_RETRY_MS: durationMs({ min: 0, default: 300_000 }),
  HELIOGRAPH_FAN_OUT: integer({ min: 1, max: 1000, default: 32 }),
  HELIOGRAPH_BATCH_WINDOW_MS: durationMs({ default: 100 }),
};

/** Converts the worker's variables to the settings of its activities. */
export function activitySettings(config: ConfigOf<typeof workerVariables>) {
  return {
    batchWindowMs: config.HELIOGRAPH_BATCH_WINDOW_MS,
    scan: {
      intervalMs: config.HELIOGRAPH_SCAN_INTERVAL_MS,
      overlapMs: config.HELIOGRAPH_SCAN_OVERLAP_MS,
      maxRowsPerScan: config.HELIOGRAPH_SCAN_ROWS,
      maxSeenRows: config.HELIOGRAPH_SCAN_SEEN_ROWS,
      maxRunningAlerts: config.HELIOGRAPH_MAX_RUNNING_ALERTS,
      concurrency: config.HELIOGRAPH_FAN_OUT,
    },
    sweep: {
      intervalMs: config.HELIOGRAPH_SWEEP_INTERVAL_MS,
      retryAfterMs: config.HELIOGRAPH_RESOLVE_RETRY_MS,
    },
    maxWaitingPerApp: config.HELIOGRAPH_WAITING_PER_APP,
    maxThrottleMs: config.HELIOGRAPH_MAX_THROTTLE_MS,
  };
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
 * Reads `id:secret:scope+scope,…`, where scopes hold colons themselves; null if it is malformed, also if two
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
