import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cleanText } from './clean-text.ts';

test.each([
  ['user:ada@example.org', 'user:ada@example.org'],
  ['Ådá 艾达 🔑', 'Ådá 艾达 🔑'],
  ['a\0b', 'a\\u{0}b'],
  ['\x1b[2J', '\\u{1b}[2J'],
  ['one\nuser:eve allowed', 'one\\u{a}user:eve allowed'],
  ['\u202Eada', '\\u{202e}ada'],
  ['\uD83D', '\\u{d83d}'],
  ['DOMAIN\\ada', 'DOMAIN\\u{5c}ada'],
])('%j is written as %j', (text, cleaned) => {
  expect(cleanText(text, 64)).toBe(cleaned);
});

test('long texts with one beginning stay apart', () => {
  const [one, other] = [cleanText('a'.repeat(300), 64), cleanText('a'.repeat(301), 64)];
  expect(one).toMatch(/^a{47}…[0-9a-f]{16}$/);
  expect(other).toMatch(/^a{47}…[0-9a-f]{16}$/);
  expect(one).not.toBe(other);
});

test('a text that only its escapes make too long is shortened as well', () => {
  expect(cleanText('\0'.repeat(60), 64)).toHaveLength(64);
});

test('no pair is cut into halves', () => {
  expect(cleanText(`${'a'.repeat(46)}🔑${'b'.repeat(50)}`, 64)).toMatch(/^a{46}…[0-9a-f]{16}$/);
});

test('the result is bounded, well-formed and free of controls, and two texts never give one', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.nat(0xff_ff), { maxLength: 100 }).map((units) => String.fromCharCode(...units)),
  );
  fc.assert(
    fc.property(anyText, anyText, (one, other) => {
      const cleaned = cleanText(one, 64);
      expect(cleaned.length).toBeLessThanOrEqual(64);
      expect(cleaned).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      if (one !== other) expect(cleanText(other, 64)).not.toBe(cleaned);
    }),
  );
});
