import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { createAuthStores, makeKey, migrateAuth } from '@heliograph/auth';
import { createClaimCheck } from '@heliograph/codec/claims';
import { createPostgresRegistry, createPostgresStore } from '@heliograph/codec/claims/postgres';
import { createCodec, parseKeyRing } from '@heliograph/codec/codecs';
import { createAuditReader } from '@heliograph/codec-audit/store';
import { verifyChain } from '@heliograph/codec-audit';
import { connectPostgres } from '@heliograph/database';
import { startLoopbackServer, startTcpProxy, TLS_PAIRS } from '@heliograph/simulators';
import { eventually, freshPostgres } from '@heliograph/testkit';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { policyFor, serverFiles, spawnServer } from './testing/start-server.ts';
import { encrypted, valueOf } from './testing/wire-ground.ts';

let files: Awaited<ReturnType<typeof serverFiles>>;
let database: Awaited<ReturnType<typeof freshPostgres>>;
let cleanUps: (() => Promise<unknown>)[];
beforeEach(async () => {
  [files, database] = await Promise.all([serverFiles(), freshPostgres('codec')]);
  cleanUps = [() => database.drop(), files.remove];
});
afterEach(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
});

const start = (more: Readonly<Record<string, string>> = {}) => {
  const server = spawnServer(['api'], { ...files.env, HELIOGRAPH_POSTGRES_URL: database.url, ...more });
  cleanUps.push(() => server.stop());
  return server;
};
const post = (url: string, payloads: readonly unknown[], path = '/decode?strict=true'): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: { authorization: 'Bearer developer-key-of-tests', 'content-type': 'application/json' },
    body: JSON.stringify({ payloads }),
  });
const decodeAs = async (url: string, token: string, payload: unknown): Promise<readonly unknown[]> => {
  const response = await fetch(`${url}/decode?strict=true`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ payloads: [payload] }),
  });
  const { code } = (await response.json()) as { readonly code?: string };
  return code === undefined ? [response.status] : [response.status, code];
};
const lines = (output: string): readonly string[] => output.split('\n').filter((line) => line !== '');

describe('a start', () => {
  test('without any variable says at once what is missing, one line each', async () => {
    const { ended, output } = spawnServer(['api'], {});
    expect(await ended).toBe(1);
    for (const name of ['HELIOGRAPH_POSTGRES_URL', 'HELIOGRAPH_CODEC_POLICY_FILE'])
      expect(lines(output()).filter((line) => line.includes(name))).toHaveLength(1);
    expect(output()).not.toMatch(/^\s+at /m);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    [
      'callers that are none',
      { HELIOGRAPH_CODEC_CALLERS: 'dev:hunter2' },
      /HELIOGRAPH_CODEC_CALLERS: expected id:secret/,
    ],
    [
      'a store of large payloads that is none',
      { HELIOGRAPH_CODEC_CLAIMS: 'file:/none' },
      /HELIOGRAPH_CODEC_CLAIMS: The folder of a file store has to exist/,
    ],
    ['half of an issuer', { HELIOGRAPH_OIDC_ISSUER: 'https://id.example.com/' }, /HELIOGRAPH_OIDC_AUDIENCE/],
    [
      'a policy that is missing',
      { HELIOGRAPH_CODEC_POLICY_FILE: '/none/policy.yaml' },
      /cannot be read \(ENOENT\)/,
    ],
    [
      'no keys',
      { HELIOGRAPH_CODEC_KEYS_FILE: '' },
      /no keys for payloads[;:] set one of HELIOGRAPH_CODEC_KEYS_FILE/,
    ],
    [
      'an address of the network without TLS',
      { HELIOGRAPH_HTTP_HOST: '0.0.0.0' },
      /HELIOGRAPH_HTTP_HOST: another address than loopback needs/,
    ],
  ])('with %s is refused in one line, and quotes no secret', async (_, env, reason) => {
    const server = start(env);
    expect(await server.ended).toBe(1);
    const problems = lines(server.output()).filter((line) => line.startsWith('codec-server: cannot start'));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(reason);
    expect(server.output()).not.toContain('hunter2');
  });

  test('on an address of the network is allowed where TLS ends in front of it', async () => {
    const server = start({ HELIOGRAPH_HTTP_HOST: '0.0.0.0', HELIOGRAPH_CODEC_PLAIN_HTTP: 'true' });
    expect(await server.url()).toMatch(/^http:/);
  });

  test.each([[[]], [['worker', 'api']], [['--help']]])(
    'as %j names the roles, and ends with 2',
    async (args) => {
      const { ended, output } = spawnServer(args, {});
      expect([await ended, lines(output()).length]).toEqual([2, 1]);
      expect(output()).toContain('api');
    },
  );
});

