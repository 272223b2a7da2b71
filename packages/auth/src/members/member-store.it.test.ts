import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { authGround } from '../testing/auth-ground.ts';
import type { Member, Rights, Subject } from './member-store.ts';

let ground: Awaited<ReturnType<typeof authGround>>;
let tenant = '';
let count = 0;
beforeAll(async () => {
  ground = await authGround('members');
});
afterAll(() => ground.close());
beforeEach(() => {
  tenant = `t${++count}`;
});

const ISSUER = 'https://id.example.com';
const putRole = (name: string, scopes: string[]) => ground.roles.put(tenant, name, null, scopes);
const addMember = (subject: string, roles: string[] = []): Promise<Member> =>
  ground.members.create({ id: `${tenant}x${subject}`, tenant, issuer: ISSUER, subject, name: null, roles });
const findRights = async (query: Subject & { readonly claimed: readonly string[] }): Promise<Rights> => {
  const [{ query: of, ...rights } = { query: null, isMember: false, roles: [] }] =
    await ground.members.findRights([query]);
  expect(of).toEqual(query);
  return rights;
};
const rightsOf = (subject: string, claimed: string[] = []) =>
  findRights({ tenant, issuer: ISSUER, subject, claimed });

describe('members', () => {
  test('have the roles they were given, in order, and each once', async () => {
    await putRole('b', ['b:read']);
    await putRole('a', ['a:read']);
    const member = await addMember('ada', ['b', 'a', 'b']);
    expect(member).toMatchObject({ roles: ['a', 'b'], version: 1 });
    await expect(ground.members.get(member.id, tenant)).resolves.toEqual(member);
    await expect(ground.members.get(member.id, 'another')).rejects.toMatchObject({
      code: 'AUTH_MEMBER_NOT_FOUND',
    });
  });

  test('are one per tenant, issuer and subject', async () => {
    await addMember('ada');
    await expect(
      ground.members.create({ id: 'twice', tenant, issuer: ISSUER, subject: 'ada', name: null, roles: [] }),
    ).rejects.toMatchObject({
      code: 'AUTH_MEMBER_EXISTS',
      message: `ada of ${ISSUER} is a member of the tenant ${tenant} already`,
    });
    await expect(
      ground.members.create({
        id: `${tenant}other`,
        tenant,
        issuer: `${ISSUER}/other`,
        subject: 'ada',
        name: null,
        roles: [],
      }),
    ).resolves.toMatchObject({ subject: 'ada' });
  });

  test('cannot have roles of another tenant, and a change that fails leaves nothing behind', async () => {
    await ground.roles.put(`${tenant}-other`, 'admin', null, ['*']);
    await expect(addMember('eve', ['admin'])).rejects.toMatchObject({ code: 'AUTH_ROLE_NOT_FOUND' });
    const member = await addMember('eve');
    await expect(ground.members.update(member, { name: 'Eve', roles: ['admin'] })).rejects.toMatchObject({
      code: 'AUTH_ROLE_NOT_FOUND',
    });
    await expect(ground.members.get(member.id, null)).resolves.toEqual(member);
  });

  test('are changed and removed by the version that was read', async () => {
    await putRole('a', ['a:read']);
    const read = await addMember('ada');
    const changed = await ground.members.update(read, { name: 'Ada', roles: ['a'] });
    expect(changed).toMatchObject({ name: 'Ada', roles: ['a'], version: 2 });
    const stale = { code: 'AUTH_MEMBER_CHANGED' };
    await expect(ground.members.update(read, { name: null, roles: [] })).rejects.toMatchObject(stale);
    await expect(ground.members.remove(read)).rejects.toMatchObject(stale);
    await ground.members.remove(changed);
    await expect(ground.members.get(read.id, null)).rejects.toMatchObject({ code: 'AUTH_MEMBER_NOT_FOUND' });
    await expect(ground.members.update(changed, { name: null, roles: [] })).rejects.toMatchObject(stale);
  });

  test('are read as they were at one moment', async () => {
    for (const name of ['a', 'b']) await putRole(name, []);
    let current = await ground.members.update(await addMember('ada'), { name: 'a', roles: ['a'] });
    const state = { isDone: false };
    const writing = (async () => {
      for (let n = 0; n < 150; n++) {
        const name = n % 2 === 0 ? 'b' : 'a';
        current = await ground.members.update(current, { name, roles: [name] });
      }
      state.isDone = true;
    })();
    const torn: Member[] = [];
    const read = async () => {
      while (!state.isDone) {
        const [listed] = await ground.members.list({ within: tenant, afterId: null, limit: 1 });
        for (const member of [await ground.members.get(current.id, null), listed])
          if (member !== undefined && member.roles.join() !== member.name) torn.push(member);
      }
    };
    await Promise.all([writing, read(), read()]);
    expect(torn).toEqual([]);
  });

  test('are listed by id, and found by subject', async () => {
    for (const subject of ['c', 'a', 'b']) await addMember(subject);
    const list = (more: object = {}) =>
      ground.members.list({ within: tenant, afterId: null, limit: 10, ...more });
    const subjects = async (more?: object) => (await list(more)).map(({ subject }) => subject);
    await expect(subjects()).resolves.toEqual(['a', 'b', 'c']);
    await expect(subjects({ limit: 2 })).resolves.toEqual(['a', 'b']);
    await expect(subjects({ afterId: `${tenant}xb` })).resolves.toEqual(['c']);
    await expect(subjects({ issuer: ISSUER, subject: 'b' })).resolves.toEqual(['b']);
    await expect(subjects({ issuer: 'https://other.example.com' })).resolves.toEqual([]);
  });
});

