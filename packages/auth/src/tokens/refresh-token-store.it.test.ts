import { manualClock } from '@heliograph/service';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { authGround } from '../testing/auth-ground.ts';
import type { LoginHolder } from './login-holder.ts';
import { createRefreshTokenStore, type RefreshOutcome } from './refresh-token-store.ts';

const DAY_MS = 86_400_000;
const ADA = 'ada@https://id.example.com#default';
let ground: Awaited<ReturnType<typeof authGround>>;
let ada: LoginHolder;
beforeAll(async () => {
  ground = await authGround('refresh');
  ada = await ground.addMember('ada');
});
afterAll(() => ground.close());

const start = () => {
  const clock = manualClock(Date.now());
  return { clock, tokens: createRefreshTokenStore(ground.postgres, { clock }) };
};
const nextOf = (outcome: RefreshOutcome): string => {
  if (outcome.kind !== 'rotated') throw new Error(`the token was ${outcome.kind}`);
  return outcome.next.token;
};

test('a token is exchanged once for the next one, for the same caller', async () => {
  const { tokens } = start();
  const { token, familyId } = await tokens.issue(ada);
  const outcome = await tokens.rotate(token);
  expect(outcome).toMatchObject({
    kind: 'rotated',
    principalId: ADA,
    holder: ada,
    next: { familyId },
  });
  await expect(tokens.rotate(nextOf(outcome))).resolves.toMatchObject({ kind: 'rotated' });
});

test('only hashes are stored', async () => {
  const { tokens } = start();
  const { token } = await tokens.issue(ada);
  const rows = await ground.postgres.sql<{ readonly row: string }[]>`
    select t::text || f::text as row from auth.refresh_tokens t, auth.refresh_families f`;
  expect(rows.map(({ row }) => row).join()).not.toContain(token.slice(4));
});

describe('a token that is used again', () => {
  test('ends its login, the newest token included, and no other login', async () => {
    const { tokens } = start();
    const [stolen, elsewhere] = [await tokens.issue(ada), await tokens.issue(ada)];
    const newest = nextOf(await tokens.rotate(stolen.token));
    await expect(tokens.rotate(stolen.token)).resolves.toEqual({ kind: 'reused' });
    await expect(tokens.rotate(newest)).resolves.toEqual({ kind: 'revoked' });
    await expect(tokens.rotate(stolen.token)).resolves.toEqual({ kind: 'revoked' });
    // Keycloak 16081: every login of the user ended.
    await expect(tokens.rotate(elsewhere.token)).resolves.toMatchObject({ kind: 'rotated' });
  });

  test('is noticed generations later', async () => {
    const { tokens } = start();
    const first = await tokens.issue(ada);
    let latest = first.token;
    for (let n = 0; n < 5; n++) latest = nextOf(await tokens.rotate(latest));
    await expect(tokens.rotate(first.token)).resolves.toEqual({ kind: 'reused' });
    await expect(tokens.rotate(latest)).resolves.toEqual({ kind: 'revoked' });
  });

  // Keycloak 45647: several requests passed the check before one of them had recorded the use.
  test.each(Array.from({ length: 10 }, (_, n) => n))(
    'at the same moment is exchanged once, and never forks (%i)',
    async () => {
      const { tokens } = start();
      const { token, familyId } = await tokens.issue(ada);
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => tokens.rotate(token)));
      expect(outcomes.filter(({ kind }) => kind === 'rotated')).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === 'reused')).toHaveLength(1);
      const issued = await ground.postgres.sql`
        select 1 from auth.refresh_tokens where family_id = ${familyId}`;
      expect(issued).toHaveLength(2);
    },
  );
});

test('an exchange that takes too long is rolled back, and can be repeated', async () => {
  const { token } = await ground.refreshTokens.issue(ada);
  const hasten = await ground.slow('auth.refresh_tokens', 400);
  const hurried = createRefreshTokenStore(ground.postgres, { timeoutMs: 600 });
  const outcome = await hurried.rotate(token).catch((error: unknown) => error);
  await ground.quiet();
  await hasten();
  expect(outcome).toMatchObject({ code: 'DATABASE_TIMEOUT', retryable: true });
  await expect(hurried.rotate(token)).resolves.toMatchObject({ kind: 'rotated' });
});

describe('a revocation', () => {
  test('ends the login of a token, used or not', async () => {
    const { tokens } = start();
    const { token } = await tokens.issue(ada);
    const next = nextOf(await tokens.rotate(token));
    await expect(tokens.revoke(token)).resolves.toBe(true);
    await expect(tokens.rotate(next)).resolves.toEqual({ kind: 'revoked' });
    await expect(tokens.revoke('hgr_unknown')).resolves.toBe(false);
  });

  // Keycloak 51312: an exchange beside a revocation left a token that lived on.
  test.each(Array.from({ length: 10 }, (_, n) => n))(
    'beside an exchange leaves no token that works (%i)',
    async () => {
      const { tokens } = start();
      const { token } = await tokens.issue(ada);
      const [outcome] = await Promise.all([tokens.rotate(token), tokens.revoke(token)]);
      const left = outcome.kind === 'rotated' ? outcome.next.token : token;
      await expect(tokens.rotate(left)).resolves.toEqual({ kind: 'revoked' });
    },
  );
});

test('a token ends unless it is used in time, and a login ends however often it is refreshed', async () => {
  const { clock, tokens } = start();
  const idle = await tokens.issue(ada);
  let busy = (await tokens.issue(ada)).token;
  clock.advance(14 * DAY_MS);
  await expect(tokens.rotate(idle.token)).resolves.toEqual({ kind: 'expired' });
  await expect(tokens.rotate(busy)).resolves.toEqual({ kind: 'expired' });

  busy = (await tokens.issue(ada)).token;
  for (let day = 0; day < 89; day++) {
    clock.advance(DAY_MS);
    const outcome = await tokens.rotate(busy);
    busy = nextOf(outcome);
  }
  clock.advance(DAY_MS);
  await expect(tokens.rotate(busy)).resolves.toEqual({ kind: 'expired' });
});

test.each(['', 'hgr_', 'hgk_abc', `hgr_${'A'.repeat(43)}`, `hgr_${'A'.repeat(44)}`, '\0'])(
  'what nobody issued (%j) is unknown',
  async (text) => {
    await expect(start().tokens.rotate(text)).resolves.toEqual({ kind: 'unknown' });
  },
);