test('a server decrypts, is ready, audits in PostgreSQL, and stops gracefully', async () => {
  const server = start();
  const url = await server.url();
  const answer = await post(url, [await encrypted(files.keys, {}, 'value')]);
  const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
  expect(payloads.map(valueOf)).toEqual(['value']);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/heliograph_codec_server_payloads_total\{[^}]*outcome="allowed"/);
  expect(await auditedEntries()).toMatchObject([
    {
      subject: 'dev',
      action: 'decode',
      namespace: 'test',
      domain: 'dispatch',
      keyId: 'd1',
      count: 1,
      outcome: 'allowed',
    },
  ]);
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  expect(server.output()).not.toContain('"value"');
});

test('a changed policy is in use without a restart, and a wrong one is named by line while the old one stays', async () => {
  const server = start();
  const url = await server.url();
  const payload = await encrypted(files.keys, { domain: 'health' }, 'value');
  expect((await post(url, [payload])).status).toBe(403);
  await writeFile(files.policyFile, policyFor('health'));
  await server.logged('the policy file has changed');
  expect((await post(url, [payload])).status).toBe(200);
  await writeFile(files.policyFile, policyFor('dispatch').replace('decode', 'decrypt'));
  await server.logged('the policy file cannot be used');
  expect(server.output()).toMatch(/policy\.yaml, line 4, column \d+: rules\.0\.actions\.0: expected/);
  expect((await post(url, [payload])).status).toBe(200);
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/heliograph_codec_server_policy_refused\S* 1/);
});

test('while the audit database is away nothing is decrypted, and afterwards it is', async () => {
  const proxy = await startTcpProxy(Number(new URL(database.url).port));
  cleanUps.push(() => proxy.close());
  const through = new URL(database.url);
  through.hostname = '127.0.0.1';
  through.port = String(proxy.port);
  const server = start({ HELIOGRAPH_POSTGRES_URL: through.href });
  const url = await server.url();
  const payload = await encrypted(files.keys, {}, 'value');
  expect((await post(url, [payload])).status).toBe(200);
  await proxy.takeDown();
  const refused = await post(url, [payload]);
  const text = await refused.text();
  // Before the status, whatever it is: once that is known to be 503, this could not fail any more.
  expect(text).not.toContain(Buffer.from('"value"').toString('base64'));
  expect([refused.status, (JSON.parse(text) as { code: string }).code]).toEqual([503, 'AUDIT_UNAVAILABLE']);
  await eventually('it is not ready', async () => (await fetch(`${url}/readyz`)).status === 503 || undefined);
  await proxy.bringUp();
  await eventually(
    'it decrypts again',
    async () => (await post(url, [payload])).status === 200 || undefined,
    {
      timeoutMs: 30_000,
    },
  );
});

test('kill -9 in the middle of requests: whatever was answered is in the log, and its chain is intact', async () => {
  const server = start();
  const url = await server.url();
  const payload = await encrypted(files.keys, {}, 'value');
  const answered: string[] = [];
  const ask = async (index: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const response = await post(url, [payload]).catch(() => null);
      const body = await response?.text().catch(() => null);
      if (response === null || body === null || body === undefined) return;
      answered.push(response.headers.get('x-request-id') ?? `${index}/${i}`);
    }
  };
  const asking = Promise.all(Array.from({ length: 8 }, (_, index) => ask(index)));
  await eventually('requests were answered', () => (answered.length > 100 ? true : undefined));
  await server.stop();
  await asking;
  const recorded = new Set((await auditedEntries()).map(({ requestId }) => requestId));
  expect(answered.filter((id) => !recorded.has(id))).toEqual([]);
  const again = start();
  expect((await post(await again.url(), [payload])).status).toBe(200);
  await withPostgres(async (pg) => {
    expect(await verifyChain(createAuditReader({ pg }).readAll())).toMatchObject({ kind: 'intact' });
  });
});

