import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The ClickHouse database of a chaos run. */
export const DATABASE = 'heliograph';
/** The Temporal namespace of a chaos run. */
export const NAMESPACE = 'heliograph';
/** The worker processes; the name is also the identity that Temporal knows. */
export const WORKERS = ['worker-1', 'worker-2'];

const KEEPER = fileURLToPath(new URL('../keep-running.js', import.meta.url));

/**
 * @typedef {object} DispatchProcesses
 * @property {string} apiUrl
 * @property {string} apiKey
 * @property {string} webhookSecret
 * @property {readonly (readonly import('@heliograph/stack').ServerSpec[])[]} specs to be started one group after another
 * @property {(name: string) => number | undefined} workerPid undefined while it does not run
 * @property {(name: string) => Promise<boolean>} isWorkerReady
 */

/**
 * The real API and two workers, under the care of the stack like the servers.
 * @param {{ root: string, stack: import('@heliograph/stack').Stack, postgresProxyPort: number }} options
 * @returns {Promise<DispatchProcesses>}
 */
export async function dispatchProcesses({ root, stack, postgresProxyPort }) {
  const apiPort = await stack.port('api');
  const apiKey = stack.secret('api-key');
  const proxied = new URL(String(stack.env['HELIOGRAPH_POSTGRES_URL']));
  proxied.port = String(postgresProxyPort);
  const shared = {
    ...process.env,
    ...stack.env,
    HELIOGRAPH_CLICKHOUSE_DATABASE: DATABASE,
    HELIOGRAPH_TEMPORAL_NAMESPACE: NAMESPACE,
    HELIOGRAPH_TEMPORAL_SETUP: 'true',
    HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'true',
    HELIOGRAPH_SEALING_KEYS: `chaos:${stack.secret('sealing-key')}`,
  };
  const pidFile = (/** @type {string} */ name) => join(stack.directory, `${name}.pid`);
  const isReady = async (/** @type {number} */ port, /** @type {AbortSignal} */ signal) =>
    (await fetch(`http://127.0.0.1:${port}/readyz`, { signal })).ok;
  /**
   * @param {string} name
   * @param {{ port: number, args: readonly string[], env: Record<string, string> }} parts
   * @returns {import('@heliograph/stack').ServerSpec}
   */
  const spec = (name, { port, args, env }) => ({
    name,
    command: process.execPath,
    args,
    cwd: join(root, 'apps/dispatch-center'),
    port,
    url: `http://127.0.0.1:${port}`,
    env: { ...shared, HELIOGRAPH_HTTP_PORT: String(port), ...env },
    isReady: (signal) => isReady(port, signal),
  });
  /** @type {Map<string, number>} */
  const ports = new Map();
  for (const name of WORKERS) ports.set(name, await stack.port(name));
  const workers = WORKERS.map(async (name) =>
    spec(name, {
      port: ports.get(name) ?? 0,
      args: [KEEPER, pidFile(name), process.execPath, 'dist/main.js', 'worker'],
      env: {
        HELIOGRAPH_WORKER_IDENTITY: name,
        HELIOGRAPH_WORKER_METRICS_PORT: String(await stack.port(`${name}-metrics`)),
        // Workers reach PostgreSQL through a proxy that can freeze.
        HELIOGRAPH_POSTGRES_URL: proxied.href,
        HELIOGRAPH_SCAN_INTERVAL_MS: '2000',
        // What was refused for good is asked for again before the run ends.
        HELIOGRAPH_SWEEP_INTERVAL_MS: '5000',
        HELIOGRAPH_RESOLVE_RETRY_MS: '5000',
      },
    }),
  );
  const [first, ...others] = await Promise.all(workers);
  const api = spec('api', {
    port: apiPort,
    args: ['dist/main.js', 'api'],
    env: { HELIOGRAPH_API_KEYS: `chaos:${apiKey}:*` },
  });
  return {
    apiUrl: `http://127.0.0.1:${apiPort}`,
    apiKey,
    webhookSecret: `whsec_${randomBytes(24).toString('base64')}`,
    // One makes the namespace, the others find it.
    specs: [first === undefined ? [] : [first], [...others, api]],
    workerPid(name) {
      const pid = Number(readFileSync(pidFile(name), 'utf8'));
      return pid > 0 ? pid : undefined;
    },
    isWorkerReady: (name) => isReady(ports.get(name) ?? 0, AbortSignal.timeout(2000)).catch(() => false),
  };
}
