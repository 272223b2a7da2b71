import { expect, test } from '@jest/globals';
import { isOneLine } from './one-line.ts';

test.each<[string, boolean]>([
  ['Ada Lovelace, 東京 🚀', true],
  ['a\nb', false],
  ['a\0b', false],
  ['a\u2028b', false],
  ['a\u2029b', false],
  ['a\u202eb', false],
  ['\u200b', false],
  ['\ud800', false],
])('%j: %s', (text, expected) => {
  expect(isOneLine(text)).toBe(expected);
});
