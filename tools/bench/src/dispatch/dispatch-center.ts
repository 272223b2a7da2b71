import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { addresses, WEBHOOK_SECRET } from './ground.ts';

/** The real API and worker, as processes of their own. */
export interface DispatchCenter {
  /** Posts to the API; rejects unless it is answered with 2xx. */
  call(path: string, body: unknown): Promise<{ readonly id: string }>;
  stop(): Promise<void>;
}

const APP = fileURLToPath(new URL('../../../../apps/dispatch-center/', import.meta.url));

/** Starts an API and a worker in databases of their own, with one route that takes every issue to one receiver. */
export async function startDispatchCenter(name: string, receiverUrl: string): Promise<DispatchCenter> {
  const [apiPort, workerPort, metricsPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const key = randomBytes(24).toString('base64url');
  const { postgres, clickhouse, temporal } = addresses();
  const env = {
    ...process.env,
    HELIOGRAPH_POSTGRES_URL: postgres,
    HELIOGRAPH_CLICKHOUSE_URL: clickhouse,
    HELIOGRAPH_CLICKHOUSE_DATABASE: name,
    HELIOGRAPH_TEMPORAL_ADDRESS: temporal,
    HELIOGRAPH_TEMPORAL_NAMESPACE: name,
    HELIOGRAPH_TEMPORAL_SETUP: 'true',
    HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'true',
    HELIOGRAPH_SEALING_KEYS: SEALING_KEYS,
    HELIOGRAPH_API_KEYS: `bench:${key}:*`,
    HELIOGRAPH_WORKER_METRICS_PORT: String(metricsPort),
    HELIOGRAPH_LOG_LEVEL: 'error',
  };
  const children = [start('worker', workerPort, env), start('api', apiPort, env)];
  const stopAll = async (): Promise<void> => {
    await Promise.all(children.map(stop));
  };
  try {
    await Promise.all([ready(workerPort), ready(apiPort)]);
    const call = caller(`http://127.0.0.1:${apiPort}`, key);
    const app = await call('/api/v1/connected-apps', {
      name,
      provider: 'webhook',
      settings: { url: receiverUrl },
      secret: WEBHOOK_SECRET,
    });
    await call('/api/v1/routes', { name, query: `label.block:${name}`, connectedAppIds: [app.id] });
    return { call, stop: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** All centers of one run open what any of them sealed: they share a database. */
const SEALING_KEYS = `bench:${randomBytes(32).toString('base64url')}`;

function start(role: string, port: number, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, ['dist/main.js', role], {
    cwd: APP,
    env: { ...env, HELIOGRAPH_HTTP_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

async function ready(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok === true) return;
    await sleep(100);
  }
  throw new Error('the Dispatch Center did not become ready within 20 s');
}

const created = v.object({ id: v.optional(v.string(), '') });

function caller(
  url: string,
  key: string,
): (path: string, body: unknown) => Promise<v.InferOutput<typeof created>> {
  return async (path, body) => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path} was answered with ${response.status}`);
    return v.parse(created, await response.json());
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
