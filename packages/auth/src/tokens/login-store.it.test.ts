import { manualClock } from '@heliograph/service';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { authGround } from '../testing/auth-ground.ts';
import { createLoginStore } from './login-store.ts';
import { createRefreshTokenStore } from './refresh-token-store.ts';

const DAY_MS = 86_400_000;
let ground: Awaited<ReturnType<typeof authGround>>;
beforeAll(async () => {
  ground = await authGround('logins');
});
afterAll(() => ground.close());

const idOf = (subject: string, tenant = 'default'): string => `${subject}@https://id.example.com#${tenant}`;
const statesOf = async (principalId: string, clock = manualClock(Date.now())) => {
  const page = { within: null, afterId: null, limit: 100 };
  const found = await createLoginStore(ground.postgres, { clock }).list({ ...page, principalId });
  return found.map(({ state, revokedFor }) => [state, revokedFor]);
};

test('a login shows whose it is and until when, and nothing to log in with', async () => {
  const clock = manualClock(Date.now());
  const tokens = createRefreshTokenStore(ground.postgres, { clock });
  const first = await tokens.issue(await ground.addMember('ada'));
  clock.advance(DAY_MS);
  await tokens.rotate(first.token);
  const login = await ground.logins.get(first.familyId, null);
  expect(login).toEqual({
    id: first.familyId,
    principalId: idOf('ada'),
    tenant: 'default',
    state: 'active',
    createdAt: expect.any(Number),
    refreshedAt: expect.any(Number),
    expiresAt: clock.now() + 14 * DAY_MS,
    endsAt: clock.now() + 89 * DAY_MS,
    revokedAt: null,
    revokedFor: null,
  });
  expect(login.refreshedAt).toBeGreaterThanOrEqual(login.createdAt);
});

test('a login that nobody refreshes expires', async () => {
  const clock = manualClock(Date.now());
  await createRefreshTokenStore(ground.postgres, { clock }).issue(await ground.addMember('idle'));
  clock.advance(14 * DAY_MS - 1);
  await expect(statesOf(idOf('idle'), clock)).resolves.toEqual([['active', null]]);
  clock.advance(1);
  await expect(statesOf(idOf('idle'), clock)).resolves.toEqual([['expired', null]]);
});

test('pages follow each other by id, in one tenant or for one caller', async () => {
  const acme = await ground.addMember('bob', 'acme');
  const key = await ground.addKey({ tenant: 'acme' });
  const free = await ground.addKey();
  for (const holder of [acme, acme, key, free]) await ground.refreshTokens.issue(holder);
  const inAcme = await ground.logins.list({ within: 'acme', afterId: null, limit: 2 });
  const rest = await ground.logins.list({ within: 'acme', afterId: inAcme.at(-1)?.id ?? null, limit: 2 });
  expect([...inAcme, ...rest].map(({ principalId }) => principalId)).toEqual([
    idOf('bob', 'acme'),
    idOf('bob', 'acme'),
    `key:${key.id}`,
  ]);
  const mine = await ground.logins.list({
    within: null,
    principalId: `key:${free.id}`,
    afterId: null,
    limit: 9,
  });
  expect(mine).toMatchObject([{ tenant: null, principalId: `key:${free.id}` }]);
});

