import { withAdvisoryLock, connectPostgres } from '@heliograph/database';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { apiGround, type Answer, type CallOptions } from '../testing/api-ground.ts';

const ROOT = 'root-key-of-the-environment';
const LOGINS = '/api/v1/auth/logins';
const MEMBERS = '/api/v1/auth/members';
const KEYS = '/api/v1/auth/keys';
const COUNTS = '/api/v1/auth/counts';
const CLEAN_UP = '/api/v1/auth/clean-up';
const NONCES = '/api/v1/auth/nonces?purpose=invitation';
const ISSUER = 'https://id.example.com';

let ground: Awaited<ReturnType<typeof apiGround>>;
const tokens: string[] = [];
beforeAll(async () => {
  ground = await apiGround([{ id: 'root', secret: ROOT, scopes: ['*'] }]);
});
afterAll(() => ground.close());

const call = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
  ground.call(method, path, { key: ROOT, ...options });
const refusalOf = ({ status, json }: Answer) => [status, json?.code];
const queryOf = (principal: string): string => `?principal=${encodeURIComponent(principal)}`;
let count = 0;
const createKey = async (more: object): Promise<{ id: string; key: string }> =>
  (await call('POST', KEYS, { body: { name: `key ${++count}`, ...more } })).json;
const addMember = async (subject: string, tenant = 'default'): Promise<{ id: string; principalId: string }> =>
  (await call('POST', MEMBERS, { body: { issuer: ISSUER, subject, tenant } })).json;
const begin = async (kind: 'member' | 'key', id: string): Promise<{ id: string; token: string }> => {
  const { token, familyId } = await ground.stores.refreshTokens.issue({ kind, id });
  tokens.push(token);
  return { id: familyId, token };
};
const exchange = async (token: string): Promise<string> =>
  (await ground.stores.refreshTokens.rotate(token)).kind;

test('logins of a caller are listed, read, and revoked one by one or all together', async () => {
  const ada = await addMember('ada');
  const begun = [await begin('member', ada.id), await begin('member', ada.id), await begin('member', ada.id)];
  const [first, second, third] = begun;
  const listed = await call('GET', LOGINS + queryOf(ada.principalId));
  expect(listed.json.items.map(({ id }: { id: string }) => id)).toEqual(begun.map(({ id }) => id));
  const one = await call('GET', `${LOGINS}/${first?.id}`);
  expect(one).toMatchObject({
    status: 200,
    json: {
      principalId: `ada@${ISSUER}#default`,
      tenant: 'default',
      state: 'active',
      revokedAt: null,
      revokedFor: null,
    },
  });
  for (const status of [204, 204])
    await expect(call('DELETE', `${LOGINS}/${first?.id}`)).resolves.toMatchObject({ status });
  await expect(call('GET', `${LOGINS}/${first?.id}`)).resolves.toMatchObject({
    json: { state: 'revoked', revokedFor: 'operator', revokedAt: expect.any(String) },
  });
  await expect(exchange(first?.token ?? '')).resolves.toBe('revoked');
  await expect(exchange(second?.token ?? '')).resolves.toBe('rotated');
  for (const revoked of [2, 0])
    await expect(call('DELETE', LOGINS + queryOf(ada.principalId))).resolves.toMatchObject({
      status: 200,
      json: { revoked },
    });
  await expect(exchange(third?.token ?? '')).resolves.toBe('revoked');
  expect(refusalOf(await call('GET', `${LOGINS}/nosuch`))).toEqual([404, 'AUTH_LOGIN_NOT_FOUND']);
  expect(refusalOf(await call('DELETE', `${LOGINS}/nosuch`))).toEqual([404, 'AUTH_LOGIN_NOT_FOUND']);
});

test('pages of logins follow each other', async () => {
  const { id, principalId } = await addMember('pages');
  for (let n = 0; n < 3; n++) await begin('member', id);
  const first = await call('GET', `${LOGINS}${queryOf(principalId)}&limit=2`);
  const cursor = encodeURIComponent(first.json.nextCursor);
  const rest = await call('GET', `${LOGINS}${queryOf(principalId)}&limit=2&cursor=${cursor}`);
  expect([first.json.items.length, rest.json.items.length, rest.json.nextCursor]).toEqual([2, 1, null]);
});

test('whose logins are revoked has to be said: none is, otherwise', async () => {
  const { id } = await addMember('unnamed');
  const { token } = await begin('member', id);
  for (const query of ['', '?principal=', '?tenant=default', '?principal=a&principal=b'])
    expect(refusalOf(await call('DELETE', LOGINS + query))[0]).toBe(400);
  await expect(exchange(token)).resolves.toBe('rotated');
});

test('a removed member and a revoked key take their logins along', async () => {
  const member = await addMember('leaves');
  const key = await createKey({ scopes: ['who:read'] });
  const begun = [await begin('member', member.id), await begin('key', key.id)];
  await call('DELETE', `${MEMBERS}/${member.id}`);
  await call('DELETE', `${KEYS}/${key.id}`);
  for (const { id, token } of begun) {
    await expect(call('GET', `${LOGINS}/${id}`)).resolves.toMatchObject({ json: { revokedFor: 'holder' } });
    await expect(exchange(token)).resolves.toBe('revoked');
  }
  const ofKey = await call('GET', LOGINS + queryOf(`key:${key.id}`));
  expect(ofKey.json.items).toHaveLength(1);
});

