import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseKeyRing } from './key-ring.ts';
import { createSealer } from './sealer.ts';

const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64url');
const OLD = `k0:${keyOf(7)}`;
const NEW = `k1:${keyOf(9)}`;
const sealer = createSealer(parseKeyRing(`${NEW},${OLD}`));

describe('sealer', () => {
  test('opens whatever it has sealed, in the same context only', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        (plaintext, context, other) => {
          const sealed = sealer.seal(plaintext, context);
          expect(sealer.open(sealed, context)).toBe(plaintext);
          fc.pre(Buffer.from(context).compare(Buffer.from(other)) !== 0);
          expect(() => sealer.open(sealed, other)).toThrow(
            expect.objectContaining({ code: 'DATABASE_SEALED_CORRUPT' }),
          );
        },
      ),
    );
  });

  test('notices every changed, added or missing byte', () => {
    const { keyId, sealed } = sealer.seal('a routing key', 'connected_app:pd');
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(() => sealer.open({ keyId, sealed: changed }, 'connected_app:pd')).toThrow(
          expect.objectContaining({ code: 'DATABASE_SEALED_CORRUPT' }),
        );
      }),
    );
    for (const cut of [
      sealed.subarray(0, -1),
      sealed.subarray(0, 12),
      new Uint8Array(),
      Buffer.concat([sealed, Buffer.of(0)]),
    ]) {
      expect(() => sealer.open({ keyId, sealed: cut }, 'connected_app:pd')).toThrow(
        expect.objectContaining({ code: 'DATABASE_SEALED_CORRUPT' }),
      );
    }
  });

  test('never seals the same text to the same bytes', () => {
    const seals = Array.from({ length: 50 }, () =>
      Buffer.from(sealer.seal('same', 'c').sealed).toString('hex'),
    );
    expect(new Set(seals).size).toBe(50);
  });

  test('opens with the old key after a rotation and says that sealing again is due', () => {
    const before = createSealer(parseKeyRing(OLD)).seal('secret', 'c');
    expect(sealer.open(before, 'c')).toBe('secret');
    expect(sealer.isStale(before)).toBe(true);
    expect(sealer.isStale(sealer.seal('secret', 'c'))).toBe(false);
  });

  test('a key that left the ring is named, and the key id cannot be swapped', () => {
    const sealed = sealer.seal('secret', 'connected_app:a1');
    const without = createSealer(parseKeyRing(OLD));
    expect(() => without.open(sealed, 'connected_app:a1')).toThrow(
      expect.objectContaining({
        code: 'DATABASE_SEALED_KEY_UNKNOWN',
        message: expect.stringContaining('k1'),
      }),
    );
    const twin = createSealer(parseKeyRing(`k1:${keyOf(1)},kx:${keyOf(9)}`));
    expect(() => twin.open({ ...sealed, keyId: 'kx' }, 'connected_app:a1')).toThrow(
      expect.objectContaining({ code: 'DATABASE_SEALED_CORRUPT' }),
    );
  });

  test('errors do not hold the plaintext', () => {
    const sealed = sealer.seal('hunter2-plaintext', 'c');
    try {
      sealer.open({ ...sealed, keyId: 'k0' }, 'c');
      throw new Error('opened');
    } catch (error) {
      expect(String(error)).not.toContain('hunter2');
    }
  });
});

describe('key ring', () => {
  test('the first key is active', () => {
    expect(parseKeyRing(`${NEW}, ${OLD}`)).toMatchObject({
      activeKeyId: 'k1',
      keys: [{ id: 'k1' }, { id: 'k0' }],
    });
  });

  test.each([
    ['nothing', ''],
    ['no colon', keyOf(1)],
    ['a short key', `k1:${Buffer.alloc(31).toString('base64url')}`],
    ['a long key', `k1:${Buffer.alloc(33).toString('base64url')}`],
    ['plain base64', `k1:${Buffer.alloc(32, 0xfb).toString('base64')}`],
    ['a twin id', `${NEW},${NEW}`],
    ['a strange id', `k 1:${keyOf(1)}`],
    ['a trailing comma', `${NEW},`],
  ])('%s is refused without printing the key', (_, text) => {
    expect(() => parseKeyRing(text)).toThrow(expect.objectContaining({ code: 'DATABASE_KEY_RING_INVALID' }));
    try {
      parseKeyRing(text);
    } catch (error) {
      for (const [, key] of text.matchAll(/:([\w-]{20,})/g)) expect(String(error)).not.toContain(key);
    }
  });

  test('an active id without a key is refused', () => {
    expect(() => createSealer({ keys: [], activeKeyId: 'k9' })).toThrow(/k9/);
  });
});
