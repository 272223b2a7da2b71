import { describe, expect, test } from '@jest/globals';
import { runSchedule } from './run-schedule.ts';

describe('a simulated schedule', () => {
  test('is the same for the same seed', async () => {
    const [one, again] = [
      await runSchedule(7, { isTracing: true }),
      await runSchedule(7, { isTracing: true }),
    ];
    expect(one.trace.length).toBeGreaterThan(2);
    expect(again).toEqual(one);
  });

  test('keeps every promise', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { violations } = await runSchedule(seed);
      expect({ seed, violations }).toEqual({ seed, violations: [] });
    }
  });
});
