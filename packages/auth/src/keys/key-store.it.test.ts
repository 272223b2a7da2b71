import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { authGround } from '../testing/auth-ground.ts';
import { makeKey } from './key-format.ts';
import type { ApiKeyDraft } from './key-store.ts';

let ground: Awaited<ReturnType<typeof authGround>>;
beforeAll(async () => {
  ground = await authGround('keys');
});
afterAll(() => ground.close());

let count = 0;
const draft = (more: Partial<ApiKeyDraft> = {}): ApiKeyDraft => {
  const { prefix, digest } = makeKey();
  const id = `k${String(++count).padStart(4, '0')}`;
  return {
    id,
    tenant: null,
    name: `key ${id}`,
    prefix,
    digest,
    scopes: ['a:read', 'b:write'],
    roles: ['on-call'],
    createdBy: 'admin',
    expiresAt: null,
    ...more,
  };
};

test('a key is stored with its digest only, and found by its prefix', async () => {
  const { key, prefix, digest } = makeKey();
  const created = await ground.keys.create(draft({ prefix, digest, tenant: 'acme' }));
  expect(created).toMatchObject({ scopes: ['a:read', 'b:write'], roles: ['on-call'], tenant: 'acme' });
  expect(created).not.toHaveProperty('digest');
  const [found, ...others] = await ground.keys.findByPrefix([prefix, 'hgk_unknown']);
  expect([found?.id, Buffer.from(found?.digest ?? []), others]).toEqual([
    created.id,
    Buffer.from(digest),
    [],
  ]);
  const secret = key.slice(prefix.length + 1);
  const dump = await ground.postgres.sql<
    { readonly row: string }[]
  >`select k::text as row from auth.api_keys k`;
  expect(dump.map(({ row }) => row).join()).not.toContain(secret.slice(0, 20));
});

describe('a name', () => {
  test('is taken while its key is active, in each tenant', async () => {
    await ground.keys.create(draft({ name: 'ci' }));
    await expect(ground.keys.create(draft({ name: 'ci' }))).rejects.toMatchObject({
      code: 'AUTH_NAME_TAKEN',
      message: 'a key of the name ci exists; revoke it or choose another name',
    });
    await expect(ground.keys.create(draft({ name: 'ci', tenant: 'acme' }))).resolves.toMatchObject({
      name: 'ci',
    });
  });

  test('is free again once its key is revoked', async () => {
    const { id } = await ground.keys.create(draft({ name: 'nightly' }));
    await ground.keys.revoke(id, null);
    await expect(ground.keys.create(draft({ name: 'nightly' }))).resolves.toMatchObject({ name: 'nightly' });
  });

  // A defect of Grafana (issue 19327): the name of an expired key could neither be seen nor used again.
  test('is free again once its key has expired, and the expired key stays what it is', async () => {
    const expired = await ground.keys.create(draft({ name: 'short', expiresAt: Date.now() - 1 }));
    await expect(ground.keys.create(draft({ name: 'short' }))).resolves.toMatchObject({ name: 'short' });
    // Nobody revoked it.
    await expect(ground.keys.get(expired.id, null)).resolves.toEqual(expired);
    await expect(ground.keys.create(draft({ name: 'short' }))).rejects.toMatchObject({
      code: 'AUTH_NAME_TAKEN',
    });
  });

  test('is given to one of two keys that are created at once', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => ground.keys.create(draft({ name: 'at once' }))),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

test('a revoke is for good, and says when it was first made', async () => {
  const { id, prefix } = await ground.keys.create(draft());
  const first = await ground.keys.revoke(id, null);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await expect(ground.keys.revoke(id, null)).resolves.toEqual(first);
  await expect(ground.keys.findByPrefix([prefix])).resolves.toMatchObject([{ revokedAt: first.revokedAt }]);
});

test('a tenant sees and revokes its own keys only', async () => {
  const other = await ground.keys.create(draft({ tenant: 'other' }));
  const everybody = await ground.keys.create(draft());
  for (const { id } of [other, everybody]) {
    await expect(ground.keys.get(id, 'acme')).rejects.toMatchObject({ code: 'AUTH_KEY_NOT_FOUND' });
    await expect(ground.keys.revoke(id, 'acme')).rejects.toMatchObject({ code: 'AUTH_KEY_NOT_FOUND' });
    await expect(ground.keys.get(id, null)).resolves.toMatchObject({ revokedAt: null });
  }
  const listed = await ground.keys.list({ within: 'acme', afterId: null, limit: 100 });
  expect(new Set(listed.map(({ tenant }) => tenant))).toEqual(new Set(['acme']));
});

test('pages follow each other by id', async () => {
  const all = await ground.keys.list({ within: null, afterId: null, limit: 1000 });
  const paged = [];
  let afterId: string | null = null;
  for (;;) {
    const page = await ground.keys.list({ within: null, afterId, limit: 2 });
    paged.push(...page);
    if (page.length < 2) break;
    afterId = page.at(-1)?.id ?? null;
  }
  expect(paged).toEqual(all);
  expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toSorted());
});

describe('the last use', () => {
  const lastUsedOf = async (id: string) => (await ground.keys.get(id, null)).lastUsedAt;

  test('of many keys is one statement, and never goes back', async () => {
    const [a, b] = [await ground.keys.create(draft()), await ground.keys.create(draft())];
    await ground.keys.recordUses([
      { id: a.id, at: 2000 },
      { id: b.id, at: 3000 },
      { id: 'removed-meanwhile', at: 1 },
    ]);
    await ground.keys.recordUses([
      { id: a.id, at: 1000 },
      { id: b.id, at: 4000 },
    ]);
    await expect(Promise.all([a, b].map(({ id }) => lastUsedOf(id)))).resolves.toEqual([2000, 4000]);
  });

  test('is not there before the first', async () => {
    const { id } = await ground.keys.create(draft());
    await expect(lastUsedOf(id)).resolves.toBeNull();
  });
});

test('keys and rights are looked up while every connection of the pool is taken', async () => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const taken = Array.from({ length: 10 }, () => ground.postgres.sql.begin(() => released));
  const subject = { tenant: 'default', issuer: 'i', subject: 's', claimed: [] };
  const both = [ground.keys.findByPrefix(['hgk_000000000000']), ground.members.findRights([subject])];
  await expect(Promise.all(both)).resolves.toMatchObject([[], [{ isMember: false }]]);
  release();
  await Promise.all(taken);
});
