import { DatabaseError } from '@heliograph/database';
import { manualClock, type RefusalReason } from '@heliograph/service';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createKeyAuth, findRefusal, type KeyAuthOptions } from './key-auth.ts';
import { makeKey } from './key-format.ts';
import type { KeyUse, KnownKey } from './key-store.ts';

const clock = manualClock();
const { key, prefix, digest } = makeKey();
const bearer = (token: string) => new Headers({ authorization: `Bearer ${token}` });

let stored: KnownKey[];
let lookUps: (readonly string[])[];
let uses: KeyUse[];
let failure: Error | undefined;

beforeEach(() => {
  stored = [
    {
      id: 'k1',
      tenant: 'acme',
      prefix,
      digest,
      scopes: ['routes:read'],
      roles: ['support'],
      expiresAt: null,
      revokedAt: null,
    },
  ];
  lookUps = [];
  uses = [];
  failure = undefined;
});

const makeAuth = (options: Partial<KeyAuthOptions> = {}) =>
  createKeyAuth({
    keys: {
      findByPrefix: (prefixes) => {
        lookUps.push(prefixes);
        return failure === undefined
          ? Promise.resolve(stored.filter((each) => prefixes.includes(each.prefix)))
          : Promise.reject(failure);
      },
    },
    onUsed: (use) => uses.push(use),
    clock,
    ...options,
  });
const kindOf = async (auth: ReturnType<typeof makeAuth>, token = key) =>
  (await auth.authenticate(bearer(token))).kind;
const change = (more: Partial<KnownKey>): void => {
  stored = stored.map((each) => ({ ...each, ...more }));
};

test('a stored key identifies its caller, with scopes, roles and tenant', async () => {
  await expect(makeAuth().authenticate(bearer(key))).resolves.toEqual({
    kind: 'authenticated',
    principal: {
      id: 'key:k1',
      scopes: new Set(['routes:read']),
      roles: new Set(['support']),
      tenant: 'acme',
    },
  });
  expect(uses).toEqual([{ id: 'k1', at: clock.now() }]);
});

test('a key of no tenant has none', async () => {
  change({ tenant: null });
  const found = await makeAuth().authenticate(bearer(key));
  expect(found.kind === 'authenticated' && 'tenant' in found.principal).toBe(false);
});

describe('refused, and not counted as a use', () => {
  test.each<[string, RefusalReason, Partial<KnownKey>]>([
    ['a revoked key', 'KEY_REVOKED', { revokedAt: 1 }],
    ['an expired key', 'KEY_EXPIRED', { expiresAt: clock.now() }],
    [
      'a key with the same prefix and another secret',
      'KEY_UNKNOWN',
      { digest: makeKey().digest, revokedAt: 1, expiresAt: 1 },
    ],
    ['a key whose digest is damaged', 'KEY_UNKNOWN', { digest: digest.slice(0, 31) }],
  ])('%s: %s', async (_, reason, more) => {
    change(more);
    await expect(makeAuth().authenticate(bearer(key))).resolves.toEqual({ kind: 'refused', reason });
    expect(uses).toEqual([]);
  });

  test('an unknown key', async () => {
    await expect(kindOf(makeAuth(), makeKey().key)).resolves.toBe('refused');
    expect(uses).toEqual([]);
  });

  test('what is no key of ours, without a look-up', async () => {
    failure = new Error('asked');
    await expect(kindOf(makeAuth(), 'a-key-of-the-environment')).resolves.toBe('refused');
    expect(lookUps).toEqual([]);
  });
});

test('without the header the caller is unknown', async () => {
  await expect(makeAuth().authenticate(new Headers())).resolves.toEqual({ kind: 'absent' });
});

test('further requests need no look-up, and count as uses', async () => {
  const auth = makeAuth();
  for (let n = 0; n < 100; n++) await kindOf(auth);
  expect([lookUps.length, uses.length]).toEqual([1, 100]);
});

test('many callers at once are looked up together, and one key once', async () => {
  const auth = makeAuth();
  await Promise.all(Array.from({ length: 300 }, () => kindOf(auth)));
  expect(lookUps).toEqual([[prefix]]);
  lookUps = [];
  await Promise.all(Array.from({ length: 300 }, () => kindOf(auth, makeKey().key)));
  expect(lookUps.length).toBeLessThanOrEqual(4);
});

