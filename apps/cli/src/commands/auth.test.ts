import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CreatedKeyView, KeyView, LoginView, MemberView, RoleView } from '@heliograph/auth-api';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cannedApi, ran, type Asked, type Canned } from '../testing/canned-api.ts';

let api: Awaited<ReturnType<typeof cannedApi>>;
let folder: string;
beforeAll(async () => {
  api = await cannedApi();
  folder = mkdtempSync(join(tmpdir(), 'heliograph-auth-'));
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

const ISSUER = 'https://id.example.com/';
const SECRET = `hgk_abcdefghijkl_${'s'.repeat(49)}`;
const KEY: KeyView = {
  id: '0190a1b2',
  name: 'ci',
  prefix: 'hgk_abcdefghijkl',
  tenant: null,
  scopes: ['issues:write', 'routes:read'],
  roles: [],
  state: 'active',
  createdBy: 'admin',
  createdAt: '2026-01-31T12:00:00.000Z',
  expiresAt: '2026-12-31T00:00:00.000Z',
  revokedAt: null,
  lastUsedAt: null,
};
const CREATED: CreatedKeyView = { ...KEY, key: SECRET };
const MEMBER: MemberView = {
  id: 'm1',
  principalId: `ada@${ISSUER}#default`,
  tenant: 'default',
  issuer: ISSUER,
  subject: 'ada',
  name: 'Ada',
  roles: ['on-call', 'reader'],
  version: 1,
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
};
const ROLE: RoleView = {
  tenant: 'default',
  name: 'reader',
  scopes: ['routes:read'],
  version: 1,
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
};

const ask = (...args: readonly string[]) =>
  ran(['auth', ...args], { env: { HELIOGRAPH_API_URL: api.url, HELIOGRAPH_API_KEY: 'key-of-an-admin' } });
const ok = (body: unknown, status = 200): Canned => ({ status, body });
const listed = (...items: readonly unknown[]) => ok({ items, nextCursor: null });
const refused = (status: number, code: string, detail?: string): Canned => ({
  status,
  body: { status, code, requestId: 'r1', ...(detail === undefined ? {} : { detail }) },
});
const asked = (): readonly unknown[] =>
  api.asked.map(({ path, query }: Asked, index) => [api.sent[index]?.method, path, query]);

describe('keys create', () => {
  test('shows the key once, and what it may do', async () => {
    api.answer(ok(CREATED, 201));
    const args = ['ci', '--scopes', 'issues:write, routes:read', '--expires-at', '2026-12-31'];
    await expect(ask('keys', 'create', ...args)).resolves.toEqual({
      exitCode: 0,
      err: '',
      out: `Key ci is created.
  id           0190a1b2
  begins with  hgk_abcdefghijkl
  scopes       issues:write, routes:read
  tenant       all
  created      2026-01-31T12:00:00.000Z by admin
  expires      2026-12-31T00:00:00.000Z
  last used    never

${SECRET}

This is the key. It cannot be shown again.
`,
    });
    expect(api.sent).toEqual([
      {
        method: 'POST',
        body: {
          name: 'ci',
          scopes: ['issues:write', 'routes:read'],
          expiresAt: '2026-12-31T00:00:00.000Z',
        },
      },
    ]);
    expect(api.asked).toMatchObject([{ path: '/api/v1/auth/keys', authorization: 'Bearer key-of-an-admin' }]);
  });

  test('passes roles, tenant and lifetime on', async () => {
    api.answer(ok(CREATED, 201));
    const before = Date.now();
    await ask(
      ...'keys create ci --scopes a:read --roles support,on-call --tenant acme --expires-in 90d'.split(' '),
    );
    const [{ body } = { body: undefined }] = api.sent;
    expect(body).toMatchObject({ roles: ['support', 'on-call'], tenant: 'acme' });
    const lifetimeMs = Date.parse(String(Reflect.get(Object(body), 'expiresAt'))) - before;
    expect(Math.abs(lifetimeMs - 90 * 86_400_000)).toBeLessThan(60_000);
  });

  test('writes the key into a file of its owner, and does not show it', async () => {
    api.answer(ok(CREATED, 201));
    const file = join(folder, 'ci.key');
    const { exitCode, out } = await ask('keys', 'create', 'ci', '--scopes', 'a', '--to-file', file);
    expect([exitCode, readFileSync(file, 'utf8')]).toEqual([0, `${SECRET}\n`]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(out).not.toContain(SECRET);
    expect(out).toContain('It cannot be shown again.');
    const json = await ask('keys', 'create', 'ci', '--scopes', 'a', '--to-file', `${file}2`, '--json');
    expect(JSON.parse(json.out)).toEqual(KEY);
  });

  test('never overwrites a file, and makes no key then', async () => {
    api.answer(ok(CREATED, 201));
    const file = join(folder, 'there');
    writeFileSync(file, 'mine');
    await expect(ask('keys', 'create', 'ci', '--scopes', 'a', '--to-file', file)).resolves.toMatchObject({
      exitCode: 1,
      err: `heliograph: ${file} cannot be created (EEXIST)\n`,
    });
    expect([readFileSync(file, 'utf8'), api.asked]).toEqual(['mine', []]);
  });

  test('leaves no empty file where the API refuses', async () => {
    api.answer(refused(409, 'AUTH_NAME_TAKEN', 'A key of this name exists.'));
    const file = join(folder, 'refused');
    await expect(ask('keys', 'create', 'ci', '--scopes', 'a', '--to-file', file)).resolves.toMatchObject({
      exitCode: 1,
      err: 'heliograph: the API refused the request (409, AUTH_NAME_TAKEN, request r1): A key of this name exists.\n',
    });
    expect(existsSync(file)).toBe(false);
  });

  test('prints the answer as JSON, the key included', async () => {
    api.answer(ok(CREATED, 201));
    const { out } = await ask('keys', 'create', 'ci', '--scopes', 'a', '--json');
    expect(JSON.parse(out)).toEqual(CREATED);
  });

  test('says what the caller lacks', async () => {
    api.answer(refused(403, 'AUTH_GRANT_EXCEEDS_CALLER', 'This one lacks the scopes *.'));
    await expect(ask('keys', 'create', 'ci', '--scopes', '*')).resolves.toMatchObject({
      exitCode: 1,
      err: 'heliograph: the API refused the request (403, AUTH_GRANT_EXCEEDS_CALLER, request r1): This one lacks the scopes *.\n',
    });
    api.answer(refused(403, 'SCOPE_MISSING'));
    const { err } = await ask('keys', 'create', 'ci', '--scopes', 'a');
    expect(err).toBe(
      'heliograph: the key lacks the scope auth:keys:write (403, SCOPE_MISSING, request r1)\n',
    );
  });
});

describe('keys list', () => {
  test('lays keys out', async () => {
    api.answer(
      listed(KEY, {
        ...KEY,
        name: 'old',
        tenant: 'acme',
        roles: ['support'],
        state: 'revoked',
        expiresAt: null,
        revokedAt: '2026-02-01T00:00:00.000Z',
        lastUsedAt: '2026-01-31T13:00:00.000Z',
      }),
    );
    const { out } = await ask('keys', 'list');
    expect(out).toContain('ci (active)\n  id           0190a1b2\n');
    expect(out).toContain(`
old (revoked)
  id           0190a1b2
  begins with  hgk_abcdefghijkl
  scopes       issues:write, routes:read
  roles        support
  tenant       acme
  created      2026-01-31T12:00:00.000Z by admin
  expires      never
  last used    2026-01-31T13:00:00.000Z
  revoked      2026-02-01T00:00:00.000Z
`);
  });

  test.each([1, 3, 250, 400, 401])('follows pages up to its limit of %i', async (limit) => {
    const all = Array.from({ length: 401 }, (_, n) => ({ ...KEY, id: `k${n}` }));
    api.answer(({ query }) => {
      const from = Number(query['cursor'] ?? 0);
      const to = from + Number(query['limit']);
      return {
        status: 200,
        body: { items: all.slice(from, to), nextCursor: to < all.length ? String(to) : null },
      };
    });
    const { out } = await ask('keys', 'list', '--limit', String(limit), '--json', '--tenant', 'acme');
    const { items, hasMore } = JSON.parse(out);
    expect([items.length, hasMore]).toEqual([limit, limit < 401]);
    expect(api.asked.every(({ query }) => query['tenant'] === 'acme' && Number(query['limit']) <= 200)).toBe(
      true,
    );
  });

  test('says that there are none, or more', async () => {
    api.answer(listed());
    await expect(ask('keys', 'list')).resolves.toMatchObject({ out: 'There are no keys.\n' });
    api.answer(ok({ items: [KEY, KEY], nextCursor: null }));
    const { out } = await ask('keys', 'list', '--limit', '1');
    expect(out).toMatch(/\nThere are more\. Raise --limit to list them\.\n$/);
  });

  test('does not follow a page that names itself', async () => {
    api.answer(ok({ items: [], nextCursor: 'c1' }));
    await expect(ask('keys', 'list')).resolves.toMatchObject({
      exitCode: 1,
      err: 'heliograph: the API returned the same page twice\n',
    });
  });
});

test('keys revoke', async () => {
  api.answer({ status: 204, body: '' });
  await expect(ask('keys', 'revoke', '0190a1b2')).resolves.toEqual({
    exitCode: 0,
    err: '',
    out: 'Key 0190a1b2 is revoked.\n',
  });
  expect(asked()).toEqual([['DELETE', '/api/v1/auth/keys/0190a1b2', {}]]);
  api.answer(refused(404, 'AUTH_KEY_NOT_FOUND', 'There is no key x.'));
  await expect(ask('keys', 'revoke', 'x')).resolves.toMatchObject({
    exitCode: 1,
    err: 'heliograph: the API refused the request (404, AUTH_KEY_NOT_FOUND, request r1): There is no key x.\n',
  });
});

const MEMBER_SHOWN = `Ada (ada)
  id         m1
  tenant     default
  issuer     https://id.example.com/
  principal  ada@https://id.example.com/#default
  roles      on-call, reader
`;

describe('members', () => {
  test('are listed, by what is asked for', async () => {
    api.answer(listed(MEMBER, { ...MEMBER, name: null, subject: 'bob', roles: [] }));
    const args = ['--tenant', 'default', '--issuer', ISSUER, '--subject', 'ada'];
    const { out } = await ask('members', 'list', ...args);
    expect(out).toContain(MEMBER_SHOWN);
    expect(out).toContain('\nbob\n  id         m1\n');
    expect(out).toContain('  roles      none\n');
    expect(api.asked[0]?.query).toEqual({ limit: '200', tenant: 'default', issuer: ISSUER, subject: 'ada' });
  });

  test('are created where there is none', async () => {
    api.answer(ok(MEMBER, 201));
    await expect(
      ask('members', 'set', 'ada', '--issuer', ISSUER, '--roles', 'on-call,reader', '--name', 'Ada'),
    ).resolves.toEqual({ exitCode: 0, err: '', out: MEMBER_SHOWN });
    expect(api.sent).toEqual([
      {
        method: 'POST',
        body: { issuer: ISSUER, subject: 'ada', roles: ['on-call', 'reader'], name: 'Ada' },
      },
    ]);
  });

  test('get exactly these roles where there is one, and keep their name', async () => {
    api.answer(refused(409, 'AUTH_MEMBER_EXISTS'), listed(MEMBER), ok({ ...MEMBER, roles: [] }));
    const { exitCode, out } = await ask('members', 'set', 'ada', '--issuer', ISSUER, '--without-roles');
    expect([exitCode, out]).toEqual([0, expect.stringContaining('roles      none')]);
    expect(asked()).toEqual([
      ['POST', '/api/v1/auth/members', {}],
      ['GET', '/api/v1/auth/members', { limit: '2', issuer: ISSUER, subject: 'ada' }],
      ['PUT', '/api/v1/auth/members/m1', {}],
    ]);
    expect(api.sent[2]?.body).toEqual({ roles: [], name: 'Ada' });
  });

  test('of several tenants or issuers are not guessed', async () => {
    api.answer(refused(409, 'AUTH_MEMBER_EXISTS'), listed(MEMBER, { ...MEMBER, tenant: 'acme' }));
    await expect(ask('members', 'set', 'ada', '--issuer', ISSUER, '--roles', 'a')).resolves.toMatchObject({
      exitCode: 2,
      err: 'heliograph: ada is a member by several tenants; name one with --tenant\n',
    });
    api.answer(listed(MEMBER, { ...MEMBER, issuer: 'https://other.example.com' }));
    await expect(ask('members', 'remove', 'ada')).resolves.toMatchObject({
      exitCode: 2,
      err: 'heliograph: ada is a member by several issuers; name one with --issuer\n',
    });
  });

  test('are removed', async () => {
    api.answer(listed(MEMBER), { status: 204, body: '' });
    await expect(ask('members', 'remove', 'ada', '--tenant', 'default')).resolves.toEqual({
      exitCode: 0,
      err: '',
      out: 'ada is no longer a member of default.\n',
    });
    expect(asked()[1]).toEqual(['DELETE', '/api/v1/auth/members/m1', {}]);
    api.answer(listed());
    await expect(ask('members', 'remove', 'ada', '--tenant', 'acme')).resolves.toMatchObject({
      exitCode: 1,
      err: 'heliograph: there is no member ada in the tenant acme\n',
    });
  });

  test('need a scope for each request', async () => {
    api.answer({
      status: 403,
      body: { code: 'SCOPE_MISSING', requestId: 'r1', requiredScope: 'auth:members:read' },
    });
    await expect(ask('members', 'remove', 'ada')).resolves.toMatchObject({
      err: 'heliograph: the key lacks the scope auth:members:read (403, SCOPE_MISSING, request r1)\n',
    });
  });

  test('keep the last admin', async () => {
    api.answer(listed(MEMBER), refused(409, 'AUTH_LAST_ADMIN', 'Nobody could manage the members.'));
    const { exitCode, err } = await ask('members', 'remove', 'ada');
    expect([exitCode, err]).toEqual([1, expect.stringContaining('Nobody could manage the members.')]);
  });
});

describe('roles', () => {
  test('are listed', async () => {
    api.answer(listed(ROLE));
    await expect(ask('roles', 'list', '--tenant', 'default')).resolves.toEqual({
      exitCode: 0,
      err: '',
      out: 'reader\n  tenant  default\n  scopes  routes:read\n',
    });
    expect(api.asked[0]?.query).toEqual({ limit: '200', tenant: 'default' });
  });

  test.each<[string[], string[]]>([
    [
      ['--scopes', 'routes:read,explain:read'],
      ['routes:read', 'explain:read'],
    ],
    [['--without-scopes'], []],
  ])('are set with %j', async (args, scopes) => {
    api.answer(ok({ ...ROLE, scopes }, 201));
    const { exitCode } = await ask('roles', 'set', 'reader', '--tenant', 'acme', ...args);
    expect([exitCode, asked(), api.sent[0]?.body]).toEqual([
      0,
      [['PUT', '/api/v1/auth/roles/reader', { tenant: 'acme' }]],
      { scopes },
    ]);
  });

  test('are removed', async () => {
    api.answer({ status: 204, body: '' });
    await expect(ask('roles', 'remove', 'reader')).resolves.toMatchObject({
      out: 'Role reader is removed.\n',
    });
    expect(asked()).toEqual([['DELETE', '/api/v1/auth/roles/reader', {}]]);
  });
});

const LOGIN: LoginView = {
  id: 'f1',
  principalId: `ada@${ISSUER}#default`,
  tenant: 'default',
  state: 'active',
  createdAt: '2026-01-01T00:00:00.000Z',
  refreshedAt: '2026-01-02T00:00:00.000Z',
  expiresAt: '2026-01-16T00:00:00.000Z',
  endsAt: '2026-04-01T00:00:00.000Z',
  revokedAt: null,
  revokedFor: null,
};

describe('logins', () => {
  test('are listed, with the reason why one was revoked', async () => {
    const revokedAt = '2026-01-03T00:00:00.000Z';
    const revoked = { ...LOGIN, id: 'f2', principalId: 'key:k1', tenant: null, state: 'revoked', revokedAt };
    api.answer(
      listed(LOGIN, { ...revoked, revokedFor: 'holder' }, { ...revoked, revokedFor: 'newer-reason' }),
    );
    const { out, err } = await ask('logins', 'list', '--tenant', 'default');
    expect([err, asked()]).toEqual([
      '',
      [['GET', '/api/v1/auth/logins', { limit: '200', tenant: 'default' }]],
    ]);
    expect(out).toContain(`ada@https://id.example.com/#default (active)
  id         f1
  tenant     default
  begun      2026-01-01T00:00:00.000Z
  refreshed  2026-01-02T00:00:00.000Z
  expires    2026-01-16T00:00:00.000Z unless it is refreshed, 2026-04-01T00:00:00.000Z at the latest
`);
    expect(out).toContain('key:k1 (revoked)\n  id         f2\n  tenant     all\n');
    expect(out).toContain(`  revoked    ${revokedAt} (with its member or key)\n`);
    expect(out).toContain(`  revoked    ${revokedAt} (newer-reason)\n`);
    const json = await ask('logins', 'list', '--json', '--limit', '1');
    expect(JSON.parse(json.out)).toMatchObject({ items: [LOGIN], hasMore: true });
  });

  test('of a caller are found by its id, or by its subject', async () => {
    api.answer(listed());
    await expect(ask('logins', 'list', '--principal', 'key:k1')).resolves.toMatchObject({
      out: 'There are no logins.\n',
    });
    expect(asked()).toEqual([['GET', '/api/v1/auth/logins', { limit: '200', principal: 'key:k1' }]]);
    api.answer(listed(MEMBER), listed(LOGIN));
    await ask('logins', 'list', '--subject', 'ada', '--issuer', ISSUER);
    expect(asked()).toEqual([
      ['GET', '/api/v1/auth/members', { limit: '2', subject: 'ada', issuer: ISSUER }],
      ['GET', '/api/v1/auth/logins', { limit: '200', principal: MEMBER.principalId }],
    ]);
  });

  test('are revoked one by one', async () => {
    api.answer({ status: 204, body: '' });
    await expect(ask('logins', 'revoke', 'f1')).resolves.toEqual({
      exitCode: 0,
      err: '',
      out: 'Login f1 is revoked.\n',
    });
    expect(asked()).toEqual([['DELETE', '/api/v1/auth/logins/f1', {}]]);
    api.answer(refused(404, 'AUTH_LOGIN_NOT_FOUND', 'There is no login f1.'));
    const { exitCode, err } = await ask('logins', 'revoke', 'f1');
    expect([exitCode, err]).toEqual([1, expect.stringContaining('There is no login f1.')]);
  });

  test.each([
    [0, '0 logins'],
    [1, '1 login'],
    [2, '2 logins'],
  ])('are revoked all together: %i', async (revoked, counted) => {
    api.answer(listed(MEMBER), ok({ revoked }));
    await expect(ask('logins', 'revoke-all', '--subject', 'ada', '--tenant', 'default')).resolves.toEqual({
      exitCode: 0,
      err: '',
      out: `${counted} of ada@https://id.example.com/#default revoked.\n`,
    });
    expect(asked()[1]).toEqual([
      'DELETE',
      '/api/v1/auth/logins',
      { principal: MEMBER.principalId, tenant: 'default' },
    ]);
  });

  test('are not revoked where nobody knows whose', async () => {
    api.answer(listed());
    await expect(ask('logins', 'revoke-all', '--subject', 'eve')).resolves.toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('there is no member eve'),
    });
    expect(asked().map((one) => Reflect.get(Object(one), '0'))).toEqual(['GET']);
    api.answer(listed(MEMBER, { ...MEMBER, tenant: 'acme' }));
    await expect(ask('logins', 'revoke-all', '--subject', 'ada')).resolves.toMatchObject({ exitCode: 2 });
  });
});

test('keys are listed by who made them', async () => {
  api.answer(listed());
  await ask('keys', 'list', '--created-by', 'key:k1');
  expect(asked()).toEqual([['GET', '/api/v1/auth/keys', { limit: '200', createdBy: 'key:k1' }]]);
});

test('counts', async () => {
  const states = { active: 1, expired: 2, revoked: 3 };
  const nonces = [{ purpose: 'login', open: 4, used: 5, expired: 6 }];
  const counts = { keys: states, members: 7, roles: 8, logins: states, refreshTokens: 9, nonces };
  api.answer(ok(counts));
  await expect(ask('counts', '--json')).resolves.toMatchObject({ out: `${JSON.stringify(counts)}\n` });
  await expect(ask('counts')).resolves.toEqual({
    exitCode: 0,
    err: '',
    out: `keys              1 active, 2 expired, 3 revoked
members           7
roles             8
logins            1 active, 2 expired, 3 revoked
refresh tokens    9
nonces for login  4 open, 5 used, 6 expired
`,
  });
  api.answer(ok({ ...counts, nonces: null }));
  const { out } = await ask('counts', '--tenant', 'acme');
  expect(out).not.toContain('nonces');
  expect(asked()).toEqual([['GET', '/api/v1/auth/counts', { tenant: 'acme' }]]);
});

test('nonces revoke', async () => {
  api.answer(ok({ revoked: 1 }));
  await expect(ask('nonces', 'revoke', 'invitation')).resolves.toEqual({
    exitCode: 0,
    err: '',
    out: '1 nonce for invitation revoked.\n',
  });
  expect(asked()).toEqual([['DELETE', '/api/v1/auth/nonces', { purpose: 'invitation' }]]);
});

test('clean-up', async () => {
  api.answer(ok({ keys: 1, logins: 2, nonces: 10_000, hasMore: true }));
  await expect(ask('clean-up')).resolves.toEqual({
    exitCode: 0,
    err: '',
    out: 'Removed keys: 1, logins: 2, nonces: 10000.\nThere are more. Run it again to remove them.\n',
  });
  expect(asked()).toEqual([['POST', '/api/v1/auth/clean-up', {}]]);
  api.answer(ok({ keys: 0, logins: 0, nonces: 0, hasMore: false }));
  await expect(ask('clean-up')).resolves.toMatchObject({ out: 'Removed keys: 0, logins: 0, nonces: 0.\n' });
  api.answer(refused(409, 'AUTH_CLEAN_UP_RUNNING', 'Another process is cleaning up.'));
  await expect(ask('clean-up')).resolves.toMatchObject({ exitCode: 1 });
});

describe('wrong usage is 2 and asks nobody', () => {
  test.each<[string, RegExp]>([
    ['', /keys, members, roles, logins, nonces, counts or clean-up/],
    ['nonces', /auth nonces: expected revoke/],
    ['nonces revoke', /Not enough/],
    ['logins', /list, revoke or revoke-all/],
    ['logins revoke', /Not enough/],
    ['logins revoke-all', /--principal or --subject/],
    ['logins revoke-all --tenant acme', /--principal or --subject/],
    ['logins revoke-all --issuer i', /subject/],
    ['logins revoke-all --principal p --subject s', /mutually exclusive/],
    ['logins list --limit 0', /--limit/],
    ['keys', /create, list or revoke/],
    ['members', /list, set or remove/],
    ['roles', /list, set or remove/],
    ['keys create', /Not enough/],
    ['keys create ci', /scopes/],
    ['keys create ci --scopes ,', /--scopes: expected names/],
    ['keys create ci --scopes a --expires-in soon', /--expires-in/],
    ['keys create ci --scopes a --expires-in 0d', /--expires-in/],
    ['keys create ci --scopes a --expires-at tomorrow', /--expires-at/],
    ['keys create ci --scopes a --expires-at 2030-01-01 --expires-in 1d', /mutually exclusive/],
    ['keys list --limit 0', /--limit/],
    ['keys revoke', /Not enough/],
    ['members set ada --roles a', /issuer/],
    ['members set ada --issuer i', /--roles, or --without-roles/],
    ['members set ada --issuer i --roles a --without-roles', /mutually exclusive/],
    ['roles set reader', /--scopes, or --without-scopes/],
    ['roles set reader --without-scopes=maybe', /--without-scopes: expected true or false/],
    ['roles set reader --scopes a --colour red', /Unknown argument: colour/],
  ])('auth %s', async (line, message) => {
    api.answer(ok(CREATED, 201));
    const { exitCode, out, err } = await ask(...line.split(' ').filter((word) => word !== ''));
    expect([exitCode, out, api.asked]).toEqual([2, '', []]);
    expect(err).toMatch(message);
  });
});

test('help names every command', async () => {
  for (const [group, commands] of [
    ['keys', ['create <name>', 'list', 'revoke <id>']],
    ['members', ['list', 'set <subject>', 'remove <subject>']],
    ['roles', ['list', 'set <name>', 'remove <name>']],
    ['logins', ['list', 'revoke <id>', 'revoke-all']],
  ] as const) {
    const { exitCode, out } = await ran(['auth', group, '--help']);
    expect(exitCode).toBe(0);
    for (const command of commands) expect(out).toContain(`heliograph auth ${group} ${command}`);
  }
});
