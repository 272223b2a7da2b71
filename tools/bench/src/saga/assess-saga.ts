import { atLeast, atMost, type Goal } from '../goals.ts';
import type { SagaReport } from './run-saga.ts';

/** The goals of `bench saga`. */
const GOALS = { ratioToActivities: 0.9, compensationRatio: 2 };

/**
 * Compares a report with its goals. A missed speed is a missed goal and no failure; a saga that ended otherwise than it
 * should is one.
 */
export function assessSaga({ ratioToActivities, compensation, wrong }: SagaReport): {
  readonly goals: readonly Goal[];
  readonly exitCode: 0 | 1;
} {
  return {
    goals: [
      atLeast('ratioToActivities', ratioToActivities, 'ratio', GOALS.ratioToActivities),
      atMost('compensation.ratio', compensation.ratio, 'ratio', GOALS.compensationRatio),
      atMost('wrong', wrong, 'workflows', 0),
    ],
    exitCode: wrong === 0 ? 0 : 1,
  };
}
