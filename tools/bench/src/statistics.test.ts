import { expect, test } from '@jest/globals';
import { median, percentile, rounded, spread } from './statistics.ts';

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[], Number.NaN],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('percentiles are values that occurred, by nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0.5, 0.95, 0.99, 1].map((p) => percentile(values, p))).toEqual([50, 95, 99, 100]);
  expect(percentile([7], 0.5)).toBe(7);
});

test('numbers are shown rounded, a spread from least to greatest', () => {
  expect(rounded(1.2345, 2)).toBe(1.23);
  expect(spread([3, 1, 2])).toBe('1.0–3.0');
});
