import { withAdvisoryLock } from '@heliograph/database';
import { manualClock } from '@heliograph/service';
import { eventually } from '@heliograph/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { cleanUp, startCleanUp, type CleanUpResult } from './clean-up.ts';
import { makeKey } from './keys/key-format.ts';
import { authGround } from './testing/auth-ground.ts';
import { createNonceStore } from './tokens/nonce-store.ts';
import { createRefreshTokenStore } from './tokens/refresh-token-store.ts';

const DAY_MS = 86_400_000;
let ground: Awaited<ReturnType<typeof authGround>>;
beforeAll(async () => {
  ground = await authGround('cleanup');
});
afterAll(() => ground.close());
beforeEach(async () => {
  await ground.postgres.sql`truncate auth.api_keys, auth.members, auth.refresh_families, auth.nonces cascade`;
});

const at = (offsetMs: number) => ({ clock: manualClock(Date.now() + offsetMs) });
const addKey = (id: string, expiresAt: number | null) =>
  ground.keys.create({
    ...makeKey(),
    id,
    tenant: null,
    name: id,
    scopes: [],
    roles: [],
    createdBy: 'x',
    expiresAt,
  });
const ids = async () =>
  (await ground.keys.list({ within: null, afterId: null, limit: 100 })).map(({ id }) => id);

test('what has expired goes, and what is alive or of interest stays', async () => {
  await addKey('alive', null);
  await addKey('expired-lately', Date.now() - DAY_MS);
  await addKey('expired-long-ago', Date.now() - 91 * DAY_MS);
  await addKey('revoked-lately', null);
  await ground.keys.revoke('revoked-lately', null);
  await addKey('revoked-long-ago', null);
  await ground.postgres.sql`
    update auth.api_keys set revoked_at = now() - interval '91 days' where id = 'revoked-long-ago'`;

  const old = createRefreshTokenStore(ground.postgres, at(-91 * DAY_MS));
  const ada = await ground.addMember('ada');
  const { token } = await old.issue(ada);
  await old.rotate(token);
  // Nobody refreshed it in time, although it might have lasted (twenty 23642: such a one stayed for months, as if alive).
  await createRefreshTokenStore(ground.postgres, at(-15 * DAY_MS)).issue(ada);
  const refreshed = createRefreshTokenStore(ground.postgres, at(-13 * DAY_MS));
  await refreshed.rotate((await refreshed.issue(ada)).token);
  const alive = await ground.refreshTokens.issue(ada);
  const revoked = await ground.refreshTokens.issue(ada);
  await ground.refreshTokens.revoke(revoked.token);

  await createNonceStore(ground.postgres, at(-DAY_MS)).issue('login');
  const { nonce } = await ground.nonces.issue('login');
  await ground.nonces.consume('login', nonce);

  await expect(cleanUp(ground.postgres)).resolves.toEqual({ apiKeys: 2, refreshFamilies: 2, nonces: 1 });
  await expect(ids()).resolves.toEqual(['alive', 'expired-lately', 'revoked-lately']);
  await expect(ground.postgres.sql`select 1 from auth.refresh_tokens`).resolves.toHaveLength(4);
  await expect(ground.refreshTokens.rotate(alive.token)).resolves.toMatchObject({ kind: 'rotated' });
  // A copy that comes late is still known as one.
  await expect(ground.refreshTokens.rotate(revoked.token)).resolves.toEqual({ kind: 'revoked' });
  await expect(ground.nonces.consume('login', nonce)).resolves.toBe('used');
  await expect(cleanUp(ground.postgres)).resolves.toEqual({ apiKeys: 0, refreshFamilies: 0, nonces: 0 });
});

test('a login has expired with the token that it could go on with, for everybody who asks', async () => {
  const then = at(-2 * DAY_MS);
  const { token, familyId } = await createRefreshTokenStore(ground.postgres, then).issue(
    await ground.addMember('bea'),
  );
  // The life of tokens was shortened meanwhile, so the one that was exchanged would last longer.
  await createRefreshTokenStore(ground.postgres, { ...then, tokenLifeMs: DAY_MS }).rotate(token);
  await expect(ground.logins.get(familyId, null)).resolves.toMatchObject({
    state: 'expired',
    expiresAt: then.clock.now() + DAY_MS,
  });
  const { logins } = await ground.maintenance.count(null);
  expect(logins).toEqual({ active: 0, expired: 1, revoked: 0 });
  await expect(cleanUp(ground.postgres)).resolves.toMatchObject({ refreshFamilies: 1 });
});

