import { expect, test } from '@jest/globals';
import { ACTIVITY_CLASSES } from './activity-classes.ts';
import { retryIntervalsMs } from './retry-intervals.ts';

test('each interval is longer than the one before, up to the maximum', () => {
  expect(retryIntervalsMs(ACTIVITY_CLASSES.delivery.retry, 7)).toEqual([
    500, 1000, 2000, 4000, 8000, 10_000, 10_000,
  ]);
  // 2 to the power of 5,000 is no number; the maximum is.
  expect(retryIntervalsMs(ACTIVITY_CLASSES.delivery.retry, 5000).at(-1)).toBe(10_000);
});
