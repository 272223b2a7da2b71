import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { makeKey, parseKey } from './key-format.ts';

test('a key has 256 random bits, and only its SHA-256 is stored', () => {
  const sizes: number[] = [];
  const { key, prefix, digest } = makeKey((size) => {
    sizes.push(size);
    return Buffer.alloc(size, 7);
  });
  expect(sizes).toEqual([12, 32]);
  expect(key).toMatch(/^hgk_[a-z2-7]{12}_[\w-]{49}$/);
  expect(key.startsWith(`${prefix}_`)).toBe(true);
  expect(Buffer.from(digest).toString('hex')).toBe(createHash('sha256').update(key).digest('hex'));
  expect(prefix).not.toContain(Buffer.alloc(32, 7).toString('base64url'));
});

test('two keys have nothing in common', () => {
  const keys = Array.from({ length: 100 }, () => makeKey());
  expect(new Set(keys.map(({ prefix }) => prefix)).size).toBe(100);
  expect(new Set(keys.map(({ key }) => key)).size).toBe(100);
});

test('a key is read back', () => {
  const { key, prefix, digest } = makeKey();
  expect(parseKey(key)).toEqual({ prefix, digest });
});

describe('what is no key costs no look-up', () => {
  const { key } = makeKey();
  const flipped = key.slice(0, 30) + (key[30] === 'A' ? 'B' : 'A') + key.slice(31);
  test.each([
    ['an empty text', ''],
    ['the secret of another system', 'demo-key-of-the-environment'],
    ['a key with one character changed', flipped],
    ['a key cut short', key.slice(0, -1)],
    ['a key with a tail', `${key}A`],
    ['a key in capitals', key.toUpperCase()],
    ['a token', 'aaaa.bbbb.cccc'],
    ['a key of two lines', `${key}\n`],
  ])('%s', (_, text) => {
    expect(parseKey(text)).toBeNull();
  });
});