describe('rights', () => {
  test('are those of the roles of the member, and of claimed roles that the tenant has', async () => {
    await putRole('a', ['a:read', 'a:write']);
    await putRole('b', ['b:read']);
    await addMember('ada', ['a']);
    await expect(rightsOf('ada', ['b', 'unknown'])).resolves.toEqual({
      isMember: true,
      roles: [
        { name: 'a', scopes: ['a:read', 'a:write'] },
        { name: 'b', scopes: ['b:read'] },
      ],
    });
  });

  test('of who is no member are those of claimed roles', async () => {
    await putRole('b', []);
    await expect(rightsOf('nobody', ['b'])).resolves.toEqual({
      isMember: false,
      roles: [{ name: 'b', scopes: [] }],
    });
    await expect(rightsOf("'; drop table auth.roles; --")).resolves.toEqual({ isMember: false, roles: [] });
  });

  test('of many subjects are read in one statement, each for itself', async () => {
    await putRole('a', ['a:read']);
    await putRole('b', []);
    await addMember('ada', ['a']);
    const query = { tenant, issuer: ISSUER, subject: 'ada', claimed: [] };
    const queries = [query, { ...query, claimed: ['b'] }, { ...query, subject: 'eve' }];
    const found = await ground.members.findRights(queries);
    const names = queries.map((each) =>
      found
        .filter((one) => one.query === each)
        .map(({ isMember, roles }) => [isMember, ...roles.map(({ name }) => name)]),
    );
    expect(names).toEqual([[[true, 'a']], [[true, 'a', 'b']], [[false]]]);
    await expect(ground.members.findRights([])).resolves.toEqual([]);
  });

  test('are none of another tenant or issuer', async () => {
    await putRole('a', ['*']);
    await addMember('ada', ['a']);
    const elsewhere = [
      { tenant: 'other', issuer: ISSUER, subject: 'ada' },
      { tenant, issuer: 'https://other.example.com', subject: 'ada' },
    ];
    for (const subject of elsewhere)
      await expect(findRights({ ...subject, claimed: [] })).resolves.toEqual({ isMember: false, roles: [] });
  });
});

describe('roles', () => {
  test('are created once and replaced by version', async () => {
    const created = await putRole('a', ['a:read']);
    const changed = { code: 'AUTH_ROLE_CHANGED' };
    await expect(putRole('a', [])).rejects.toMatchObject(changed);
    const replaced = await ground.roles.put(tenant, 'a', created, ['b:read']);
    expect(replaced).toMatchObject({ scopes: ['b:read'], version: 2 });
    await expect(ground.roles.put(tenant, 'a', created, [])).rejects.toMatchObject(changed);
    await expect(ground.roles.remove(tenant, 'a', created)).rejects.toMatchObject(changed);
    await ground.roles.remove(tenant, 'a', replaced);
    await expect(ground.roles.find(tenant, 'a')).resolves.toBeNull();
  });

  test('that were made anew are not those that were read, although they have the same version', async () => {
    const changed = { code: 'AUTH_ROLE_CHANGED' };
    const read = await putRole('a', ['a:read', '*']);
    await ground.roles.remove(tenant, 'a', read);
    const sameScopes = await putRole('a', ['a:read', '*']);
    expect(sameScopes.version).toBe(read.version);
    await expect(ground.roles.put(tenant, 'a', read, ['*'])).rejects.toMatchObject(changed);
    await expect(ground.roles.remove(tenant, 'a', read)).rejects.toMatchObject(changed);
    // Made within the same millisecond: only the scopes tell them apart.
    const other = { ...sameScopes, scopes: ['*'] };
    await expect(ground.roles.put(tenant, 'a', other, ['*'])).rejects.toMatchObject(changed);
    await expect(ground.roles.find(tenant, 'a')).resolves.toEqual(sameScopes);
  });

  test('that members have stay', async () => {
    const role = await putRole('a', []);
    const member = await addMember('ada', ['a']);
    await expect(ground.roles.remove(tenant, 'a', role)).rejects.toMatchObject({ code: 'AUTH_ROLE_IN_USE' });
    await ground.members.remove(member);
    await expect(ground.roles.remove(tenant, 'a', role)).resolves.toBeUndefined();
  });

  test('that do not exist are named', async () => {
    await putRole('a', []);
    await expect(ground.roles.getMany(tenant, ['a', 'b', 'c'])).rejects.toThrow(/no role b, c$/);
    await expect(ground.roles.getMany(tenant, [])).resolves.toEqual([]);
  });
});

