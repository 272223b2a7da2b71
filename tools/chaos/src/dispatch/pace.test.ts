import { expect, test } from '@jest/globals';
import { createPace } from './pace.ts';

test('progress follows the breaks, however long they take, and leaves a share for the last phase', () => {
  let now = 0;
  const pace = createPace({ breaks: 10, now: () => now });
  const seen: number[] = [];
  for (let done = 1; done <= 10; done++) {
    for (let tick = 0; tick < 100; tick++) {
      now += 200;
      seen.push(pace.progress());
    }
    pace.recordBreak(done, 10);
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen[499]).toBeGreaterThan(0.35);
  expect(seen[499]).toBeLessThan(0.65);
  expect(seen.at(-1)).toBeGreaterThan(0.8);
  expect(seen.at(-1)).toBeLessThan(1);
  pace.finish();
  expect(pace.progress()).toBe(1);
});
