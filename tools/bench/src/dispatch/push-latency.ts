import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createAlertStorm } from '@heliograph/simulators';
import * as v from 'valibot';
import { addresses, WEBHOOK_SECRET } from './ground.ts';
import type { SinkProcess } from './sink-process.ts';

/** An open loop: issues arrive on schedule whatever the system does, so that stalls are counted. */
export interface LatencyRun {
  /** From just before the request to the arrival at the sink, in milliseconds, one per issue that arrived. */
  readonly latenciesMs: readonly number[];
  readonly eventIds: readonly string[];
  /** What was sent beforehand, to warm up. */
  readonly warmEventIds: readonly string[];
}

const APP = fileURLToPath(new URL('../../../../apps/dispatch-center/', import.meta.url));

/** Starts the real API and worker, sends issues at a steady rate, and measures until each notification arrives. */
export async function measurePushLatency(
  sink: SinkProcess,
  options: { readonly perSecond: number; readonly seconds: number },
): Promise<LatencyRun> {
  const [apiPort, workerPort, metricsPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const key = randomBytes(24).toString('base64url');
  const { postgres, clickhouse, temporal } = addresses();
  const env = {
    ...process.env,
    HELIOGRAPH_POSTGRES_URL: postgres,
    HELIOGRAPH_CLICKHOUSE_URL: clickhouse,
    HELIOGRAPH_CLICKHOUSE_DATABASE: 'latency',
    HELIOGRAPH_TEMPORAL_ADDRESS: temporal,
    HELIOGRAPH_TEMPORAL_NAMESPACE: 'latency',
    HELIOGRAPH_TEMPORAL_SETUP: 'true',
    HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'true',
    HELIOGRAPH_SEALING_KEYS: `bench:${randomBytes(32).toString('base64url')}`,
    HELIOGRAPH_API_KEYS: `bench:${key}:*`,
    HELIOGRAPH_WORKER_METRICS_PORT: String(metricsPort),
    HELIOGRAPH_LOG_LEVEL: 'error',
  };
  const children = [start('worker', workerPort, env), start('api', apiPort, env)];
  try {
    await Promise.all([ready(workerPort), ready(apiPort)]);
    const call = caller(`http://127.0.0.1:${apiPort}`, key);
    const app = await call('/api/v1/connected-apps', {
      name: 'latency',
      provider: 'webhook',
      settings: { url: sink.url },
      secret: WEBHOOK_SECRET,
    });
    await call('/api/v1/routes', { name: 'latency', query: '*', connectedAppIds: [app.id] });
    const warm = createAlertStorm({ seed: 5, subjects: 20 });
    const warmEventIds: string[] = [];
    for (const subject of warm) {
      const issue = subject.issue('firing', Date.now());
      warmEventIds.push(issue.eventId);
      await call('/api/v1/issues', issue);
    }
    await sleep(2000);
    return { ...(await openLoop(call, sink, options)), warmEventIds };
  } finally {
    await Promise.all(children.map(stop));
  }
}

async function openLoop(
  call: ReturnType<typeof caller>,
  sink: SinkProcess,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Omit<LatencyRun, 'warmEventIds'>> {
  const sentAt = new Map<string, number>();
  const requests: Promise<unknown>[] = [];
  const startedAt = performance.now();
  for (const [index, subject] of createAlertStorm({ seed: 9, subjects: perSecond * seconds }).entries()) {
    await sleep(Math.max(0, startedAt + (index * 1000) / perSecond - performance.now()));
    const issue = subject.issue('firing', Date.now());
    sentAt.set(issue.eventId, Date.now());
    requests.push(call('/api/v1/issues', issue));
  }
  await Promise.all(requests);
  const arrived = new Map<string, number>();
  for (let waited = 0; arrived.size < sentAt.size && waited < 20_000; waited += 100) {
    await sleep(100);
    for (const { eventId, at } of sink.received) {
      if (sentAt.has(eventId) && !arrived.has(eventId)) arrived.set(eventId, at);
    }
  }
  return {
    eventIds: [...sentAt.keys()],
    latenciesMs: [...arrived].map(([eventId, at]) => at - (sentAt.get(eventId) ?? at)),
  };
}

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