describe('scopes', () => {
  test.each([
    ['GET', LOGINS, 'auth:logins:read'],
    ['GET', `${LOGINS}/x`, 'auth:logins:read'],
    ['DELETE', `${LOGINS}/x`, 'auth:logins:write'],
    ['DELETE', `${LOGINS}?principal=x`, 'auth:logins:write'],
    ['DELETE', NONCES, 'auth:nonces:write'],
    ['GET', COUNTS, 'auth:maintenance:read'],
    ['POST', CLEAN_UP, 'auth:maintenance:write'],
  ])('%s %s needs %s', async (method, path, scope) => {
    const kinds = ['logins:read', 'logins:write', 'nonces:write', 'maintenance:read', 'maintenance:write'];
    const other = kinds.map((kind) => `auth:${kind}`);
    const { key } = await createKey({ scopes: other.filter((name) => name !== scope) });
    await expect(call(method, path, { key })).resolves.toMatchObject({
      status: 403,
      json: { code: 'SCOPE_MISSING', requiredScope: scope },
    });
  });
});

describe('a caller of a tenant', () => {
  let acme: string;
  beforeAll(async () => {
    acme = (await createKey({ scopes: ['*'], tenant: 'acme' })).key;
  });

  test('sees, counts and revokes the logins of its tenant only', async () => {
    const [mine, other] = [await addMember('mine', 'acme'), await addMember('other', 'beta')];
    const [own, foreign] = [await begin('member', mine.id), await begin('member', other.id)];
    const { json } = await call('GET', LOGINS, { key: acme });
    expect(json.items.map(({ id }: { id: string }) => id)).toEqual([own.id]);
    const counts = await call('GET', COUNTS, { key: acme });
    expect(counts.json).toMatchObject({ logins: { active: 1 }, members: 1, nonces: null });
    for (const method of ['GET', 'DELETE'])
      expect(refusalOf(await call(method, `${LOGINS}/${foreign.id}`, { key: acme }))).toEqual([
        404,
        'AUTH_LOGIN_NOT_FOUND',
      ]);
    await expect(call('DELETE', LOGINS + queryOf(other.principalId), { key: acme })).resolves.toMatchObject({
      json: { revoked: 0 },
    });
    await expect(exchange(foreign.token)).resolves.toBe('rotated');
  });

  test.each([
    ['GET', `${LOGINS}?tenant=beta`],
    ['DELETE', `${LOGINS}?principal=x&tenant=beta`],
    ['GET', `${COUNTS}?tenant=beta`],
    // It reaches all tenants.
    ['POST', CLEAN_UP],
    ['DELETE', NONCES],
  ])('cannot %s %s', async (method, path) => {
    expect(refusalOf(await call(method, path, { key: acme }))).toEqual([403, 'AUTH_TENANT_FORBIDDEN']);
  });
});

describe('maintenance', () => {
  test('counts nonces by purpose, and removes what has expired', async () => {
    await ground.stores.nonces.issue('invitation');
    await ground.stores.nonces.issue('invitation', -1);
    const counts = await call('GET', COUNTS);
    expect(counts.json.nonces).toEqual([{ purpose: 'invitation', open: 1, used: 0, expired: 1 }]);
    await expect(call('POST', CLEAN_UP)).resolves.toMatchObject({
      status: 200,
      json: { keys: 0, logins: 0, nonces: 1, hasMore: false },
    });
    await expect(call('GET', COUNTS)).resolves.toMatchObject({
      json: { nonces: [{ purpose: 'invitation', open: 1, used: 0, expired: 0 }] },
    });
  });

  test('lets the nonces of a purpose expire', async () => {
    const { nonce } = await ground.stores.nonces.issue('leaked');
    for (const revoked of [1, 0])
      await expect(call('DELETE', '/api/v1/auth/nonces?purpose=leaked')).resolves.toMatchObject({
        status: 200,
        json: { revoked },
      });
    await expect(ground.stores.nonces.consume('leaked', nonce)).resolves.toBe('expired');
    for (const query of ['', '?purpose=', '?purpose=a%20b'])
      expect((await call('DELETE', `/api/v1/auth/nonces${query}`)).status).toBe(400);
  });

  test('is left to the process that does it at this moment', async () => {
    const postgres = connectPostgres({ url: ground.url, applicationName: 'another process' });
    await withAdvisoryLock(postgres, 'auth.clean-up', async () => {
      expect(refusalOf(await call('POST', CLEAN_UP))).toEqual([409, 'AUTH_CLEAN_UP_RUNNING']);
    });
    await postgres.close();
  });
});

test('no token is in an answer or a log', async () => {
  const answers = JSON.stringify([await call('GET', LOGINS), await call('GET', COUNTS), ground.lines]);
  expect(tokens.length).toBeGreaterThan(5);
  for (const token of tokens) expect(answers).not.toContain(token.slice(4));
});
