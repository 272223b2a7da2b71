import { describe, expect, test } from '@jest/globals';
import { parseKeyRing } from './parse-key-ring.ts';

const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64url');
const ringOf = (keys: readonly object[], active = 'k1', domain = 'dispatch'): string =>
  JSON.stringify({ domains: { [domain]: { active, keys } } });

describe('a key ring in JSON', () => {
  test('has an active key per domain, and finds the others by id', async () => {
    const keys = [
      { id: 'k0', key: keyOf(1) },
      { id: 'k1', key: keyOf(2) },
      { id: 's', key: keyOf(3), use: 'samples' },
    ];
    const ring = parseKeyRing(ringOf(keys));
    expect(ring.domains).toEqual(['dispatch']);
    expect(ring.activeKey('dispatch')).toMatchObject({ id: 'k1', wrapped: null, isOfSamples: false });
    expect(await ring.findKey('dispatch', 'k0', null)).toMatchObject({ id: 'k0' });
    expect(await ring.findKey('dispatch', 's', null)).toMatchObject({ id: 's', isOfSamples: true });
  });

  test.each(['constructor', 'tostring', 'valueof'])('has the keys of a domain named %s', (domain) => {
    const ring = parseKeyRing(ringOf([{ id: 'k1', key: keyOf(2) }], 'k1', domain));
    expect(ring.domains).toEqual([domain]);
    expect(ring.activeKey(domain).id).toBe('k1');
    const without = parseKeyRing(ringOf([{ id: 'k1', key: keyOf(2) }]));
    expect(() => without.activeKey(domain)).toThrow(expect.objectContaining({ code: 'CODEC_KEY_UNKNOWN' }));
  });

  test('refuses a domain named __proto__', () => {
    const json = ringOf([{ id: 'k1', key: keyOf(2) }]).replace('dispatch', '__proto__');
    expect(() => parseKeyRing(json)).toThrow(/A domain has to be/);
  });

  test.each([
    ['text', 'k1:abc', 'not JSON'],
    ['no domains', '{}', 'domains'],
    ['no keys', ringOf([]), 'domains.dispatch.keys'],
    ['a short key', ringOf([{ id: 'k1', key: Buffer.alloc(31, 7).toString('base64url') }]), 'keys.0.key'],
    ['a long key', ringOf([{ id: 'k1', key: Buffer.alloc(33, 7).toString('base64url') }]), 'keys.0.key'],
    ['plain base64', ringOf([{ id: 'k1', key: Buffer.alloc(32, 0xfb).toString('base64') }]), 'keys.0.key'],
    ['a number', ringOf([{ id: 'k1', key: 7 }]), 'keys.0.key'],
    ['an unknown use', ringOf([{ id: 'k1', key: keyOf(7), use: 'all' }]), 'keys.0.use'],
    ['an unknown member', ringOf([{ id: 'k1', key: keyOf(7), Active: true }]), 'keys.0.Active'],
    [
      'an active key that is missing',
      ringOf([{ id: 'k0', key: keyOf(7) }]),
      'active key of the domain dispatch',
    ],
    [
      'twins',
      ringOf([
        { id: 'k1', key: keyOf(7) },
        { id: 'k1', key: keyOf(8) },
      ]),
      'occurs twice',
    ],
    [
      'twins that only decrypt',
      ringOf([1, 2, 3].map((byte) => ({ id: byte === 1 ? 'k1' : 'k0', key: keyOf(byte) }))),
      'occurs twice',
    ],
    ['a strange id', ringOf([{ id: 'k 1', key: keyOf(7) }], 'k 1'), 'A key id has to be'],
    ['a strange domain', ringOf([{ id: 'k1', key: keyOf(7) }], 'k1', 'Dispatch!'), 'A domain has to be'],
    [
      'an active key of the samples',
      ringOf([{ id: 'k1', key: keyOf(7), use: 'samples' }]),
      'for the format of the samples',
    ],
  ])('%s is refused without printing a key', (_, json, says) => {
    expect(() => parseKeyRing(json)).toThrow(expect.objectContaining({ code: 'CODEC_KEYS_INVALID' }));
    try {
      parseKeyRing(json);
    } catch (error) {
      expect(String(error)).toContain(says);
      for (const [key] of json.matchAll(/[\w/+-]{40,}/g)) expect(String(error)).not.toContain(key);
    }
  });
});

describe('keys that name large payloads', () => {
  const k1 = { id: 'k1', key: keyOf(1) };

  test('are listed in their order, and neither encrypt nor decrypt', () => {
    const ring = parseKeyRing(
      ringOf([{ id: 'c2', key: keyOf(2), use: 'claims' }, k1, { id: 'c1', key: keyOf(3), use: 'claims' }]),
    );
    expect(ring.claimKeys?.('dispatch').map(({ id }) => id)).toEqual(['c2', 'c1']);
    expect(ring.claimKeys?.('health')).toEqual([]);
    expect(ring.activeKey('dispatch').id).toBe('k1');
    expect(() => ring.findKey('dispatch', 'c1', null)).toThrow(
      expect.objectContaining({ code: 'CODEC_KEY_UNKNOWN' }),
    );
  });

  test.each([
    ['the active key', 'c1', [k1, { id: 'c1', key: keyOf(2), use: 'claims' }]],
    ['an id that is no part of a name', 'k1', [k1, { id: 'C.1', key: keyOf(2), use: 'claims' }]],
    ['an id that occurs twice', 'k1', [k1, { id: 'k1', key: keyOf(2), use: 'claims' }]],
  ])('are refused with %s', (_, active, keys) => {
    expect(() => parseKeyRing(ringOf(keys, active))).toThrow(
      expect.objectContaining({ code: 'CODEC_KEYS_INVALID' }),
    );
  });
});
