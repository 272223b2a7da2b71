import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

/** The ClickHouse database of a chaos run. */
export const DATABASE = 'heliograph';

/**
 * The real API and worker, under the care of the stack like the servers.
 * @param {{ root: string, stack: import('@heliograph/stack').Stack, postgresProxyPort: number }} options
 */
export async function dispatchProcesses({ root, stack, postgresProxyPort }) {
  const [apiPort, workerPort, metricsPort] = await Promise.all(
    ['api', 'worker', 'metrics'].map((name) => stack.port(name)),
  );
  const apiKey = stack.secret('api-key');
  const proxied = new URL(String(stack.env['HELIOGRAPH_POSTGRES_URL']));
  proxied.port = String(postgresProxyPort);
  const shared = {
    ...process.env,
    ...stack.env,
    HELIOGRAPH_CLICKHOUSE_DATABASE: DATABASE,
    HELIOGRAPH_TEMPORAL_SETUP: 'true',
    HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'true',
    HELIOGRAPH_SEALING_KEYS: `chaos:${stack.secret('sealing-key')}`,
    HELIOGRAPH_SCAN_INTERVAL_MS: '2000',
  };
  /**
   * @param {string} role
   * @param {number | undefined} port
   * @param {Record<string, string>} env
   * @returns {import('@heliograph/stack').ServerSpec}
   */
  const spec = (role, port = 0, env = {}) => ({
    name: role,
    command: process.execPath,
    args: ['dist/main.js', role],
    cwd: join(root, 'apps/dispatch-center'),
    port,
    url: `http://127.0.0.1:${port}`,
    env: { ...shared, HELIOGRAPH_HTTP_PORT: String(port), ...env },
    isReady: async (signal) => (await fetch(`http://127.0.0.1:${port}/readyz`, { signal })).ok,
  });
  return {
    apiUrl: `http://127.0.0.1:${apiPort}`,
    apiKey,
    webhookSecret: `whsec_${randomBytes(24).toString('base64')}`,
    specs: [
      spec('worker', workerPort, {
        HELIOGRAPH_WORKER_METRICS_PORT: String(metricsPort),
        // The worker reaches PostgreSQL through a proxy that can freeze.
        HELIOGRAPH_POSTGRES_URL: proxied.href,
      }),
      spec('api', apiPort, { HELIOGRAPH_API_KEYS: `chaos:${apiKey}:*` }),
    ],
  };
}
