import { expect, test } from '@jest/globals';
import { type DurationText, formatDuration, limit, none, parseDuration } from './limit.ts';

test.each([
  ['200 ms', 200],
  ['30 s', 30_000],
  ['5 min', 300_000],
  ['12 h', 43_200_000],
  ['3 d', 259_200_000],
] as const)('%s is %d ms, and is shown as it was written', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
  expect(formatDuration(ms)).toBe(text);
});

test.each(['', '5', '5s', '-5 s', 'five s', '5 weeks', '1e3 ms'])('%j is refused', (text) => {
  expect(() => parseDuration(text as DurationText)).toThrow('expected a duration such as "30 s"');
});

test('a bound and no bound both keep their reason', () => {
  expect(limit('90 s', 'measured')).toEqual({ ms: 90_000, because: 'measured' });
  expect(none('not needed')).toEqual({ ms: null, because: 'not needed' });
  expect(formatDuration(90_000)).toBe('90 s');
  expect(formatDuration(1500)).toBe('1500 ms');
});
