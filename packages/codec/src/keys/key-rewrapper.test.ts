import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMemorySource } from '../testing/memory-source.ts';
import { vaultGround } from '../testing/vault-ground.ts';
import { createEnvelopeKeyRing, type EnvelopeKeyRing } from './envelope-key-ring.ts';
import { createKeyRing } from './key-ring.ts';
import { createKey } from './codec-key.ts';

let ground: Awaited<ReturnType<typeof vaultGround>>;
beforeEach(async () => {
  ground = await vaultGround();
});
afterEach(() => ground.close());

const wrappedOf = (ring: EnvelopeKeyRing): Uint8Array =>
  ring.activeKey('dispatch').wrapped ?? new Uint8Array();
const versionOf = (wrapped: Uint8Array | null | undefined): string =>
  Buffer.from(wrapped ?? [])
    .toString()
    .slice(0, 9);
const rewrap = (ring: EnvelopeKeyRing, wrapped: Uint8Array, keyId = 'vault') =>
  ring.rewrapKey?.('dispatch', keyId, wrapped);

describe('a data key that an older version wrapped', () => {
  test('is wrapped by the newest one, stays the same key, and is asked for once', async () => {
    const before = await ground.ring();
    const wrapped = wrappedOf(before);
    ground.rotate();
    const ring = await ground.ring();
    ground.takeRequests();
    const [anew, again] = await Promise.all([rewrap(ring, wrapped), rewrap(ring, Uint8Array.from(wrapped))]);
    expect(versionOf(anew)).toBe('vault:v2:');
    expect(again).toEqual(anew);
    expect(await rewrap(ring, wrapped)).toEqual(anew);
    // One of each proves that the key is derived.
    expect(ground.takeRequests()).toEqual({ rewrap: 2, decrypt: 2 });
    ground.key.minDecryptionVersion = 2;
    const { key } = await (await ground.ring()).findKey('dispatch', 'vault', anew ?? null);
    expect(key.equals(before.activeKey('dispatch').key)).toBe(true);
  });

  test('is wrapped again after the next rotation', async () => {
    const wrapped = wrappedOf(await ground.ring());
    ground.rotate();
    const second = await rewrap(await ground.ring(), wrapped);
    ground.rotate();
    const ring = await ground.ring();
    const third = await rewrap(ring, second ?? new Uint8Array());
    expect([versionOf(second), versionOf(third)]).toEqual(['vault:v2:', 'vault:v3:']);
    expect(await rewrap(ring, third ?? new Uint8Array())).toBeNull();
  });

  test('is left by a process that has not seen the newest version, which asks for nothing', async () => {
    const ring = await ground.ring();
    const foreign = wrappedOf(await ground.ring());
    ground.rotate();
    const newer = wrappedOf(await ground.ring());
    ground.takeRequests();
    expect(await Promise.all([rewrap(ring, foreign), rewrap(ring, newer)])).toEqual([null, null]);
    expect(ground.takeRequests()).toEqual({});
  });

  test('is refused by a token that may not rewrap, once the version is retired, and where it was changed', async () => {
    const metrics: string[] = [];
    const wrapped = wrappedOf(await ground.ring());
    ground.rotate();
    const ring = await ground.ring({
      metrics: {
        keyRequested: ({ operation, outcome }) => metrics.push(`${operation} ${outcome}`),
        keyRotated: () => undefined,
      },
    });
    const changed = wrapped.with(20, (wrapped[20] ?? 0) === 65 ? 66 : 65);
    await expect(rewrap(ring, changed)).rejects.toMatchObject({ code: 'CODEC_KEY_REFUSED' });
    ground.vault.tokens.set('t0k3n', { allows: (path) => !path.includes('rewrap') });
    await expect(rewrap(ring, wrapped)).rejects.toMatchObject({ code: 'CODEC_KEY_REFUSED' });
    ground.vault.tokens.set('t0k3n', { allows: () => true });
    ground.key.minDecryptionVersion = 2;
    await expect(rewrap(await ground.ring(), wrapped)).rejects.toMatchObject({
      code: 'CODEC_KEY_REFUSED',
      message: expect.stringContaining('min_decryption_version'),
    });
    expect(metrics).toEqual(['generate succeeded', 'rewrap CODEC_KEY_REFUSED', 'rewrap CODEC_KEY_REFUSED']);
  });

  test('is not replaced by one that another replica wrapped, which has not heard of the newest version', async () => {
    const wrapped = wrappedOf(await ground.ring());
    ground.rotate();
    const ring = await ground.ring();
    ground.key.versions.pop();
    await expect(rewrap(ring, wrapped)).rejects.toMatchObject({
      code: 'CODEC_KEY_UNAVAILABLE',
      retryable: true,
    });
  });
});

describe('nothing is wrapped anew', () => {
  test('of another key, of no version, of an unusable size, or of a domain whose keys only decrypt', async () => {
    const wrapped = wrappedOf(await ground.ring());
    ground.rotate();
    const ring = await ground.ring({
      domains: {
        dispatch: { active: ground.source(), others: [ground.source('old', 'others')] },
        health: { others: [ground.source()] },
      },
    });
    ground.takeRequests();
    expect(await rewrap(ring, wrapped, 'old')).toBeNull();
    expect(await rewrap(ring, wrapped, 'unknown')).toBeNull();
    expect(await rewrap(ring, Buffer.from('no version'))).toBeNull();
    expect(await rewrap(ring, Buffer.from(`vault:v1:${'A'.repeat(7000)}`))).toBeNull();
    expect(await ring.rewrapKey?.('health', 'vault', wrapped)).toBeNull();
    await expect(ring.rewrapKey?.('unknown', 'vault', wrapped)).rejects.toMatchObject({
      code: 'CODEC_KEY_UNKNOWN',
    });
    expect(ground.takeRequests()).toEqual({});
  });

  test('by a source that shows no versions, nor by a ring of keys that nothing wraps', async () => {
    const source = createMemorySource('memory');
    const ring = await createEnvelopeKeyRing({
      namespace: 'prod',
      domains: { dispatch: { active: source } },
    });
    const { wrapped } = await source.generateDataKey({ namespace: 'prod', domain: 'dispatch' });
    expect(await rewrap(ring, wrapped, 'memory')).toBeNull();
    ring.close();
    const own = createKeyRing({ dispatch: { active: createKey('k1', Buffer.alloc(32)), others: [] } });
    expect(own).not.toHaveProperty('rewrapKey');
  });
});
