import { eventually } from '@heliograph/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeKey } from '../keys/key-format.ts';
import { apiGround, call as callAt, tokenOf, type Answer, type CallOptions } from '../testing/api-ground.ts';

const ROOT = 'root-key-of-the-environment';
const KEYS = '/api/v1/auth/keys';
const MEMBERS = '/api/v1/auth/members';
const ROLES = '/api/v1/auth/roles';
const ISSUER = 'https://id.example.com';

let ground: Awaited<ReturnType<typeof apiGround>>;
const secrets: string[] = [ROOT];
beforeAll(async () => {
  ground = await apiGround([{ id: 'root', secret: ROOT, scopes: ['*'] }]);
});
afterAll(() => ground.close());

const call = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
  ground.call(method, path, { key: ROOT, ...options });
let count = 0;
const createKey = async (more: object = {}, key = ROOT): Promise<{ id: string; key: string }> => {
  const body = { name: `key ${++count}`, scopes: ['who:read'], ...more };
  const { status, json } = await call('POST', KEYS, { key, body });
  expect([status, json.code]).toEqual([201, undefined]);
  secrets.push(json.key);
  return json;
};
const refusalOf = ({ status, json }: Answer) => [status, json?.code];

describe('a key', () => {
  test('is shown once, and opens what its scopes name', async () => {
    const answer = await call('POST', KEYS, {
      body: { name: ' once ', scopes: ['who:read', 'who:read'], roles: ['support'] },
    });
    expect(answer).toMatchObject({
      status: 201,
      json: {
        name: 'once',
        scopes: ['who:read'],
        roles: ['support'],
        tenant: null,
        state: 'active',
        createdBy: 'root',
        expiresAt: null,
        lastUsedAt: null,
      },
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { key, id, prefix } = answer.json;
    secrets.push(key);
    expect(key.startsWith(`${prefix}_`)).toBe(true);
    const read = await call('GET', answer.headers.get('location') ?? '');
    expect(read.json).not.toHaveProperty('key');
    expect(JSON.stringify([read.json, (await call('GET', KEYS)).json])).not.toContain(
      key.slice(prefix.length),
    );
    await expect(ground.call('GET', '/who', { key })).resolves.toMatchObject({
      status: 200,
      json: { id: `key:${id}` },
    });
    await expect(ground.call('GET', KEYS, { key })).resolves.toMatchObject({
      status: 403,
      json: { code: 'SCOPE_MISSING', requiredScope: 'auth:keys:read' },
    });
  });

  test('works after a restart, and in another process', async () => {
    const { key } = await createKey();
    await ground.restart();
    await expect(ground.call('GET', '/who', { key })).resolves.toMatchObject({ status: 200 });
    const replica = await ground.startReplica();
    await expect(callAt(replica.url, 'GET', '/who', { key })).resolves.toMatchObject({ status: 200 });
    await replica.stop();
  });

  test('that is revoked is 401 at once here, and soon in another process', async () => {
    const { id, key } = await createKey();
    const replica = await ground.startReplica();
    const elsewhere = () => callAt(replica.url, 'GET', '/who', { key });
    await ground.call('GET', '/who', { key });
    await elsewhere();
    const revokedAt = Date.now();
    await expect(call('DELETE', `${KEYS}/${id}`)).resolves.toMatchObject({ status: 204 });
    await expect(call('DELETE', `${KEYS}/${id}`)).resolves.toMatchObject({ status: 204 });
    const here = await ground.call('GET', '/who', { key });
    expect(refusalOf(here)).toEqual([401, 'CREDENTIALS_INVALID']);
    expect(here.headers.get('content-type')).toBe('application/problem+json');
    expect(here.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    await eventually('the other process refuses it', async () =>
      (await elsewhere()).status === 401 ? true : undefined,
    );
    expect(Date.now() - revokedAt).toBeLessThan(6500);
    await replica.stop();
    await expect(call('GET', `${KEYS}/${id}`)).resolves.toMatchObject({ json: { state: 'revoked' } });
  });

  test('that has expired is 401, and was not accepted with an expiry in the past', async () => {
    const past = await call('POST', KEYS, {
      body: { name: 'past', scopes: ['who:read'], expiresAt: '2020-01-01T00:00:00Z' },
    });
    expect(refusalOf(past)).toEqual([422, 'AUTH_EXPIRY_PAST']);
    expect(past.json.detail).toContain('2020-01-01T00:00:00.000Z');
    const { id, key } = await createKey({ expiresAt: new Date(Date.now() + 1000).toISOString() });
    await expect(ground.call('GET', '/who', { key })).resolves.toMatchObject({ status: 200 });
    await eventually('it expires', async () =>
      (await ground.call('GET', '/who', { key })).status === 401 ? true : undefined,
    );
    await expect(call('GET', `${KEYS}/${id}`)).resolves.toMatchObject({ json: { state: 'expired' } });
  });

  test('makes none that outlives it, and is not followed by those it made when it is revoked', async () => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const later = new Date(Date.now() + 60_001).toISOString();
    const scopes = ['auth:keys:write', 'who:read'];
    const parent = await createKey({ scopes, expiresAt });
    for (const tooLate of [null, later]) {
      const body = { name: 'outlives', scopes: ['who:read'], expiresAt: tooLate };
      const refused = await ground.call('POST', KEYS, { key: parent.key, body });
      expect(refusalOf(refused)).toEqual([403, 'AUTH_GRANT_EXCEEDS_CALLER']);
      expect(refused.json.detail).toContain(expiresAt);
    }
    const child = await createKey({ expiresAt }, parent.key);
    await createKey();
    await call('DELETE', `${KEYS}/${parent.id}`);
    await expect(ground.call('GET', '/who', { key: child.key })).resolves.toMatchObject({ status: 200 });
    const made = await call('GET', `${KEYS}?createdBy=key:${parent.id}`);
    expect(made.json.items.map(({ id }: { id: string }) => id)).toEqual([child.id]);
  });

  test('that nobody made is 401, in the form of a key or not', async () => {
    for (const key of [makeKey().key, 'something-else'])
      expect(refusalOf(await ground.call('GET', '/who', { key }))).toEqual([401, 'CREDENTIALS_INVALID']);
    const none = await ground.call('GET', '/who');
    expect(refusalOf(none)).toEqual([401, 'CREDENTIALS_REQUIRED']);
  });

  test('has a name of its own', async () => {
    await createKey({ name: 'taken' });
    const again = await call('POST', KEYS, { body: { name: 'taken', scopes: ['who:read'] } });
    expect(refusalOf(again)).toEqual([409, 'AUTH_NAME_TAKEN']);
  });

  // A defect of Grafana (issue 78375): after an upgrade, the last use was no longer recorded.
  test('tells when it was last used, also when it is remembered', async () => {
    const { id, key } = await createKey();
    const lastUsedAt = async (): Promise<number> =>
      Date.parse((await call('GET', `${KEYS}/${id}`)).json.lastUsedAt ?? '1970-01-01T00:00:00Z');
    let known = 0;
    for (let round = 0; round < 2; round++) {
      await ground.call('GET', '/who', { key });
      known = await eventually('the use is recorded', async () => {
        const at = await lastUsedAt();
        return at > known ? at : undefined;
      });
    }
    expect(Math.abs(Date.now() - known)).toBeLessThan(30_000);
  });
});

describe('nobody gives out more than it has', () => {
  test.each<[string, object, string]>([
    ['another scope', { scopes: ['who:read', 'auth:roles:write'] }, 'auth:roles:write'],
    ['everything', { scopes: ['*'] }, '*'],
    ['a role', { roles: ['admin'] }, 'admin'],
  ])('a key with %s', async (_, more, lacking) => {
    const { key } = await createKey({ scopes: ['auth:keys:write', 'who:read'] });
    const answer = await call('POST', KEYS, { key, body: { name: 'more', scopes: ['who:read'], ...more } });
    expect(refusalOf(answer)).toEqual([403, 'AUTH_GRANT_EXCEEDS_CALLER']);
    expect(answer.json.detail).toContain(lacking);
  });

  test('a key within, which then gives out no more either', async () => {
    const first = await createKey({ scopes: ['auth:keys:write', 'auth:keys:read', 'who:read'] });
    const second = await createKey({ scopes: ['auth:keys:write'] }, first.key);
    const third = await call('POST', KEYS, {
      key: second.key,
      body: { name: 'third', scopes: ['who:read'] },
    });
    expect(refusalOf(third)).toEqual([403, 'AUTH_GRANT_EXCEEDS_CALLER']);
  });

  test('a role or a membership', async () => {
    await call('PUT', `${ROLES}/boss`, { body: { scopes: ['*'] } });
    await call('PUT', `${ROLES}/reader`, { body: { scopes: ['who:read'] } });
    const { key } = await createKey({
      scopes: ['auth:roles:write', 'auth:members:write', 'who:read'],
      roles: ['reader', 'boss'],
      tenant: 'default',
    });
    const grown = await call('PUT', `${ROLES}/reader`, {
      key,
      body: { scopes: ['who:read', 'issues:write'] },
    });
    expect(refusalOf(grown)).toEqual([403, 'AUTH_GRANT_EXCEEDS_CALLER']);
    const member = (subject: string, roles: string[]) =>
      call('POST', MEMBERS, { key, body: { issuer: ISSUER, subject, roles } });
    // It has the role by name, and not what the role stands for.
    expect(refusalOf(await member('eve', ['boss']))).toEqual([403, 'AUTH_GRANT_EXCEEDS_CALLER']);
    await expect(member('ada', ['reader'])).resolves.toMatchObject({ status: 201 });
  });

  test('what is there already may stay, and be taken away', async () => {
    await call('PUT', `${ROLES}/wide`, { body: { scopes: ['a:read', 'b:read'] } });
    const { key } = await createKey({ scopes: ['auth:roles:write', 'a:read'] });
    await expect(call('PUT', `${ROLES}/wide`, { key, body: { scopes: ['b:read'] } })).resolves.toMatchObject({
      status: 200,
      json: { scopes: ['b:read'], version: 2 },
    });
  });
});

describe('who holds more than the caller', () => {
  let clerk: string;
  let bossPath: string;
  beforeAll(async () => {
    await call('PUT', `${ROLES}/owner?tenant=firm`, { body: { scopes: ['*'] } });
    await call('PUT', `${ROLES}/spare?tenant=firm`, { body: { scopes: ['a:read'] } });
    await call('PUT', `${ROLES}/clerk?tenant=firm`, { body: { scopes: ['who:read'] } });
    for (const subject of ['first', 'second']) {
      const { headers } = await call('POST', MEMBERS, {
        body: { issuer: ISSUER, subject, tenant: 'firm', roles: ['owner'] },
      });
      bossPath = headers.get('location') ?? '';
    }
    const scopes = ['auth:members:write', 'auth:roles:write', 'who:read'];
    clerk = (await createKey({ scopes, roles: ['clerk'], tenant: 'firm' })).key;
  });

  test('is neither removed nor demoted, only renamed', async () => {
    const exceeds = [403, 'AUTH_GRANT_EXCEEDS_CALLER'];
    const put = (body: object) => call('PUT', bossPath, { key: clerk, body });
    expect(refusalOf(await call('DELETE', bossPath, { key: clerk }))).toEqual(exceeds);
    expect(refusalOf(await put({ roles: [] }))).toEqual(exceeds);
    await expect(put({ name: 'Boss', roles: ['owner'] })).resolves.toMatchObject({
      status: 200,
      json: { name: 'Boss', roles: ['owner'] },
    });
    await expect(put({ name: 'Boss', roles: ['owner', 'clerk'] })).resolves.toMatchObject({ status: 200 });
    await expect(put({ name: 'Boss', roles: ['owner'] })).resolves.toMatchObject({ status: 200 });
  });

  test('keeps what its role gives', async () => {
    const exceeds = [403, 'AUTH_GRANT_EXCEEDS_CALLER'];
    const narrowed = await call('PUT', `${ROLES}/owner`, { key: clerk, body: { scopes: ['who:read'] } });
    expect(refusalOf(narrowed)).toEqual(exceeds);
    expect(refusalOf(await call('DELETE', `${ROLES}/spare`, { key: clerk }))).toEqual(exceeds);
    await expect(call('DELETE', `${ROLES}/clerk`, { key: clerk })).resolves.toMatchObject({ status: 204 });
  });
});

describe('a caller of a tenant', () => {
  let acme: string;
  beforeAll(async () => {
    acme = (await createKey({ scopes: ['*'], tenant: 'acme' })).key;
  });

  test('acts in its tenant, without naming it', async () => {
    const created = await call('POST', KEYS, { key: acme, body: { name: 'mine', scopes: ['who:read'] } });
    expect(created.json).toMatchObject({ tenant: 'acme' });
    secrets.push(created.json.key);
    const listed = await call('GET', KEYS, { key: acme });
    expect(listed.json.items.map(({ tenant }: { tenant: string }) => tenant)).toEqual(['acme', 'acme']);
    await expect(
      call('PUT', `${ROLES}/ops`, { key: acme, body: { scopes: ['x:read'] } }),
    ).resolves.toMatchObject({ status: 201, json: { tenant: 'acme' } });
    await expect(
      call('POST', MEMBERS, { key: acme, body: { issuer: ISSUER, subject: 'bob', roles: ['ops'] } }),
    ).resolves.toMatchObject({ status: 201, json: { tenant: 'acme' } });
  });

  test.each<[string, string, object | undefined]>([
    ['GET', `${KEYS}?tenant=other`, undefined],
    ['POST', KEYS, { name: 'x', scopes: ['who:read'], tenant: 'other' }],
    ['POST', KEYS, { name: 'x', scopes: ['who:read'], tenant: null }],
    ['GET', `${MEMBERS}?tenant=other`, undefined],
    ['POST', MEMBERS, { issuer: ISSUER, subject: 'x', tenant: 'other' }],
    ['GET', `${ROLES}?tenant=other`, undefined],
    ['GET', `${ROLES}/boss?tenant=default`, undefined],
    ['PUT', `${ROLES}/boss?tenant=default`, { scopes: [] }],
    ['DELETE', `${ROLES}/boss?tenant=default`, undefined],
  ])('cannot %s %s %j', async (method, path, body) => {
    const answer = await call(method, path, { key: acme, ...(body === undefined ? {} : { body }) });
    expect(refusalOf(answer)).toEqual([403, 'AUTH_TENANT_FORBIDDEN']);
  });

  test('finds no ids of other tenants', async () => {
    const { id } = await createKey();
    const member = await call('POST', MEMBERS, { body: { issuer: ISSUER, subject: 'elsewhere' } });
    for (const method of ['GET', 'DELETE'])
      expect(refusalOf(await call(method, `${KEYS}/${id}`, { key: acme }))).toEqual([
        404,
        'AUTH_KEY_NOT_FOUND',
      ]);
    const path = `${MEMBERS}/${member.json.id}`;
    for (const [method, body] of [['GET'], ['DELETE'], ['PUT', { roles: [] }]] as const)
      expect(
        refusalOf(await call(method, path, { key: acme, ...(body === undefined ? {} : { body }) })),
      ).toEqual([404, 'AUTH_MEMBER_NOT_FOUND']);
  });
});

describe('members', () => {
  const add = (subject: string, more: object = {}, headers: Record<string, string> = {}) =>
    call('POST', MEMBERS, { body: { issuer: ISSUER, subject, tenant: 'crew', ...more }, headers });

  test('are created once per idempotency key, read, changed by ETag, and removed', async () => {
    await call('PUT', `${ROLES}/helper?tenant=crew`, { body: { scopes: ['who:read'] } });
    const created = await add('ada', { roles: ['helper'], name: 'Ada' }, { 'idempotency-key': 'k1' });
    const replayed = await add('ada', { roles: ['helper'], name: 'Ada' }, { 'idempotency-key': 'k1' });
    expect([created.status, replayed.json]).toEqual([201, created.json]);
    expect(refusalOf(await add('ada'))).toEqual([409, 'AUTH_MEMBER_EXISTS']);
    const path = created.headers.get('location') ?? '';
    const read = await call('GET', path);
    const etag = read.headers.get('etag') ?? '';
    expect(etag).toBe(created.headers.get('etag'));
    const unchanged = await call('GET', path, { headers: { 'if-none-match': etag } });
    expect(unchanged.status).toBe(304);
    const change = { body: { name: null, roles: [] }, headers: { 'if-match': etag } };
    await expect(call('PUT', path, change)).resolves.toMatchObject({ status: 200, json: { version: 2 } });
    expect(refusalOf(await call('PUT', path, change))).toEqual([412, 'IF_MATCH_FAILED']);
    expect(refusalOf(await call('DELETE', path, { headers: { 'if-match': etag } }))).toEqual([
      412,
      'IF_MATCH_FAILED',
    ]);
    await expect(call('DELETE', path)).resolves.toMatchObject({ status: 204 });
    expect(refusalOf(await call('GET', path))).toEqual([404, 'AUTH_MEMBER_NOT_FOUND']);
  });

  test('need roles that exist', async () => {
    const refused = await add('eve', { roles: ['nobody', 'knows'] });
    expect(refusalOf(refused)).toEqual([422, 'AUTH_ROLE_NOT_FOUND']);
    expect(refused.json.detail).toContain('nobody, knows');
  });

  test('are listed in pages, and found by subject', async () => {
    for (const subject of ['p1', 'p2', 'p3']) await add(subject, { tenant: 'pages' });
    const subjects: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { json } = await call('GET', `${MEMBERS}?tenant=pages&limit=2${query}`);
      subjects.push(...json.items.map(({ subject }: { subject: string }) => subject));
      cursor = json.nextCursor;
    } while (cursor !== null);
    expect(subjects.toSorted()).toEqual(['p1', 'p2', 'p3']);
    const { json } = await call('GET', `${MEMBERS}?issuer=${encodeURIComponent(ISSUER)}&subject=p2`);
    expect(json.items).toMatchObject([{ subject: 'p2' }]);
    expect(refusalOf(await call('GET', `${MEMBERS}?cursor=nonsense`))).toEqual([400, 'CURSOR_INVALID']);
  });

  test('have what their roles give them at once where it was changed', async () => {
    const key = tokenOf('quick', 'quick');
    const who = async () => (await ground.call('GET', '/who', { key })).status;
    await expect(who()).resolves.toBe(403);
    const role = `${ROLES}/caller?tenant=quick`;
    await call('PUT', role, { body: { scopes: [] } });
    const { json } = await add('quick', { tenant: 'quick', roles: ['caller'] });
    await expect(who()).resolves.toBe(403);
    await call('PUT', role, { body: { scopes: ['who:read'] } });
    await expect(who()).resolves.toBe(200);
    await call('PUT', `${MEMBERS}/${json.id}`, { body: { roles: [] } });
    await expect(who()).resolves.toBe(403);
    await call('PUT', `${MEMBERS}/${json.id}`, { body: { roles: ['caller'] } });
    await expect(who()).resolves.toBe(200);
    await call('DELETE', `${MEMBERS}/${json.id}`);
    await expect(who()).resolves.toBe(403);
  });

  test('are one caller in each tenant: an idempotency key of one replays nothing to the other', async () => {
    const tenants = ['left', 'right'];
    for (const tenant of tenants) {
      await call('PUT', `${ROLES}/admin?tenant=${tenant}`, { body: { scopes: ['*'] } });
      await add('both', { tenant, roles: ['admin'] });
    }
    const answers = tenants.map((tenant) =>
      ground.call('POST', MEMBERS, {
        key: tokenOf('both', tenant),
        body: { issuer: ISSUER, subject: 'new' },
        headers: { 'idempotency-key': 'the-same' },
      }),
    );
    expect((await Promise.all(answers)).map(({ status, json }) => [status, json.tenant])).toEqual([
      [201, 'left'],
      [201, 'right'],
    ]);
    const made = await ground.call('POST', KEYS, {
      key: tokenOf('both', 'left'),
      body: { name: 'by', scopes: ['who:read'] },
    });
    secrets.push(made.json.key);
    expect(made.json.createdBy).toBe(`both@${ISSUER}#left`);
  });

  test('keep an admin', async () => {
    await call('PUT', `${ROLES}/admin?tenant=crew`, { body: { scopes: ['auth:members:write'] } });
    const admin = await add('boss', { roles: ['admin'] });
    const path = `${MEMBERS}/${admin.json.id}`;
    expect(refusalOf(await call('DELETE', path))).toEqual([409, 'AUTH_LAST_ADMIN']);
    expect(refusalOf(await call('PUT', path, { body: { roles: [] } }))).toEqual([409, 'AUTH_LAST_ADMIN']);
    const emptied = await call('PUT', `${ROLES}/admin?tenant=crew`, { body: { scopes: [] } });
    expect(refusalOf(emptied)).toEqual([409, 'AUTH_LAST_ADMIN']);
    await add('second', { roles: ['admin'] });
    await expect(call('DELETE', path)).resolves.toMatchObject({ status: 204 });
  });
});

describe('roles', () => {
  test('are created, replaced by ETag, listed and removed', async () => {
    const path = `${ROLES}/on-call?tenant=shift`;
    expect(
      refusalOf(await call('PUT', path, { body: { scopes: [] }, headers: { 'if-match': '"x"' } })),
    ).toEqual([412, 'IF_MATCH_FAILED']);
    const created = await call('PUT', path, { body: { scopes: ['a:read', 'a:read'] } });
    expect(created).toMatchObject({ status: 201, json: { scopes: ['a:read'], version: 1 } });
    const etag = created.headers.get('etag') ?? '';
    const replace = { body: { scopes: ['b:read'] }, headers: { 'if-match': etag } };
    await expect(call('PUT', path, replace)).resolves.toMatchObject({ status: 200, json: { version: 2 } });
    expect(refusalOf(await call('PUT', path, replace))).toEqual([412, 'IF_MATCH_FAILED']);
    await expect(call('GET', `${ROLES}?tenant=shift`)).resolves.toMatchObject({
      json: { items: [{ name: 'on-call', scopes: ['b:read'] }], nextCursor: null },
    });
    const member = await call('POST', MEMBERS, {
      body: { issuer: ISSUER, subject: 'x', tenant: 'shift', roles: ['on-call'] },
    });
    expect(refusalOf(await call('DELETE', path))).toEqual([409, 'AUTH_ROLE_IN_USE']);
    await call('DELETE', `${MEMBERS}/${member.json.id}`);
    await expect(call('DELETE', path)).resolves.toMatchObject({ status: 204 });
    expect(refusalOf(await call('GET', path))).toEqual([404, 'AUTH_ROLE_NOT_FOUND']);
    expect(refusalOf(await call('DELETE', path))).toEqual([404, 'AUTH_ROLE_NOT_FOUND']);
  });

  test.each([
    ['PUT', `${ROLES}/Boss`, { scopes: [] }, 400],
    ['PUT', `${ROLES}/boss`, { scopes: ['a b'] }, 422],
    ['PUT', `${ROLES}/boss`, { scopes: 'a' }, 422],
    ['GET', `${KEYS}/..%2f..`, undefined, 400],
    ['POST', KEYS, { name: 'x', scopes: ['who:read'], id: 'chosen' }, 422],
  ])('%s %s %j is %d', async (method, path, body, status) => {
    const answer = await call(method, path, body === undefined ? {} : { body });
    expect(refusalOf(answer)).toEqual([status, 'INPUT_INVALID']);
  });
});

describe('while the database is away', () => {
  test.each<[string, () => Promise<void> | void, () => Promise<void> | void]>([
    ['it refuses connections', () => ground.proxy.takeDown(), () => ground.proxy.bringUp()],
    ['it does not answer', () => ground.proxy.freeze(), () => ground.proxy.thaw()],
  ])('stored keys are 503, not refused and not allowed: %s', async (_, takeAway, giveBack) => {
    const { key } = await createKey();
    await takeAway();
    try {
      for (const each of [key, makeKey().key]) {
        const answer = await ground.call('GET', '/who', { key: each });
        expect(refusalOf(answer)).toEqual([503, 'UNAVAILABLE']);
        expect(answer.headers.get('retry-after')).toBe('5');
      }
      // Keys of the environment are known without a database.
      await expect(ground.call('GET', '/who', { key: ROOT })).resolves.toMatchObject({ status: 200 });
    } finally {
      await giveBack();
    }
    await eventually('it is back', async () =>
      (await ground.call('GET', '/who', { key })).status === 200 ? true : undefined,
    );
  });
});

test('no log line holds a key', () => {
  expect(secrets.length).toBeGreaterThan(10);
  const logs = ground.lines.join('');
  for (const secret of secrets) expect(logs).not.toContain(secret.slice(-30));
  expect(logs).toContain('"principal":"key:');
});
