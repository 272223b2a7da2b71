import { manualClock } from '@heliograph/service';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { authGround } from '../testing/auth-ground.ts';
import { createNonceStore } from './nonce-store.ts';

let ground: Awaited<ReturnType<typeof authGround>>;
beforeAll(async () => {
  ground = await authGround('nonces');
});
afterAll(() => ground.close());

test('a nonce is good for one use', async () => {
  const { nonce } = await ground.nonces.issue('login');
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => ground.nonces.consume('login', nonce)));
  expect(outcomes.toSorted()).toEqual(['consumed', ...Array.from({ length: 7 }, () => 'used')]);
});

test('a nonce is good for its purpose only, and is not used up by another one', async () => {
  const { nonce } = await ground.nonces.issue('login');
  await expect(ground.nonces.consume('invitation', nonce)).resolves.toBe('unknown');
  await expect(ground.nonces.consume('login', nonce)).resolves.toBe('consumed');
});

test('a nonce expires', async () => {
  const clock = manualClock(Date.now());
  const nonces = createNonceStore(ground.postgres, { clock });
  const { nonce, expiresAt } = await nonces.issue('login', 1000);
  expect(expiresAt).toBe(clock.now() + 1000);
  clock.advance(1000);
  await expect(nonces.consume('login', nonce)).resolves.toBe('expired');
});

test('only the hash of a nonce is stored', async () => {
  const { nonce } = await ground.nonces.issue('login');
  const rows = await ground.postgres.sql<
    { readonly row: string }[]
  >`select n::text as row from auth.nonces n`;
  expect(rows.map(({ row }) => row).join()).not.toContain(nonce);
});

test.each(['', 'a', '\0'.repeat(43), 'A'.repeat(43)])('what nobody issued (%j) is unknown', async (nonce) => {
  await expect(ground.nonces.consume('login', nonce)).resolves.toBe('unknown');
});

test('all nonces of a purpose can expire at once, and those of others stay', async () => {
  const [one, other, used] = [
    await ground.nonces.issue('leaked'),
    await ground.nonces.issue('kept'),
    await ground.nonces.issue('leaked'),
  ];
  await ground.nonces.consume('leaked', used.nonce);
  await expect(ground.nonces.expireAll('leaked')).resolves.toBe(1);
  await expect(ground.nonces.expireAll('leaked')).resolves.toBe(0);
  await expect(ground.nonces.consume('leaked', one.nonce)).resolves.toBe('expired');
  await expect(ground.nonces.consume('leaked', used.nonce)).resolves.toBe('used');
  await expect(ground.nonces.consume('kept', other.nonce)).resolves.toBe('consumed');
  const later = await ground.nonces.issue('leaked');
  await expect(ground.nonces.consume('leaked', later.nonce)).resolves.toBe('consumed');
});
