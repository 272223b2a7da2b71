import { expect, test } from '@jest/globals';
import { clockTime, duration, ordinal } from './plain-words.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

test.each([
  ['2026-03-01T00:00:00Z', '00:00:00Z'],
  ['2026-03-01T23:59:59.999Z', '23:59:59Z'],
  ['2026-02-28T23:59:59Z', '2026-02-28 23:59:59Z'],
  ['2026-03-02T00:00:00Z', '2026-03-02 00:00:00Z'],
  ['1969-12-31T23:59:59Z', '1969-12-31 23:59:59Z'],
])('%s is %s', (at, words) => {
  expect(clockTime(Date.parse(at), NOW)).toBe(words);
});

test.each([
  [-5, '0 ms'],
  [0, '0 ms'],
  [999, '999 ms'],
  [1000, '1 s'],
  [59_600, '1 min'],
  [61_000, '1 min 1 s'],
  [900_000, '15 min'],
  [3_600_000, '1 h'],
  [3_601_000, '1 h'],
  [5_400_000, '1 h 30 min'],
  [90_061_000, '1 d 1 h'],
  [7 * 86_400_000, '7 d'],
])('%d ms are %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test.each([
  [1, 'first'],
  [10, 'tenth'],
  [11, '11th'],
  [12, '12th'],
  [21, '21st'],
  [22, '22nd'],
  [103, '103rd'],
  [111, '111th'],
])('%d is %s', (n, words) => {
  expect(ordinal(n)).toBe(words);
});
