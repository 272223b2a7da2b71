import { startTcpProxy, type TcpProxy } from '@heliograph/simulators';
import { eventually, freshClickHouse, freshPostgres, stackAddresses } from '@heliograph/testkit';
import { openAuth, runApiApp, type Databases } from '@heliograph/worker-app';
import { createApi } from '../api/create-api.ts';
import { apiVariables, parseApiKeys } from '../config.ts';
import { createServices, dispatchCenter, withoutPostgres, type Services } from '../wiring.ts';

const ADMIN_KEY = 'admin-key-admin-key';
const KEYS = [
  `admin:${ADMIN_KEY}:*`,
  'reader:reader-key-reader-key:routes:read+connected-apps:read',
  'monitor:monitor-key-monitor-key:issues:write',
  'on-call:on-call-key-on-call-key:explain:read',
].join(',');

/** An answer, its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined if it is none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are checked by what tests expect of them
  readonly json: any;
}

/** What a request has besides its method and path. */
export interface CallOptions {
  readonly body?: unknown;
  /** A body as it is sent; instead of `body`. */
  readonly rawBody?: string;
  /** Bearer key; default one that may do everything, null for none. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The API on real databases, which lie behind proxies, and on a free port. */
export async function apiGround(variables: Readonly<Record<string, string>> = {}) {
  const { postgresUrl, clickhouseUrl } = stackAddresses();
  const [postgres, clickhouse] = await Promise.all([freshPostgres('api'), freshClickHouse('api')]);
  const [postgresProxy, clickhouseProxy] = await Promise.all([
    startTcpProxy(Number(new URL(postgresUrl).port)),
    startTcpProxy(Number(new URL(clickhouseUrl).port)),
  ]);
  const env = {
    HELIOGRAPH_POSTGRES_URL: behind(postgresProxy, postgres.url),
    HELIOGRAPH_CLICKHOUSE_URL: behind(clickhouseProxy, clickhouseUrl),
    HELIOGRAPH_CLICKHOUSE_DATABASE: clickhouse.database,
    HELIOGRAPH_HTTP_PORT: '0',
    HELIOGRAPH_DRAIN_MS: '0',
    HELIOGRAPH_LOG_LEVEL: 'debug',
    HELIOGRAPH_SEALING_KEYS: `k1:${Buffer.alloc(32, 3).toString('base64url')}`,
    HELIOGRAPH_API_KEYS: KEYS,
    // Without Temporal there are no payloads.
    HELIOGRAPH_CODEC_MODE: 'off',
    ...variables,
  };
  const logs: string[] = [];
  const state = { stored: 0 };
  const onStored = (): void => void state.stored++;
  const api = await startApi(env, logs, onStored);
  const { services } = api;
  /** Every body that was answered, for what must never be in one. */
  const answered: string[] = [];
  return {
    call: callerOf(api.url, answered),
    answered,
    logs,
    state,
    issues: services.issues,
    routes: services.routes,
    connectedApps: services.connectedApps,
    health: services.health,
    postgresUrl: postgres.url,
    streams: services.streams,
    intents: services.intents,
    ledger: services.ledger,
    clickhouse: services.clickhouse,
    postgresProxy,
    clickhouseProxy,
    /** Starts another instance over the same databases, which shares nothing else with the first. */
    async startReplica(more: Readonly<Record<string, string>> = {}) {
      const replicaLogs: string[] = [];
      const replica = await startApi({ ...env, ...more }, replicaLogs, onStored);
      return { ...replica, logs: replicaLogs, call: callerOf(replica.url, answered) };
    },
    async close() {
      await api.stop();
      await Promise.all([postgresProxy.close(), clickhouseProxy.close()]);
      await postgres.drop();
      await clickhouse.drop();
    },
  };
}

async function startApi(env: Readonly<Record<string, string>>, logs: string[], onStored: () => void) {
  let signal = (): void => undefined;
  let done: Promise<number> | undefined;
  const services = await new Promise<Services & Pick<Databases, 'clickhouse'>>((resolve, reject) => {
    done = runApiApp({
      ...dispatchCenter,
      ...withoutPostgres,
      name: 'api-test',
      variables: apiVariables,
      host: {
        env,
        exit: () => undefined,
        writeLine: (line) => reject(new Error(line)),
        onSignal: (listener) => {
          signal = () => listener('SIGTERM');
          return () => undefined;
        },
        onFatal: () => () => undefined,
      },
      logDestination: { write: (line) => void logs.push(line) },
      edge(app) {
        const created = createServices(app);
        resolve({ ...created, clickhouse: app.clickhouse });
        return createApi({
          services: created,
          edgeOptions: { ...app.edgeOptions, validateResponses: true },
          auth: openAuth(app, {
            keys: parseApiKeys(app.config.HELIOGRAPH_API_KEYS.reveal()) ?? [],
            cleanUpIntervalMs: 1000,
          }),
          onStored,
        });
      },
    });
  });
  const url = await eventually('the API listens', () => {
    const listening = logs.find((line) => line.includes('"listening"'));
    return listening === undefined ? undefined : /"url":"(http:[^"]+)"/.exec(listening)?.[1];
  });
  return {
    url,
    services,
    async stop() {
      signal();
      await done;
    },
  };
}

function callerOf(url: string, answered: string[]) {
  return async (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
    const key = options.key === undefined ? ADMIN_KEY : options.key;
    const body = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    answered.push(text);
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
}

function behind(proxy: TcpProxy, address: string): string {
  const url = new URL(address);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return url.href;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
