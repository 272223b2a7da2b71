import { expect, test } from '@jest/globals';
import { assessWorkerPools } from './assess-worker-pools.ts';
import type { WorkerPoolsReport } from './run-worker-pools.ts';

const report = (p95: number, backgroundSlotsUsed = 1, lost = 0): WorkerPoolsReport => {
  const figures = { criticalMs: { p50: 1, p95, p99: 1 }, backgroundSlotsUsed };
  return { name: 'worker-pools', slots: 1, activities: 1, ownQueues: figures, sharedQueue: figures, lost };
};

test.each([
  [200, true],
  [201, false],
  [Number.NaN, false],
])('a wait of %d ms at the 95th percentile meets the goal: %j, and a miss is no failure', (p95, met) => {
  const { goals, exitCode } = assessWorkerPools(report(p95));
  expect([goals[0]?.met, exitCode]).toEqual([met, 0]);
});

test('a background that was not saturated is a failure: nothing was measured', () => {
  expect(assessWorkerPools(report(10, 0.9)).exitCode).toBe(1);
});

test('critical work that did not run is a failure', () => {
  expect(assessWorkerPools(report(10, 1, 1)).exitCode).toBe(1);
});
