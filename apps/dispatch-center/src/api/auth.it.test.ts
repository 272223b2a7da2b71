import { createAuthStores, makeKey } from '@heliograph/auth';
import { connectPostgres } from '@heliograph/database';
import { startLoopbackServer, type LoopbackServer } from '@heliograph/simulators';
import { eventually } from '@heliograph/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { apiGround } from '../testing/api-ground.ts';

const ISSUER = 'https://id.example.com/realms/ops';
const ROUTES = '/api/v1/routes';
const KEYS = '/api/v1/auth/keys';

const { privateKey, publicKey } = await generateKeyPair('ES256');
const publicJwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
let jwks: LoopbackServer;
let api: Awaited<ReturnType<typeof apiGround>>;
let isIssuerAway = false;
const secrets: string[] = [];

beforeAll(async () => {
  jwks = await startLoopbackServer((response) => {
    if (isIssuerAway) response.socket?.destroy();
    else response.writeHead(200).end(JSON.stringify({ keys: [publicJwk] }));
  });
  api = await apiGround({
    HELIOGRAPH_OIDC_ISSUER: ISSUER,
    HELIOGRAPH_OIDC_AUDIENCE: 'dispatch-center,heliograph',
    HELIOGRAPH_OIDC_JWKS_URL: `${jwks.url}/certs`,
    HELIOGRAPH_OIDC_ROLES_CLAIM: 'realm_access.roles',
  });
});
afterAll(async () => {
  await api.close();
  await jwks.close();
});