test('a change that another process holds up gives up soon, and takes no connection from others', async () => {
  const holder = ground.postgres.separate({ statementTimeoutMs: 0, queryTimeoutMs: 0 });
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let isHeld = (): void => undefined;
  const held = new Promise<void>((resolve) => (isHeld = resolve));
  const holding = holder.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${`auth.tenant.${tenant}`}, 0))`;
    isHeld();
    await released;
  });
  await held;
  const startedAt = performance.now();
  const stuck = Array.from({ length: 50 }, (_, n) =>
    putRole(`r${n}`, []).then(
      () => null,
      (error: unknown) => error,
    ),
  );
  // More than the pool has connections: none of them may wait for one.
  await ground.roles.put(`${tenant}-other`, 'a', null, []);
  await Promise.all(Array.from({ length: 20 }, () => ground.roles.find(tenant, 'a')));
  expect(performance.now() - startedAt).toBeLessThan(1500);
  for (const error of await Promise.all(stuck))
    expect(error).toMatchObject({ code: 'DATABASE_TIMEOUT', retryable: true });
  expect(performance.now() - startedAt).toBeLessThan(6000);
  release();
  await holding;
  await holder.end({ timeout: 1 });
  await expect(putRole('a', [])).resolves.toMatchObject({ version: 1 });
});

describe('the last admin of a tenant', () => {
  const refusal = { code: 'AUTH_LAST_ADMIN' };

  test('can neither be removed nor demoted, while there is no other', async () => {
    const admin = await putRole('admin', ['auth:members:write']);
    const ada = await addMember('ada', ['admin']);
    await expect(ground.members.remove(ada)).rejects.toMatchObject(refusal);
    await expect(ground.members.update(ada, { name: null, roles: [] })).rejects.toMatchObject(refusal);
    await expect(ground.roles.put(tenant, 'admin', admin, ['a:read'])).rejects.toMatchObject(refusal);
    await expect(ground.members.get(ada.id, null)).resolves.toEqual(ada);
    await addMember('eve', ['admin']);
    await expect(ground.members.remove(ada)).resolves.toBeUndefined();
  });

  test('may be renamed, and become admin by another role', async () => {
    await putRole('admin', ['auth:members:write']);
    await putRole('root', ['*']);
    const ada = await addMember('ada', ['admin']);
    await expect(ground.members.update(ada, { name: 'Ada', roles: ['root'] })).resolves.toMatchObject({
      roles: ['root'],
    });
  });

  test('is also who can give out everything, although somebody else may change the members', async () => {
    await putRole('admin', ['auth:members:write']);
    const root = await putRole('root', ['*']);
    const ada = await addMember('ada', ['root']);
    await addMember('eve', ['admin']);
    await expect(ground.members.remove(ada)).rejects.toMatchObject(refusal);
    await expect(ground.members.update(ada, { name: null, roles: ['admin'] })).rejects.toMatchObject(refusal);
    await expect(ground.roles.put(tenant, 'root', root, ['auth:members:write'])).rejects.toMatchObject(
      refusal,
    );
    await addMember('bob', ['root']);
    await expect(ground.members.remove(ada)).resolves.toBeUndefined();
  });

  test('stays although two admins remove each other at the same moment', async () => {
    await putRole('admin', ['*']);
    const admins = [await addMember('ada', ['admin']), await addMember('eve', ['admin'])];
    const outcomes = await Promise.allSettled(admins.map((each) => ground.members.remove(each)));
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await expect(ground.members.list({ within: tenant, afterId: null, limit: 10 })).resolves.toHaveLength(1);
  });

  test('is nobody in a tenant that never had one', async () => {
    await putRole('reader', ['a:read']);
    const ada = await addMember('ada', ['reader']);
    await expect(ground.members.remove(ada)).resolves.toBeUndefined();
  });
});
