import { expect, test } from '@jest/globals';
import { stopDeadlineMs } from './stop-deadline.ts';

test.each<[string, Parameters<typeof stopDeadlineMs>[0], number]>([
  ['no worker at all', [], 5000],
  ['the default', [{}], 20_000],
  ['the most patient of several', [{ shutdownGraceMs: 1000 }, { shutdownForceMs: 30_000 }, {}], 35_000],
  ['grace and 5 s until the stop is forced', [{ shutdownGraceMs: 1000 }], 11_000],
])('the deadline of a stop follows %s', (_, workers, deadlineMs) => {
  expect(stopDeadlineMs(workers)).toBe(deadlineMs);
});
