import { atLeast, atMost, type Goal } from '../goals.ts';
import type { WorkerPoolsReport } from './run-worker-pools.ts';

/** The goals of `bench worker-pools`. */
const GOALS = { criticalP95Ms: 200, backgroundSlotsUsed: 0.95 };

/**
 * Compares a report with its goals. A missed wait is a missed goal and no failure; critical work that did not run, or a
 * background that was not saturated, so that nothing was measured, is one.
 */
export function assessWorkerPools({ ownQueues, lost }: WorkerPoolsReport): {
  readonly goals: readonly Goal[];
  readonly exitCode: 0 | 1;
} {
  const { criticalMs, backgroundSlotsUsed } = ownQueues;
  const goals = [
    atMost('ownQueues.criticalMs.p95', criticalMs.p95, 'ms', GOALS.criticalP95Ms),
    atLeast('ownQueues.backgroundSlotsUsed', backgroundSlotsUsed, 'share', GOALS.backgroundSlotsUsed),
    atMost('lost', lost, 'activities', 0),
  ];
  return { goals, exitCode: goals.slice(1).every(({ met }) => met) ? 0 : 1 };
}
