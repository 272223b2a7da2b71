import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@clickhouse/client';
import { startNotificationSink } from '@heliograph/simulators';
import { startStack } from '@heliograph/stack';
import postgres from 'postgres';

const DATABASE = 'heliograph';
const PATIENCE_MS = 90_000;

/**
 * @typedef {Awaited<ReturnType<typeof startGround>>} Ground
 * @typedef {import('@heliograph/simulators').FaultScript[number]} FaultRule
 */

/**
 * The embedded stack, a receiver that fails as it is told, the real API, and a worker that can be stopped.
 * @param {string} root
 * @param {(line: string) => void} print
 */
export async function startGround(root, print) {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-reasons-'));
  const stack = await startStack({ directory: join(directory, 'state'), print });
  const sink = await startNotificationSink();
  const app = join(root, 'apps/dispatch-center');
  const [apiPort, workerPort, metricsPort] = await Promise.all([
    stack.port('api'),
    stack.port('worker'),
    stack.port('metrics'),
  ]);
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const apiKey = stack.secret('api-key');
  const env = {
    ...process.env,
    ...stack.env,
    HELIOGRAPH_CLICKHOUSE_DATABASE: DATABASE,
    HELIOGRAPH_TEMPORAL_SETUP: 'true',
    HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'true',
    HELIOGRAPH_SEALING_KEYS: `local:${stack.secret('sealing-key')}`,
    HELIOGRAPH_API_KEYS: `reasons:${apiKey}:*`,
    HELIOGRAPH_WORKER_METRICS_PORT: String(metricsPort),
    HELIOGRAPH_SCAN_INTERVAL_MS: '1000',
    HELIOGRAPH_SWEEP_INTERVAL_MS: '1000',
    HELIOGRAPH_RESOLVE_RETRY_MS: '0',
    HELIOGRAPH_LOG_LEVEL: 'error',
  };
  const start = async (/** @type {string} */ role, /** @type {number} */ port) => {
    const child = spawn(process.execPath, ['dist/main.js', role], {
      cwd: app,
      env: { ...env, HELIOGRAPH_HTTP_PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    for (let attempt = 0; attempt < 300; attempt++) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
      if (answer?.ok === true) return child;
      if (child.exitCode !== null) break;
      await sleep(100);
    }
    child.kill('SIGKILL');
    throw new Error(`the ${role} did not get ready`);
  };
  let worker = await start('worker', workerPort);
  const api = await start('api', apiPort);
  const sql = postgres(String(stack.env['HELIOGRAPH_POSTGRES_URL']), { max: 3, onnotice: () => {} });
  const clickhouse = createClient({
    url: String(stack.env['HELIOGRAPH_CLICKHOUSE_URL']),
    database: DATABASE,
  });
  /** @type {FaultRule[]} */
  let faults = [];
  /** @type {string[]} */
  let routes = [];

  const end = async (/** @type {import('node:child_process').ChildProcess} */ child) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>} null where there is nothing
   */
  const call = async (method, path, body) => {
    const response = await fetch(apiUrl + path, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status === 404) return null;
    if (!response.ok)
      throw new Error(`${method} ${path} was answered with ${response.status}: ${await response.text()}`);
    return response.status === 204 ? null : response.json();
  };
  const explain = (/** @type {import('./show-reasons.js').Shown} */ { fingerprint, eventId }) =>
    call(
      'GET',
      `/api/v1/explain?fingerprint=${fingerprint}${eventId === undefined ? '' : `&eventId=${eventId}`}`,
    );

  return {
    sql,
    clickhouse,
    explain,
    /** Answers of the receiver to streams of one fingerprint, until `restore`. @param {...FaultRule} rules */
    receiver(...rules) {
      faults = [...faults, ...rules];
      sink.setFaults(faults);
    },
    /** @param {string} name @param {object} [more] @returns {Promise<{ id: string, name: string }>} */
    app: (name, more = {}) =>
      call('POST', '/api/v1/connected-apps', {
        name: `${name} receiver`,
        provider: 'webhook',
        settings: { url: sink.url },
        secret: `whsec_${randomBytes(24).toString('base64')}`,
        ...more,
      }),
    /** @param {string} id @param {object} more */
    async changeApp(id, more) {
      const { name, provider, settings, enabled } = await call('GET', `/api/v1/connected-apps/${id}`);
      await call('PUT', `/api/v1/connected-apps/${id}`, { name, provider, settings, enabled, ...more });
    },
    /** A route for one situation, until `restore`. @param {string} name @param {object} more @returns {Promise<{ id: string }>} */
    async route(name, more) {
      const route = await call('POST', '/api/v1/routes', { name, query: `label.case:${name}`, ...more });
      routes.push(route.id);
      return route;
    },
    /** @param {string} id */
    removeRoute: (id) => call('DELETE', `/api/v1/routes/${id}`),
    /** Stores an issue of a situation; gives its event id. @param {string} name @param {'firing' | 'resolved' | 'suppressed'} status */
    async report(name, status) {
      const eventId = randomUUID();
      await call('POST', '/api/v1/issues', {
        eventId,
        monitor: 'disk-full',
        fingerprint: name,
        status,
        severity: 'critical',
        labels: { case: name, namespace: 'payments' },
        annotations: { summary: '5 % left' },
      });
      return eventId;
    },
    /** Writes an issue past the API. @param {string} name @param {Record<string, unknown>} columns */
    async write(name, columns) {
      const eventId = randomUUID();
      await clickhouse.insert({
        table: 'issues',
        format: 'JSONEachRow',
        values: [
          {
            event_id: eventId,
            monitor: 'disk-full',
            fingerprint: name,
            status: 'firing',
            severity: 'critical',
            labels: { case: name },
            annotations: {},
            starts_at: new Date().toISOString(),
            ...columns,
          },
        ],
        clickhouse_settings: { date_time_input_format: 'best_effort' },
      });
      return eventId;
    },
    stopWorker: () => end(worker),
    async startWorker() {
      worker = await start('worker', workerPort);
    },
    /**
     * Waits until the explanation gives a reason, of any stream or route.
     * @param {import('./show-reasons.js').Shown} question
     * @param {{ reason: string, outcome?: string | undefined }} wanted
     */
    async untilExplained(question, { reason, outcome }) {
      let last = 'nothing';
      for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(150)) {
        const explanation = await explain(question);
        const explained = explanation?.routes ?? [];
        const streams = explained.flatMap((/** @type {any} */ route) => route.streams);
        if (outcome === undefined && explained.some((/** @type {any} */ route) => route.reason === reason))
          return;
        for (const stream of streams) {
          const isSettled =
            outcome === undefined ? stream.outcome.kind !== 'pending' : stream.outcome.kind === outcome;
          if (stream.reason === reason && isSettled) return;
          last = `${stream.reason} (${stream.outcome.kind})`;
        }
      }
      throw new Error(`the explanation says ${last}`);
    },
    /** What the command line prints. @param {import('./show-reasons.js').Shown} question @returns {Promise<string>} */
    heliograph: ({ fingerprint, eventId }) =>
      new Promise((resolve, reject) => {
        const args = [
          join(root, 'apps/cli/bin/heliograph.js'),
          'explain',
          'alert',
          fingerprint,
          ...(eventId === undefined ? [] : ['--event', eventId]),
        ];
        const cliEnv = { ...process.env, HELIOGRAPH_API_URL: apiUrl, HELIOGRAPH_API_KEY: apiKey };
        execFile(process.execPath, args, { env: cliEnv }, (error, stdout, stderr) => {
          if (error === null) resolve(stdout.trimEnd());
          else reject(new Error(`heliograph failed: ${stderr.trim()}`));
        });
      }),
    /** The receiver answers well again, the worker runs, and the routes of the situation are gone. */
    async restore() {
      for (const id of routes) await call('DELETE', `/api/v1/routes/${id}`);
      routes = [];
      faults = [];
      sink.setFaults([]);
      if (worker.exitCode !== null) worker = await start('worker', workerPort);
    },
    async stop() {
      await Promise.all([end(worker), end(api)]);
      await sql.end();
      await clickhouse.close();
      await sink.close();
      await stack.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