describe('a login that is revoked', () => {
  test('is refused at once, stays as it is, and no other one is', async () => {
    const holder = await ground.addMember('carl');
    const [one, other] = [await ground.refreshTokens.issue(holder), await ground.refreshTokens.issue(holder)];
    await ground.logins.revoke(one.familyId, null);
    const revoked = await ground.logins.get(one.familyId, null);
    expect(revoked).toMatchObject({ state: 'revoked', revokedFor: 'operator' });
    await ground.logins.revoke(one.familyId, null);
    await expect(ground.logins.get(one.familyId, null)).resolves.toEqual(revoked);
    await expect(ground.refreshTokens.rotate(one.token)).resolves.toEqual({ kind: 'revoked' });
    await expect(ground.refreshTokens.rotate(other.token)).resolves.toMatchObject({ kind: 'rotated' });
  });

  test('is one of the tenant of whoever asks', async () => {
    const { familyId } = await ground.refreshTokens.issue(await ground.addMember('dora'));
    const missing = { code: 'AUTH_LOGIN_NOT_FOUND' };
    await expect(ground.logins.revoke(familyId, 'acme')).rejects.toMatchObject(missing);
    await expect(ground.logins.get(familyId, 'acme')).rejects.toMatchObject(missing);
    await expect(ground.logins.revokeAll(idOf('dora'), 'acme')).resolves.toBe(0);
    await expect(statesOf(idOf('dora'))).resolves.toEqual([['active', null]]);
    await expect(ground.logins.revoke('nosuch', null)).rejects.toMatchObject(missing);
  });

  test('is each one of a caller, and counted once', async () => {
    const gone = await ground.addMember('gone');
    const tokens = [await ground.refreshTokens.issue(gone), await ground.refreshTokens.issue(gone)];
    const other = await ground.refreshTokens.issue(await ground.addMember('stays'));
    await expect(ground.logins.revokeAll(idOf('gone'), 'default')).resolves.toBe(2);
    await expect(ground.logins.revokeAll(idOf('gone'), null)).resolves.toBe(0);
    for (const { token } of tokens)
      await expect(ground.refreshTokens.rotate(token)).resolves.toEqual({ kind: 'revoked' });
    await expect(ground.refreshTokens.rotate(other.token)).resolves.toMatchObject({ kind: 'rotated' });
    await expect(statesOf(idOf('gone'))).resolves.toEqual([
      ['revoked', 'principal'],
      ['revoked', 'principal'],
    ]);
  });

  test.each([
    ['a key', () => ground.addKey({ tenant: 'acme' }), ({ id }: { readonly id: string }) => `key:${id}`],
    ['a member', () => ground.addMember('theirs', 'acme'), () => idOf('theirs', 'acme')],
  ])('waits for nothing of %s of another tenant', async (_, add, principalOf) => {
    const holder = await add();
    const release = await ground.block('auth.refresh_tokens');
    const issuing = ground.refreshTokens.issue(holder);
    await ground.waiting(1);
    const revoked = await ground.logins.revokeAll(principalOf(holder), 'default').catch(String);
    await release();
    await issuing;
    expect(revoked).toBe(0);
  });

  // better-auth 11073: a login that began at the same moment survived "revoke all".
  test.each([
    ['a member', () => ground.addMember('begins'), () => idOf('begins')],
    ['a key', () => ground.addKey(), ({ id }: { readonly id: string }) => `key:${id}`],
  ])('with all others of %s, also where it begins at this moment', async (_, add, principalOf) => {
    const holder = await add();
    const release = await ground.block('auth.refresh_tokens');
    const issuing = ground.refreshTokens.issue(holder);
    await ground.waiting(1);
    const revoking = ground.logins.revokeAll(principalOf(holder), null);
    await ground.waiting(2);
    await release();
    const { token } = await issuing;
    await expect(revoking).resolves.toBe(1);
    await expect(ground.refreshTokens.rotate(token)).resolves.toEqual({ kind: 'revoked' });
    // It is not for ever: whoever may log in does so again.
    await expect(ground.refreshTokens.issue(holder)).resolves.toMatchObject({ token: expect.any(String) });
  });

  test.each(Array.from({ length: 5 }, (_, n) => n))('with all others, beside exchanges (%i)', async (n) => {
    const holder = await ground.addMember(`racer ${n}`);
    const begun = await Promise.all(Array.from({ length: 4 }, () => ground.refreshTokens.issue(holder)));
    const outcomes = await Promise.all([
      ...begun.map(({ token }) => ground.refreshTokens.rotate(token)),
      ground.logins.revokeAll(idOf(`racer ${n}`), null).then(() => null),
      ground.logins.revokeAll(idOf(`racer ${n}`), 'default').then(() => null),
    ]);
    const left = outcomes.flatMap((outcome) => (outcome?.kind === 'rotated' ? [outcome.next.token] : []));
    const kinds = await Promise.all(
      left.map(async (token) => (await ground.refreshTokens.rotate(token)).kind),
    );
    expect(kinds).toEqual(left.map(() => 'revoked'));
  });
});
