import { withAdvisoryLock } from '@heliograph/database';
import { manualClock } from '@heliograph/service';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAuthMaintenance } from './maintenance.ts';
import { authGround } from './testing/auth-ground.ts';
import { createNonceStore } from './tokens/nonce-store.ts';
import { createRefreshTokenStore } from './tokens/refresh-token-store.ts';

const DAY_MS = 86_400_000;
let ground: Awaited<ReturnType<typeof authGround>>;
beforeAll(async () => {
  ground = await authGround('maintenance');
});
afterAll(() => ground.close());

const at = (offsetMs: number) => ({ clock: manualClock(Date.now() + offsetMs) });

test('counts what is there, everywhere or in one tenant, and removes what has expired', async () => {
  await expect(ground.maintenance.count(null)).resolves.toEqual({
    keys: { active: 0, expired: 0, revoked: 0 },
    members: 0,
    roles: 0,
    logins: { active: 0, expired: 0, revoked: 0 },
    refreshTokens: 0,
    nonces: [],
  });
  await ground.addKey({ expiresAt: Date.now() + DAY_MS });
  await ground.addKey({ tenant: 'acme', expiresAt: Date.now() - 1 });
  await ground.end(await ground.addKey({ tenant: 'acme' }));
  await ground.roles.put('acme', 'reader', null, ['a']);
  const [ada, bob] = [await ground.addMember('ada'), await ground.addMember('bob', 'acme')];
  const { token } = await ground.refreshTokens.issue(ada);
  await ground.refreshTokens.rotate(token);
  // Nobody has refreshed it for too long, although it might have lasted.
  await createRefreshTokenStore(ground.postgres, at(-15 * DAY_MS)).issue(bob);
  await createRefreshTokenStore(ground.postgres, at(-91 * DAY_MS)).issue(bob);
  await ground.logins.revoke((await ground.refreshTokens.issue(bob)).familyId, 'acme');
  for (const purpose of ['login', 'login', 'invitation']) await ground.nonces.issue(purpose);
  await createNonceStore(ground.postgres, at(-DAY_MS)).issue('login');
  const { nonce } = await ground.nonces.issue('login');
  await ground.nonces.consume('login', nonce);

  await expect(ground.maintenance.count(null)).resolves.toEqual({
    keys: { active: 1, expired: 1, revoked: 1 },
    members: 2,
    roles: 1,
    logins: { active: 1, expired: 2, revoked: 1 },
    refreshTokens: 5,
    nonces: [
      { purpose: 'login', open: 2, used: 1, expired: 1 },
      { purpose: 'invitation', open: 1, used: 0, expired: 0 },
    ],
  });
  await expect(ground.maintenance.count('acme')).resolves.toEqual({
    keys: { active: 0, expired: 1, revoked: 1 },
    members: 1,
    roles: 1,
    logins: { active: 0, expired: 2, revoked: 1 },
    refreshTokens: 3,
    nonces: null,
  });

  await expect(ground.maintenance.cleanUp()).resolves.toEqual({
    apiKeys: 0,
    refreshFamilies: 2,
    nonces: 1,
    hasMore: false,
  });
  await expect(ground.maintenance.count(null)).resolves.toMatchObject({ refreshTokens: 3 });
});

test('says that it has not removed all of it', async () => {
  await ground.postgres.sql`
    insert into auth.nonces (purpose, digest, expires_at)
    select 'storm', decode(lpad(to_hex(n), 64, '0'), 'hex'), now() - interval '1 s'
    from generate_series(1, 10001) n`;
  await expect(ground.maintenance.cleanUp()).resolves.toMatchObject({ nonces: 10_000, hasMore: true });
  await expect(ground.maintenance.cleanUp()).resolves.toMatchObject({ nonces: 1, hasMore: false });
});

test('leaves it to another process that cleans up', async () => {
  await withAdvisoryLock(ground.postgres, 'auth.clean-up', async () => {
    await expect(ground.maintenance.cleanUp()).rejects.toMatchObject({
      code: 'AUTH_CLEAN_UP_RUNNING',
      retryable: true,
    });
  });
});

test('clean-ups at the same moment are one, with one connection for all', async () => {
  let opened = 0;
  const maintenance = createAuthMaintenance({
    ...ground.postgres,
    separate: (options) => {
      opened++;
      return ground.postgres.separate(options);
    },
  });
  const before = opened;
  const reports = await Promise.all(Array.from({ length: 100 }, () => maintenance.cleanUp()));
  expect([opened - before, new Set(reports.map((report) => JSON.stringify(report))).size]).toEqual([1, 1]);
  await maintenance.close();
});

test('counts wait for each other, and hold nobody else up', async () => {
  const release = await ground.block('auth.roles', 'access exclusive');
  const counts = [null, null, 'acme', 'default', null].flatMap((within) =>
    Array.from({ length: 10 }, () => ground.maintenance.count(within)),
  );
  await ground.waiting(1);
  await expect(ground.members.list({ within: 'nosuch', afterId: null, limit: 1 })).resolves.toEqual([]);
  await ground.waiting(1);
  await release();
  const figures = await Promise.all(counts);
  expect(new Set(figures).size).toBe(3);
});
