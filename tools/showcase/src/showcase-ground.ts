import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import {
  createDispatchClient,
  type ConnectedAppInput,
  type DispatchClient,
  type RouteInput,
} from '@heliograph/dispatch-api';
import { startNotificationSink, type FaultScript } from '@heliograph/simulators';
import { describeProcesses, loadApp, startStack } from '@heliograph/stack';
import postgres from 'postgres';
import { isShown, summarize, type Expected, type Explanation, type Question } from './situation.ts';

const DATABASE = 'heliograph';
const PATIENCE_MS = 90_000;

/** The real API, a worker that can be stopped, and a receiver that fails on demand, on a stack of their own. */
export interface ShowcaseGround {
  readonly api: { readonly url: string; readonly key: string };
  readonly client: DispatchClient;
  readonly sql: postgres.Sql;
  readonly clickhouse: ClickHouseClient;
  /** Adds faults of the receiver, until `restore`. */
  failAtReceiver(...faults: FaultScript): void;
  /** Creates a connected app that leads to the receiver; resolves to its id. */
  createApp(name: string, more?: Partial<ConnectedAppInput>): Promise<string>;
  /** Disables a connected app. */
  disableApp(id: string): Promise<void>;
  /** Creates a route for the issues of one situation, until `restore`; resolves to its id. */
  createRoute(name: string, more: Partial<RouteInput>): Promise<string>;
  removeRoute(id: string): Promise<void>;
  /** Reports an issue of a situation; resolves to its event id. */
  report(name: string, status: 'firing' | 'resolved' | 'suppressed'): Promise<string>;
  /** Writes an issue past the API; resolves to its event id. */
  write(name: string, columns: Readonly<Record<string, unknown>>): Promise<string>;
  explain(question: Pick<Question, 'fingerprint' | 'eventId'>): Promise<Explanation>;
  /** Waits until the explanation gives the reason. */
  untilShown(question: Question, expected: Expected): Promise<void>;
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  /** Removes routes and faults of the situation, and starts the worker if it was stopped. */
  restore(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the ground. `root` is that of the repository; the Dispatch Center is built already. */
export async function startShowcaseGround(
  root: string,
  print: (line: string) => void = () => undefined,
): Promise<ShowcaseGround> {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-reasons-'));
  const stack = await startStack({ directory: join(directory, 'state'), print });
  const [workerSpec, apiSpec] = await describeProcesses(await loadApp(root, 'dispatch-center'), stack, {
    env: {
      HELIOGRAPH_CLICKHOUSE_DATABASE: DATABASE,
      HELIOGRAPH_SCAN_INTERVAL_MS: '1000',
      HELIOGRAPH_SWEEP_INTERVAL_MS: '1000',
      HELIOGRAPH_RESOLVE_RETRY_MS: '0',
      HELIOGRAPH_LOG_LEVEL: 'error',
    },
    processes: [{ role: 'worker' }, { role: 'api' }],
  });
  if (workerSpec === undefined || apiSpec === undefined) throw new Error('a process is missing');
  let worker = await stack.run([workerSpec]);
  let isWorkerStopped = false;
  await stack.run([apiSpec]);
  const sink = await startNotificationSink();
  const api = { url: apiSpec.url ?? '', key: stack.secret('dispatch-center-api-key') };
  const client = createDispatchClient({ url: api.url, apiKey: api.key });
  const sql = postgres(stack.env['HELIOGRAPH_POSTGRES_URL'] ?? '', { max: 3, onnotice: () => undefined });
  const clickhouse = createClient({ url: stack.env['HELIOGRAPH_CLICKHOUSE_URL'] ?? '', database: DATABASE });
  let faults: FaultScript = [];
  let routes: string[] = [];

  const explain: ShowcaseGround['explain'] = async ({ fingerprint, eventId }) =>
    (await client.explainAlert({ query: { fingerprint, eventId } })).body;
  const startWorker = async (): Promise<void> => {
    worker = await stack.run([workerSpec]);
    isWorkerStopped = false;
  };

  return {
    api,
    client,
    sql,
    clickhouse,
    explain,
    startWorker,
    async stopWorker() {
      await worker.stop();
      isWorkerStopped = true;
    },
    failAtReceiver(...more) {
      faults = [...faults, ...more];
      sink.setFaults(faults);
    },
    async createApp(name, more = {}) {
      const app = await client.createConnectedApp({
        body: {
          name: `${name} receiver`,
          provider: 'webhook',
          settings: { url: sink.url },
          secret: `whsec_${randomBytes(24).toString('base64')}`,
          ...more,
        },
      });
      return app.body.id;
    },
    async disableApp(id) {
      const { name, provider } = (await client.readConnectedApp({ params: { id } })).body;
      const body = { name, provider, settings: { url: sink.url }, enabled: false };
      await client.replaceConnectedApp({ params: { id }, body });
    },
    async createRoute(name, more) {
      const route = await client.createRoute({ body: { name, query: `label.case:${name}`, ...more } });
      routes.push(route.body.id);
      return route.body.id;
    },
    async removeRoute(id) {
      await client.removeRoute({ params: { id } });
    },
    async report(name, status) {
      const eventId = randomUUID();
      await client.storeIssues({
        body: {
          eventId,
          monitor: 'disk-full',
          fingerprint: name,
          status,
          severity: 'critical',
          labels: { case: name, namespace: 'payments' },
          annotations: { summary: '5 % left' },
        },
      });
      return eventId;
    },
    async write(name, columns) {
      const eventId = randomUUID();
      const row = {
        event_id: eventId,
        monitor: 'disk-full',
        fingerprint: name,
        status: 'firing',
        severity: 'critical',
        labels: { case: name },
        annotations: {},
        starts_at: new Date().toISOString(),
        ...columns,
      };
      await clickhouse.insert({
        table: 'issues',
        format: 'JSONEachRow',
        values: [row],
        clickhouse_settings: { date_time_input_format: 'best_effort' },
      });
      return eventId;
    },
    async untilShown(question, expected) {
      let last = 'nothing';
      for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(150)) {
        // What was written past the API may not be visible at once.
        const explanation = await explain(question).catch((error: unknown) => {
          if (hasCode(error, 'DISPATCH_ALERT_UNKNOWN')) return null;
          throw error;
        });
        if (explanation === null) continue;
        if (isShown(explanation, question.routeId, expected)) return;
        last = summarize(explanation, question.routeId);
      }
      throw new Error(`the explanation says ${last}`);
    },
    async restore() {
      for (const id of routes) {
        await client.removeRoute({ params: { id } }).catch((error: unknown) => {
          // A situation may have removed its route itself.
          if (!hasCode(error, 'DISPATCH_ROUTE_NOT_FOUND')) throw error;
        });
      }
      routes = [];
      faults = [];
      sink.setFaults([]);
      if (isWorkerStopped) await startWorker();
    },
    async stop() {
      await sql.end();
      await clickhouse.close();
      await stack.stop();
      await sink.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
