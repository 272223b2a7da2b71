import { connectPostgres, isDatabaseError, isUnavailable } from '@heliograph/database';
import { startTcpProxy } from '@heliograph/simulators';
import {
  anyOf,
  createBearerAuth,
  createEdge,
  createLogger,
  listen,
  memoryIdempotencyStore,
  type Authenticator,
  type BearerKey,
} from '@heliograph/service';
import { freshPostgres } from '@heliograph/testkit';
import * as v from 'valibot';
import { addAuthApi } from '../api/index.ts';
import { createAuthStores } from '../create-auth-stores.ts';
import { createKeyAuth } from '../keys/key-auth.ts';
import { createLastUsed } from '../keys/last-used.ts';
import { createMemberIdentifier, type MemberIdentifier } from '../members/identify-member.ts';
import { migrateAuth } from '../migrate.ts';

/** What was answered, its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are checked by what tests expect of them
  readonly json: any;
}

/** A request besides its method and path. */
export interface CallOptions {
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The API on a real database behind a proxy, with keys of an environment besides the stored ones. */
export async function apiGround(keys: readonly BearerKey[]) {
  const database = await freshPostgres('auth-api');
  const address = new URL(database.url);
  const proxy = await startTcpProxy(Number(address.port));
  address.hostname = '127.0.0.1';
  address.port = String(proxy.port);
  const lines: string[] = [];
  const logger = createLogger({
    name: 'auth-api',
    level: 'debug',
    destination: { write: (line: string) => void lines.push(line) },
  });
  const start = async () => {
    const postgres = connectPostgres({ url: address.href, applicationName: 'auth-api' });
    await migrateAuth(postgres);
    const stores = createAuthStores(postgres);
    const lastUsed = createLastUsed({ keys: stores.keys, flushAfterMs: 50 });
    const keyAuth = createKeyAuth({
      keys: stores.keys,
      onUsed: (use) => lastUsed.record(use),
      timeoutMs: 500,
    });
    const identifier = createMemberIdentifier({ members: stores.members, timeoutMs: 500 });
    const edge = createEdge({
      name: 'auth-api',
      version: '1.0.0',
      logger,
      auth: anyOf([createBearerAuth(keys), keyAuth, tokenAuth(identifier)]),
      idempotency: memoryIdempotencyStore(),
      isUnavailable: (error) => isUnavailable(error) || (isDatabaseError(error) && error.retryable),
      validateResponses: true,
    });
    addAuthApi(edge, {
      ...stores,
      onRevoked: (prefix) => keyAuth.forget(prefix),
      onChanged: (tenant) => identifier.forget(tenant),
    });
    edge.route({
      method: 'GET',
      path: '/who',
      summary: 'Tells who calls',
      scope: 'who:read',
      responses: { 200: { description: 'The id.', schema: v.object({ id: v.string() }) } },
      handler: ({ principal }) => ({ status: 200, body: { id: principal.id } }),
    });
    const server = await listen(edge, { port: 0 });
    return {
      stores,
      url: server.url,
      async stop() {
        await server.stop(0);
        await lastUsed.stop();
        await stores.close();
        await postgres.close();
      },
    };
  };
  let process = await start();
  return {
    lines,
    proxy,
    url: database.url,
    get stores() {
      return process.stores;
    },
    /** Another process over the same database, which knows nothing of the first. */
    startReplica: start,
    async restart() {
      await process.stop();
      process = await start();
    },
    call: (method: string, path: string, options: CallOptions = {}) =>
      call(process.url, method, path, options),
    async close() {
      await process.stop();
      await proxy.close();
      await database.drop();
    },
  };
}

/** What stands for a verified token of a subject. */
export function tokenOf(subject: string, tenant: string): string {
  return `token.${tenant}.${subject}`;
}

function tokenAuth({ identify }: MemberIdentifier): Authenticator {
  return {
    scheme: 'Bearer',
    authenticate: async (headers) => {
      const [, tenant, subject] =
        /^Bearer token\.([^.]*)\.(.*)$/.exec(headers.get('authorization') ?? '') ?? [];
      if (tenant === undefined || subject === undefined) return { kind: 'absent' };
      const issuer = 'https://id.example.com';
      return identify({ issuer, subject, tenant, scopes: new Set(), roles: new Set(), expiresAt: 0 });
    },
  };
}

/** Sends a request and reads its answer. */
export async function call(
  url: string,
  method: string,
  path: string,
  { key, body, headers }: CallOptions,
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, headers: response.headers, json };
}