test('a login that a process whose clock is behind still refreshes is not removed', async () => {
  const minute = 60_000;
  const { token } = await createRefreshTokenStore(ground.postgres, at(-14 * DAY_MS - minute)).issue(
    await ground.addMember('cleo'),
  );
  await expect(cleanUp(ground.postgres)).resolves.toMatchObject({ refreshFamilies: 0 });
  await expect(
    createRefreshTokenStore(ground.postgres, at(-2 * minute)).rotate(token),
  ).resolves.toMatchObject({ kind: 'rotated' });
});

test('works in batches, and leaves the rest for the next time', async () => {
  await ground.postgres.sql`
    insert into auth.nonces (purpose, digest, expires_at)
    select 'login', decode(lpad(to_hex(n), 64, '0'), 'hex'), now() - interval '1 s' from generate_series(1, 25) n`;
  const options = { batchSize: 10, maxBatches: 2 };
  await expect(cleanUp(ground.postgres, options)).resolves.toMatchObject({ nonces: 20 });
  await expect(cleanUp(ground.postgres, options)).resolves.toMatchObject({ nonces: 5 });
});

test('repeats, one process at a time, and stops', async () => {
  const clock = manualClock();
  const cleaned: CleanUpResult[] = [];
  const problems: unknown[] = [];
  const start = () =>
    startCleanUp(ground.postgres, {
      intervalMs: 1000,
      clock,
      onCleaned: (result) => cleaned.push(result),
      onProblem: (error) => problems.push(error),
    });
  const loops = [start(), start()];
  const addExpired = () => createNonceStore(ground.postgres, at(-DAY_MS)).issue('login');
  await addExpired();
  clock.advance(100);
  await eventually('the first clean-up', () => (clock.sleepers() === 2 ? true : undefined));
  expect(cleaned.filter(({ nonces }) => nonces === 1)).toHaveLength(1);

  await addExpired();
  const before = cleaned.length;
  await withAdvisoryLock(ground.postgres, 'auth.clean-up', async () => {
    clock.advance(1000);
    await eventually('both find it busy', () => (clock.sleepers() === 2 ? true : undefined));
  });
  expect(cleaned.length).toBe(before);
  clock.advance(1000);
  await eventually('the next clean-up', () =>
    cleaned.filter(({ nonces }) => nonces === 1).length === 2 ? true : undefined,
  );
  await Promise.all(loops.map((loop) => loop.stop()));
  expect([problems, clock.sleepers()]).toEqual([[], 0]);
});

test('a stop waits for one statement at most', async () => {
  const clock = manualClock();
  await ground.postgres.sql`
    insert into auth.nonces (purpose, digest, expires_at)
    select 'login', decode(lpad(to_hex(n), 64, '0'), 'hex'), now() - interval '1 s' from generate_series(1, 25) n`;
  const statements: unknown[] = [];
  const cleaned: CleanUpResult[] = [];
  let stopping: Promise<void> | undefined;
  const db: typeof ground.postgres.db = Object.create(ground.postgres.db, {
    execute: {
      value: (statement: Parameters<typeof ground.postgres.db.execute>[0]) => {
        // The first two find no keys and no logins.
        if (statements.push(statement) === 5) stopping = loop.stop();
        return ground.postgres.db.execute(statement);
      },
    },
  });
  const loop = startCleanUp(
    { ...ground.postgres, db },
    { intervalMs: 1000, batchSize: 1, clock, onCleaned: (result) => cleaned.push(result) },
  );
  clock.advance(100);
  await eventually('it is stopped', () => stopping?.then(() => true));
  expect([statements.length, cleaned]).toEqual([5, [{ apiKeys: 0, refreshFamilies: 0, nonces: 3 }]]);
});

test('a listener that throws ends nothing', async () => {
  const clock = manualClock();
  const heard: unknown[] = [];
  const loop = startCleanUp(ground.postgres, {
    intervalMs: 1000,
    clock,
    onCleaned: () => {
      throw new Error('from a listener');
    },
    onProblem: (error) => {
      heard.push(error);
      throw error;
    },
  });
  for (const expected of [1, 2]) {
    await eventually('it waits', () => (clock.sleepers() === 1 ? true : undefined));
    clock.advance(1000);
    await eventually('it runs', () => (heard.length === expected ? true : undefined));
  }
  await expect(loop.stop()).resolves.toBeUndefined();
});
