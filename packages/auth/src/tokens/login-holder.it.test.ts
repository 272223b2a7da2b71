import { manualClock } from '@heliograph/service';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { authGround } from '../testing/auth-ground.ts';
import type { LoginHolder } from './login-holder.ts';
import { createRefreshTokenStore, type RefreshOutcome } from './refresh-token-store.ts';

const MINUTE_MS = 60_000;
let ground: Awaited<ReturnType<typeof authGround>>;
beforeAll(async () => {
  ground = await authGround('holders');
});
afterAll(() => ground.close());

let count = 0;
const HOLDERS: readonly (readonly [string, () => Promise<LoginHolder>])[] = [
  ['a member', () => ground.addMember(`member ${++count}`)],
  ['a key', () => ground.addKey()],
];
const tokenOf = (outcome: RefreshOutcome): string | null =>
  outcome.kind === 'rotated' ? outcome.next.token : null;
describe.each(HOLDERS)('the logins of %s', (_, add) => {
  test('end with it, and it gets no other; those of others go on', async () => {
    const [gone, other] = [await add(), await add()];
    const [first, second] = [await ground.refreshTokens.issue(gone), await ground.refreshTokens.issue(gone)];
    const stays = await ground.refreshTokens.issue(other);
    const newest = tokenOf(await ground.refreshTokens.rotate(first.token)) ?? '';
    await ground.end(gone);
    for (const token of [first.token, newest, second.token])
      await expect(ground.refreshTokens.rotate(token)).resolves.toEqual({ kind: 'revoked' });
    await expect(ground.logins.get(first.familyId, null)).resolves.toMatchObject({
      state: 'revoked',
      revokedFor: 'holder',
    });
    await expect(ground.refreshTokens.issue(gone)).rejects.toMatchObject({
      code: gone.kind === 'member' ? 'AUTH_MEMBER_NOT_FOUND' : 'AUTH_KEY_NOT_FOUND',
    });
    await expect(ground.refreshTokens.rotate(stays.token)).resolves.toMatchObject({ kind: 'rotated' });
  });

  test('do not outlive it where their record does not know yet that it is gone', async () => {
    const holder = await add();
    const { token, familyId } = await ground.refreshTokens.issue(holder);
    await ground.end(holder);
    // As a process leaves it that knows nothing of holders.
    await ground.postgres.sql`
      update auth.refresh_families set revoked_at = null, revoked_for = null where id = ${familyId}`;
    await expect(ground.refreshTokens.rotate(token)).resolves.toEqual({ kind: 'revoked' });
    await expect(ground.logins.get(familyId, null)).resolves.toMatchObject({ revokedFor: 'holder' });
  });

  test('end also where one begins at this moment', async () => {
    const holder = await add();
    const release = await ground.block('auth.refresh_tokens');
    const issuing = ground.refreshTokens.issue(holder);
    await ground.waiting(1);
    let hasEnded = false;
    const ending = ground.end(holder).then(() => (hasEnded = true));
    await ground.waiting(2);
    expect(hasEnded).toBe(false);
    await release();
    const { token } = await issuing;
    await ending;
    await expect(ground.refreshTokens.rotate(token)).resolves.toEqual({ kind: 'revoked' });
  });

  test('end also where a token is exchanged at this moment', async () => {
    const holder = await add();
    const { token } = await ground.refreshTokens.issue(holder);
    const release = await ground.block('auth.refresh_tokens');
    const exchanging = ground.refreshTokens.rotate(token);
    await ground.waiting(1);
    const ending = ground.end(holder);
    await ground.waiting(2);
    await release();
    const next = tokenOf(await exchanging) ?? '';
    await ending;
    await expect(ground.refreshTokens.rotate(next)).resolves.toEqual({ kind: 'revoked' });
  });

  test.each(Array.from({ length: 10 }, (__, n) => n))('never survive a race (%i)', async () => {
    const holder = await add();
    const begun = await ground.refreshTokens.issue(holder);
    const [issued, exchanged] = await Promise.all([
      ground.refreshTokens.issue(holder).then(
        ({ token }) => token,
        () => null,
      ),
      ground.refreshTokens.rotate(begun.token).then(tokenOf),
      ground.end(holder),
    ]);
    const left = [issued, exchanged, begun.token].filter((token) => token !== null);
    const kinds = await Promise.all(
      left.map(async (token) => (await ground.refreshTokens.rotate(token)).kind),
    );
    expect(kinds).toEqual(left.map(() => 'revoked'));
  });
});

test('a removal that is refused, or made of what has changed since, ends no login', async () => {
  const holder = await ground.addMember('stays');
  const stale = await ground.members.get(holder.id, null);
  const { token } = await ground.refreshTokens.issue(holder);
  await ground.members.update(stale, { name: 'Stays', roles: [] });
  await expect(ground.members.remove(stale)).rejects.toMatchObject({ code: 'AUTH_MEMBER_CHANGED' });
  await expect(ground.refreshTokens.rotate(token)).resolves.toMatchObject({ kind: 'rotated' });
});

test('a member who is made anew has none of the logins of before', async () => {
  const before = await ground.addMember('again');
  const { token } = await ground.refreshTokens.issue(before);
  await ground.end(before);
  await ground.addMember('again');
  await expect(ground.refreshTokens.rotate(token)).resolves.toEqual({ kind: 'revoked' });
});

test('a login ends with the key that expires, and an expired key begins none', async () => {
  const clock = manualClock(Date.now());
  const tokens = createRefreshTokenStore(ground.postgres, { clock });
  const key = await ground.addKey({ expiresAt: clock.now() + MINUTE_MS });
  const issued = await tokens.issue(key);
  expect(issued.expiresAt).toBe(clock.now() + MINUTE_MS);
  clock.advance(MINUTE_MS);
  await expect(tokens.rotate(issued.token)).resolves.toEqual({ kind: 'expired' });
  await expect(tokens.issue(key)).rejects.toMatchObject({ code: 'AUTH_KEY_NOT_FOUND' });
});

test('a change of a member does not wait for its logins', async () => {
  const release = await ground.block('auth.refresh_tokens');
  const holder = await ground.addMember('busy');
  const issuing = ground.refreshTokens.issue(holder);
  await ground.waiting(1);
  const current = await ground.members.get(holder.id, null);
  const renamed = await ground.members.update(current, { name: 'Busy', roles: [] });
  await release();
  expect(renamed.name).toBe('Busy');
  await issuing;
});