test('a certificate is replaced without a restart', async () => {
  const [first, second] = TLS_PAIRS;
  const certFile = join(files.directory, 'tls.crt');
  const keyFile = join(files.directory, 'tls.key');
  const write = ({ cert, key }: { readonly cert: string; readonly key: string }): Promise<unknown> =>
    Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)]);
  await write(first);
  const server = start({ HELIOGRAPH_HTTP_TLS_CERT_FILE: certFile, HELIOGRAPH_HTTP_TLS_KEY_FILE: keyFile });
  const url = await server.url();
  expect(url).toMatch(/^https:/);
  const readyWith = (ca: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(`${url}/readyz`, { ca, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
  expect(await readyWith(first.cert)).toBe(200);
  await write(second);
  await server.logged('new connections get the replaced certificate');
  expect(await readyWith(second.cert)).toBe(200);
  await expect(readyWith(first.cert)).rejects.toThrow(/certificate/);
}, 180_000);

async function withPostgres<T>(run: (pg: ReturnType<typeof connectPostgres>) => Promise<T>): Promise<T> {
  const pg = connectPostgres({ url: database.url, applicationName: 'test' });
  try {
    return await run(pg);
  } finally {
    await pg.close(1000);
  }
}

async function auditedEntries() {
  return withPostgres(async (pg) => {
    const entries = [];
    for await (const entry of createAuditReader({ pg }).readAll()) entries.push(entry);
    return entries;
  });
}

test('a large payload that an app has stored in PostgreSQL is fetched and decrypted, also after a restart', async () => {
  const env = {
    HELIOGRAPH_CODEC_CLAIMS: 'postgres',
    HELIOGRAPH_CODEC_KEYS_FILE: join(files.directory, 'claims.json'),
  };
  const key = (id: string, byte: number) => ({ id, key: Buffer.alloc(32, byte).toString('base64url') });
  const ring = JSON.stringify({
    domains: { dispatch: { active: 'd1', keys: [key('d1', 1), { ...key('c1', 9), use: 'claims' }] } },
  });
  await writeFile(env.HELIOGRAPH_CODEC_KEYS_FILE, ring);
  const text = randomBytes(300_000).toString('base64');
  // The first server makes the schema.
  const first = start(env);
  const asked = await first.url();
  const reference = await withPostgres(async (pg) => {
    const claims = createClaimCheck({ store: createPostgresStore(pg), registry: createPostgresRegistry(pg) });
    const codec = createCodec({ keys: parseKeyRing(ring), namespace: 'test', domain: 'dispatch', claims });
    const plain = {
      metadata: { encoding: Buffer.from('json/plain') },
      data: Buffer.from(JSON.stringify(text)),
    };
    const [envelope] = await codec.encode([plain], { type: 'workflow', namespace: 'test', workflowId: 'w' });
    return referenceTo(Buffer.from(envelope?.metadata?.['encryption-claim'] ?? []).toString());
  });
  const decode = async (url: string) => {
    const { payloads } = (await (await post(url, [reference])).json()) as { payloads: { data: string }[] };
    return payloads.map(valueOf);
  };
  await writeFile(files.policyFile, policyFor('dispatch', 'decode, download'));
  await first.logged('the policy file has changed');
  expect(await decode(asked)).toEqual([text]);
  await first.stop();
  expect(await decode(await start(env).url())).toEqual([text]);
}, 180_000);

/** What a history holds in place of a payload that is stored under a name. */
function referenceTo(name: string) {
  const base64 = (value: string): string => Buffer.from(value).toString('base64');
  const messageType = base64('temporal.api.sdk.v1.ExternalStorageReference');
  return {
    metadata: { encoding: base64('json/protobuf'), messageType },
    data: base64(JSON.stringify({ driverName: 'heliograph-claims', claimData: { v: '1', name } })),
  };
}

describe('callers who are stored', () => {
  const ISSUER = 'https://id.example.com/';
  const openStores = async () => {
    const postgres = connectPostgres({ url: database.url, applicationName: 'codec-server-tests' });
    cleanUps.push(() => postgres.close());
    await migrateAuth(postgres);
    return createAuthStores(postgres);
  };
  type Stores = Awaited<ReturnType<typeof openStores>>;
  const addKey = async ({ keys }: Stores, name: string, roles: string[], tenant: string | null = null) => {
    const { key, prefix, digest } = makeKey();
    const more = { scopes: [], createdBy: 'test', expiresAt: null };
    await keys.create({ id: name, name, prefix, digest, roles, tenant, ...more });
    return key;
  };

  test('may read what their roles allow, and nobody of another tenant may', async () => {
    const stores = await openStores();
    const [developer, support, acme] = [
      await addKey(stores, 'developer', ['developer']),
      await addKey(stores, 'support', ['support']),
      await addKey(stores, 'acme', ['developer'], 'acme'),
    ];
    const payload = await encrypted(files.keys, {}, 'secret');
    const url = await start().url();
    await expect(decodeAs(url, developer, payload)).resolves.toEqual([200]);
    for (const key of [support, acme])
      await expect(decodeAs(url, key, payload)).resolves.toEqual([403, 'ROLE_UNKNOWN']);
    await expect(decodeAs(url, makeKey().key, payload)).resolves.toEqual([401, 'CREDENTIALS_INVALID']);
  });

  test('may be members, who come with a token', async () => {
    const stores = await openStores();
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
    const jwks = await startLoopbackServer((response) =>
      response.writeHead(200).end(JSON.stringify({ keys: [jwk] })),
    );
    cleanUps.push(() => jwks.close());
    const sign = (sub: string) =>
      new SignJWT({ iss: ISSUER, aud: 'codec', sub, exp: Math.floor(Date.now() / 1000) + 300 })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .sign(privateKey);
    await stores.roles.put('default', 'developer', null, []);
    const ada = { tenant: 'default', issuer: ISSUER, subject: 'ada' };
    await stores.members.create({ ...ada, id: 'm1', name: null, roles: ['developer'] });

    const payload = await encrypted(files.keys, {}, 'secret');
    const url = await start({
      HELIOGRAPH_OIDC_ISSUER: ISSUER,
      HELIOGRAPH_OIDC_AUDIENCE: 'codec',
      HELIOGRAPH_OIDC_JWKS_URL: `${jwks.url}/keys`,
    }).url();
    await expect(decodeAs(url, await sign('ada'), payload)).resolves.toEqual([200]);
    await expect(decodeAs(url, await sign('eve'), payload)).resolves.toEqual([403, 'ROLE_UNKNOWN']);
  });
});
