import { expect, test } from '@jest/globals';
import { createBackoff } from './backoff.ts';

test('the delay doubles from 100 ms to 10 s', () => {
  const backoff = createBackoff();
  const delays = Array.from({ length: 9 }, () => backoff.nextDelayMs(0));
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
});

test('a healthy minute starts it over, less does not', () => {
  const backoff = createBackoff();
  backoff.nextDelayMs(0);
  expect(backoff.nextDelayMs(59_999)).toBe(200);
  expect(backoff.nextDelayMs(60_000)).toBe(100);
});
