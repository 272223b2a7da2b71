import { Writable } from 'node:stream';
import { createLogger, listen, startTelemetry, type ServiceContext } from '@heliograph/service';
import { startTcpProxy, type TcpProxy } from '@heliograph/simulators';
import { freshClickHouse, freshPostgres, stackAddresses } from '@heliograph/testkit';
import { createApi } from '../api/create-api.ts';
import { loadApiConfig, parseApiKeys } from '../config.ts';
import { layGround } from '../wiring.ts';

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
  /** The body as JSON; undefined where it is none. */
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
export async function apiGround() {
  const { postgresUrl, clickhouseUrl } = stackAddresses();
  const [postgres, clickhouse] = await Promise.all([freshPostgres('api'), freshClickHouse('api')]);
  const [postgresProxy, clickhouseProxy] = await Promise.all([
    startTcpProxy(Number(new URL(postgresUrl).port)),
    startTcpProxy(Number(new URL(clickhouseUrl).port)),
  ]);
  const config = loadApiConfig({
    HELIOGRAPH_POSTGRES_URL: behind(postgresProxy, postgres.url),
    HELIOGRAPH_CLICKHOUSE_URL: behind(clickhouseProxy, clickhouseUrl),
    HELIOGRAPH_CLICKHOUSE_DATABASE: clickhouse.database,
    HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1',
    HELIOGRAPH_SEALING_KEYS: `k1:${Buffer.alloc(32, 3).toString('base64url')}`,
    HELIOGRAPH_API_KEYS: KEYS,
  });
  const logs: string[] = [];
  const logger = createLogger({
    name: 'api-test',
    level: 'debug',
    destination: new Writable({
      write(chunk: Buffer, _encoding, done) {
        logs.push(chunk.toString('utf8'));
        done();
      },
    }),
  });
  const parts: Parameters<ServiceContext['register']>[0][] = [];
  const context: ServiceContext = {
    env: {},
    draining: new AbortController().signal,
    register: (part) => parts.push(part),
    useLogger: () => undefined,
    fail: (error) => {
      throw error;
    },
  };
  const telemetry = startTelemetry({ serviceName: 'api-test', version: '0.0.0' });
  const ground = await layGround(config, context, logger, 'test');
  const state = { stored: 0 };
  const edge = createApi({
    ground,
    logger,
    telemetry,
    keys: parseApiKeys(KEYS) ?? [],
    onStored: () => state.stored++,
    validateResponses: true,
  });
  const server = await listen(edge, { port: 0 });

  /** Every body that was answered, for what must never be in one. */
  const answered: string[] = [];
  const call = async (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
    const key = options.key === undefined ? ADMIN_KEY : options.key;
    const body = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await fetch(server.url + path, {
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
  return {
    call,
    answered,
    logs,
    state,
    issues: ground.issues,
    routes: ground.routes,
    streams: ground.streams,
    intents: ground.intents,
    ledger: ground.ledger,
    postgresProxy,
    clickhouseProxy,
    async close() {
      await server.stop(1000);
      for (const part of parts.toReversed()) await part.stop(1000);
      await telemetry.shutdown();
      await Promise.all([postgresProxy.close(), clickhouseProxy.close()]);
      await postgres.drop();
      await clickhouse.drop();
    },
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
