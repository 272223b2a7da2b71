import { expect, test } from '@jest/globals';
import { assessSaga } from './assess-saga.ts';
import type { SagaReport } from './run-saga.ts';

const report: SagaReport = {
  name: 'saga',
  ratioToActivities: 0.9,
  sagasPerSecond: 20,
  activitiesPerSecond: 22,
  compensation: { activityMs: 100, oneStepMs: 130, tenStepsMs: 260, ratio: 2 },
  wrong: 0,
};
const missed = (changed: Partial<SagaReport>) =>
  assessSaga({ ...report, ...changed })
    .goals.filter(({ met }) => !met)
    .map(({ name }) => name);

test.each<[string, Partial<SagaReport>, readonly string[], 0 | 1]>([
  ['goals that are just met', {}, [], 0],
  ['a slow saga is a missed goal', { ratioToActivities: 0.89 }, ['ratioToActivities'], 0],
  [
    'so is slow compensation',
    { compensation: { ...report.compensation, ratio: 2.1 } },
    ['compensation.ratio'],
    0,
  ],
  ['a saga that ended wrong is a failure', { wrong: 1 }, ['wrong'], 1],
  ['a figure that was not measured is missed', { ratioToActivities: Number.NaN }, ['ratioToActivities'], 0],
])('%s', (_, changed, names, exitCode) => {
  expect(missed(changed)).toEqual(names);
  expect(assessSaga({ ...report, ...changed }).exitCode).toBe(exitCode);
});