describe('a revoke', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  /** Look-ups that see what is stored when they begin, and answer when told to. */
  const slowAuth = () => {
    const answers: (() => void)[] = [];
    const auth = makeAuth({
      keys: {
        findByPrefix: () => {
          const found = stored;
          return new Promise((resolve) => answers.push(() => resolve(found)));
        },
      },
    });
    return { auth, answers };
  };

  test('holds within 5 s elsewhere', async () => {
    const auth = makeAuth();
    await kindOf(auth);
    change({ revokedAt: clock.now() });
    clock.advance(4999);
    await expect(kindOf(auth)).resolves.toBe('authenticated');
    clock.advance(1);
    await expect(kindOf(auth)).resolves.toBe('refused');
  });

  test('holds within 5 s of the begin of a look-up that did not see it', async () => {
    const { auth, answers } = slowAuth();
    const running = kindOf(auth);
    await turn();
    change({ revokedAt: clock.now() });
    clock.advance(2000);
    answers[0]?.();
    await expect(running).resolves.toBe('authenticated');
    clock.advance(3000);
    const later = kindOf(auth);
    await turn();
    answers[1]?.();
    await expect(later).resolves.toBe('refused');
  });

  test('holds at once where it was made', async () => {
    const auth = makeAuth();
    await kindOf(auth);
    change({ revokedAt: clock.now() });
    auth.forget(prefix);
    await expect(kindOf(auth)).resolves.toBe('refused');
  });

  test('holds at once where it was made, also if the key is being looked up', async () => {
    const { auth, answers } = slowAuth();
    const before = kindOf(auth);
    await turn();
    change({ revokedAt: clock.now() });
    auth.forget(prefix);
    const after = kindOf(auth);
    await turn();
    answers[1]?.();
    await expect(after).resolves.toBe('refused');
    answers[0]?.();
    await before;
    await expect(kindOf(auth)).resolves.toBe('refused');
    expect(answers).toHaveLength(2);
  });
});

test('a key that is remembered expires in time', async () => {
  change({ expiresAt: clock.now() + 1000 });
  const auth = makeAuth();
  await expect(kindOf(auth)).resolves.toBe('authenticated');
  clock.advance(1000);
  await expect(kindOf(auth)).resolves.toBe('refused');
});

describe('while the database is unavailable', () => {
  test.each([
    ['it cannot be reached', new DatabaseError('DATABASE_UNAVAILABLE', 'away', { retryable: true })],
    ['its schema is not there yet', new DatabaseError('DATABASE_FAILED', 'no such table')],
  ])('nobody can tell: %s', async (_, error) => {
    failure = error;
    const auth = makeAuth();
    await expect(auth.authenticate(bearer(key))).resolves.toEqual({ kind: 'unavailable', cause: error });
    failure = undefined;
    await expect(kindOf(auth)).resolves.toBe('authenticated');
  });

  test('a key that was read before is accepted for 5 s, and then nobody can tell', async () => {
    const auth = makeAuth();
    await kindOf(auth);
    failure = new Error('away');
    clock.advance(4999);
    await expect(kindOf(auth)).resolves.toBe('authenticated');
    clock.advance(1);
    await expect(kindOf(auth)).resolves.toBe('unavailable');
  });

  test('a look-up without an answer is given up', async () => {
    const auth = makeAuth({ keys: { findByPrefix: () => new Promise(() => undefined) }, timeoutMs: 20 });
    await expect(kindOf(auth)).resolves.toBe('unavailable');
  });
});

test('what is remembered is bounded in bytes', async () => {
  const others = Array.from({ length: 50 }, () => makeKey());
  stored = others.map((each, n) => ({
    ...each,
    id: `k${n}`,
    tenant: null,
    scopes: Array.from({ length: 100 }, (_, m) => `scope:${m}`),
    roles: [],
    expiresAt: null,
    revokedAt: null,
  }));
  const auth = makeAuth({ cacheBytes: 100_000 });
  for (const { key: each } of others) await kindOf(auth, each);
  lookUps = [];
  for (const { key: each } of others.toReversed()) await kindOf(auth, each);
  expect(lookUps.length).toBeGreaterThan(35);
});

test('every byte of the digest counts', () => {
  for (let at = 0; at < 32; at++) {
    const other = Uint8Array.from(digest);
    other[at] = (other[at] ?? 0) ^ 1;
    expect(findRefusal({ digest, expiresAt: null, revokedAt: null }, other, 0)).toBe('KEY_UNKNOWN');
  }
  expect(findRefusal({ digest, expiresAt: null, revokedAt: null }, digest, 0)).toBeNull();
});