const sign = async (claims: Record<string, unknown> = {}): Promise<string> => {
  const token = await new SignJWT({
    iss: ISSUER,
    aud: 'heliograph',
    sub: 'ada',
    exp: Math.floor(Date.now() / 1000) + 300,
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .sign(privateKey);
  secrets.push(token);
  return token;
};
const createKey = async (scopes: string[], more: object = {}) => {
  const body = { name: `key ${secrets.length}`, scopes, ...more };
  const { status, json } = await api.call('POST', KEYS, { body });
  expect(status).toBe(201);
  secrets.push(json.key);
  return json;
};
const statusOf = async (key: string | null, path: string = ROUTES): Promise<readonly unknown[]> => {
  const { status, json } = await api.call('GET', path, { key });
  return status === 200 ? [200] : [status, json.code];
};

test('keys of the environment work as before, without a row', async () => {
  await expect(statusOf('reader-key-reader-key')).resolves.toEqual([200]);
  await expect(statusOf('monitor-key-monitor-key')).resolves.toEqual([403, 'SCOPE_MISSING']);
  await expect(statusOf('reader-key-reader-kez')).resolves.toEqual([401, 'CREDENTIALS_INVALID']);
  const { json } = await api.call('GET', KEYS);
  expect(json.items).toEqual([]);
});

describe('stored keys', () => {
  test('do what their scopes name', async () => {
    const { key } = await createKey(['routes:read']);
    await expect(statusOf(key)).resolves.toEqual([200]);
    await expect(statusOf(key, '/api/v1/connected-apps')).resolves.toEqual([403, 'SCOPE_MISSING']);
    const { status, json } = await api.call('POST', ROUTES, { key, body: { name: 'x' } });
    expect([status, json.requiredScope]).toEqual([403, 'routes:write']);
  });

  test('that are revoked, expired or unknown are 401, as problem details', async () => {
    const revoked = await createKey(['routes:read']);
    await statusOf(revoked.key);
    await api.call('DELETE', `${KEYS}/${revoked.id}`);
    const expired = await createKey(['routes:read'], { expiresAt: new Date(Date.now() + 300).toISOString() });
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const key of [revoked.key, expired.key, makeKey().key]) {
      const { status, headers, json } = await api.call('GET', ROUTES, { key });
      expect([status, headers.get('content-type')]).toEqual([401, 'application/problem+json']);
      expect(json).toMatchObject({ code: 'CREDENTIALS_INVALID', requestId: expect.any(String) });
    }
  });

  test('of another tenant may do nothing: the app does not tell tenants apart', async () => {
    const { key } = await createKey(['*'], { tenant: 'acme', roles: ['admin'] });
    for (const path of [ROUTES, KEYS])
      await expect(statusOf(key, path)).resolves.toEqual([403, 'SCOPE_MISSING']);
    const { key: own } = await createKey(['routes:read'], { tenant: 'default' });
    await expect(statusOf(own)).resolves.toEqual([200]);
  });

  test('name the caller of an issue, so that event ids of two keys differ', async () => {
    const [first, second] = [await createKey(['issues:write']), await createKey(['issues:write'])];
    const store = async (key: string) =>
      (
        await api.call('POST', '/api/v1/issues', {
          key,
          body: { monitor: 'm', status: 'firing' },
          headers: { 'idempotency-key': 'same' },
        })
      ).json.stored[0].eventId;
    expect(await store(first.key)).not.toBe(await store(second.key));
    expect(await store(first.key)).toBe(await store(first.key));
  });
});

describe('tokens of the issuer', () => {
  test('do what their scopes name', async () => {
    await expect(statusOf(await sign({ scope: 'openid routes:read' }))).resolves.toEqual([200]);
    await expect(statusOf(await sign({ scope: 'openid' }))).resolves.toEqual([403, 'SCOPE_MISSING']);
    await expect(statusOf(await sign({ scope: '*' }))).resolves.toEqual([403, 'SCOPE_MISSING']);
  });

  test.each<[string, Record<string, unknown>]>([
    ['expired', { exp: 1 }],
    ['for another audience', { aud: 'billing' }],
    ['of another issuer', { iss: 'https://id.example.com/realms/other' }],
  ])('%s are 401', async (_, claims) => {
    await expect(statusOf(await sign({ scope: 'routes:read', ...claims }))).resolves.toEqual([
      401,
      'CREDENTIALS_INVALID',
    ]);
  });

  test('bring the scopes of roles, by claim and by membership', async () => {
    await api.call('PUT', '/api/v1/auth/roles/reader', { body: { scopes: ['routes:read'] } });
    const claimed = await sign({ sub: 'claims', realm_access: { roles: ['reader'] } });
    await expect(statusOf(claimed)).resolves.toEqual([200]);

    const member = await sign({ sub: 'bob' });
    await expect(statusOf(member)).resolves.toEqual([403, 'SCOPE_MISSING']);
    const created = await api.call('POST', '/api/v1/auth/members', {
      body: { issuer: ISSUER, subject: 'bob', roles: ['reader'] },
    });
    expect(created.status).toBe(201);
    await eventually('the membership holds', async () => (await statusOf(member))[0] === 200);
    await api.call('DELETE', `/api/v1/auth/members/${created.json.id}`);
    await eventually('the membership has ended', async () => (await statusOf(member))[0] === 403);
  });

  test('of a member give out no more than the member has', async () => {
    const token = await sign({ sub: 'eve', scope: 'auth:keys:write routes:read' });
    const create = (scopes: string[]) =>
      api.call('POST', KEYS, { key: token, body: { name: `of eve ${scopes.join()}`, scopes } });
    await expect(create(['*'])).resolves.toMatchObject({
      status: 403,
      json: { code: 'AUTH_GRANT_EXCEEDS_CALLER' },
    });
    const { status, json } = await create(['routes:read']);
    expect([status, json.tenant, json.createdBy]).toEqual([201, 'default', `eve@${ISSUER}#default`]);
    secrets.push(json.key);
  });
});

describe('logins and nonces', () => {
  let postgres: ReturnType<typeof connectPostgres>;
  let stores: ReturnType<typeof createAuthStores>;
  beforeAll(() => {
    postgres = connectPostgres({ url: api.postgresUrl, applicationName: 'console' });
    stores = createAuthStores(postgres);
  });
  afterAll(async () => {
    await stores.close();
    await postgres.close();
  });

  test('of a key end with it, and operators see it', async () => {
    const { id, key } = await createKey(['auth:logins:read']);
    const { token, familyId } = await stores.refreshTokens.issue({ kind: 'key', id });
    secrets.push(token);
    const path = `/api/v1/auth/logins?principal=key:${id}`;
    await expect(api.call('GET', path, { key })).resolves.toMatchObject({
      status: 200,
      json: { items: [{ id: familyId, state: 'active' }] },
    });
    await api.call('DELETE', `${KEYS}/${id}`);
    await expect(stores.refreshTokens.rotate(token)).resolves.toEqual({ kind: 'revoked' });
    await expect(api.call('GET', path)).resolves.toMatchObject({
      json: { items: [{ id: familyId, state: 'revoked', revokedFor: 'holder' }] },
    });
  });

  test('that have expired are removed by the API itself, and measured', async () => {
    const valueOf = async (metric: string): Promise<number> => {
      const { text } = await api.call('GET', '/metrics', { key: null });
      const line = text.split('\n').find((one) => one.startsWith(`${metric} `));
      return Number(line?.split(' ')[1]);
    };
    expect(await valueOf('heliograph_auth_clean_ups_total{outcome="failed"}')).toBe(0);
    await stores.nonces.issue('login', -1);
    await eventually('it is removed', async () =>
      (await valueOf('heliograph_auth_removed_total{what="nonces"}')) === 1 ? true : undefined,
    );
    expect(await valueOf('heliograph_auth_clean_ups_total{outcome="cleaned"}')).toBeGreaterThan(0);
    await expect(api.call('GET', '/api/v1/auth/counts')).resolves.toMatchObject({ json: { nonces: [] } });
  });
});

describe('while something is away', () => {
  test('without the issuer, known tokens are verified, and keys are not concerned', async () => {
    const { key } = await createKey(['routes:read']);
    isIssuerAway = true;
    try {
      await expect(statusOf(await sign({ scope: 'routes:read' }))).resolves.toEqual([200]);
      await expect(statusOf(key)).resolves.toEqual([200]);
    } finally {
      isIssuerAway = false;
    }
  });

  test('an instance that never reached the issuer answers 503 to tokens', async () => {
    const token = await sign({ scope: 'routes:read' });
    isIssuerAway = true;
    const replica = await api.startReplica();
    try {
      const { status, headers, json } = await replica.call('GET', ROUTES, { key: token });
      expect([status, json.code, headers.get('retry-after')]).toEqual([503, 'UNAVAILABLE', '5']);
      await expect(replica.call('GET', ROUTES, { key: 'admin-key-admin-key' })).resolves.toMatchObject({
        status: 200,
      });
    } finally {
      isIssuerAway = false;
      await replica.stop();
    }
  });

  test('without PostgreSQL, stored keys and tokens are 503, and keys of the environment store issues', async () => {
    const { key } = await createKey(['routes:read', 'issues:write']);
    const token = await sign({ sub: 'nobody-yet', scope: 'issues:write' });
    const store = (each: string) =>
      api.call('POST', '/api/v1/issues', { key: each, body: { monitor: 'm', status: 'firing' } });
    await api.postgresProxy.takeDown();
    try {
      for (const each of [key, token])
        await expect(store(each)).resolves.toMatchObject({ status: 503, json: { code: 'UNAVAILABLE' } });
      await expect(store('monitor-key-monitor-key')).resolves.toMatchObject({ status: 200 });
    } finally {
      await api.postgresProxy.bringUp();
    }
    await eventually('PostgreSQL is back', async () => (await store(key)).status === 200);
  });
});

test('no log line and no further answer holds a key or a token', () => {
  expect(secrets.length).toBeGreaterThan(15);
  const logs = api.logs.join('');
  for (const secret of secrets) {
    expect(logs).not.toContain(secret.slice(-30));
    expect(api.answered.filter((text) => text.includes(secret.slice(-30))).length).toBeLessThanOrEqual(1);
  }
});
