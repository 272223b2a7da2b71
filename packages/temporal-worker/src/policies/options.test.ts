import { expect, test } from '@jest/globals';
import { compileRetryPolicy } from '@temporalio/common';
import { ACTIVITY_CLASSES } from './activity-classes.ts';
import { NON_RETRYABLE_TYPES } from './error-table.ts';
import { activityOptions, localActivityOptions, workflowTimeouts } from './options.ts';
import { WORKFLOW_CLASSES } from './workflow-classes.ts';

test('the options of a call hold what the class states, and leave out what it has none of', () => {
  const { billing, delivery, externalCall, localAttempt } = ACTIVITY_CLASSES;
  expect(activityOptions(billing, { taskQueue: 'payments' })).toEqual({
    taskQueue: 'payments',
    startToCloseTimeout: 300_000,
    retry: {
      initialInterval: 5000,
      backoffCoefficient: 2,
      maximumInterval: 300_000,
      nonRetryableErrorTypes: NON_RETRYABLE_TYPES,
    },
  });
  expect(activityOptions(externalCall)).toMatchObject({ scheduleToCloseTimeout: 1_800_000 });
  expect(activityOptions(delivery)).toMatchObject({ heartbeatTimeout: 15_000 });
  expect(activityOptions(delivery)).not.toHaveProperty('scheduleToCloseTimeout');
  expect(localActivityOptions(localAttempt)).toMatchObject({
    startToCloseTimeout: 3000,
    scheduleToCloseTimeout: 4000,
    retry: { maximumAttempts: 1 },
  });
  expect(localActivityOptions(localAttempt, { summary: 'order 17' })).toMatchObject({ summary: 'order 17' });
  for (const call of [{ taskQueue: 'payments' }, { priority: { priorityKey: 1 } }])
    expect(() => localActivityOptions(localAttempt, call as object)).toThrow(
      `localAttempt is a class of local activities, which have no ${Object.keys(call)[0]}`,
    );
  expect(() => activityOptions(localAttempt)).toThrow('localAttempt is a class of local activities');
  expect(() => localActivityOptions(billing)).toThrow('billing is a class of regular activities');
});

test.each(Object.values(ACTIVITY_CLASSES))('the SDK accepts the retries of $name', (policy) => {
  const { retry } = policy.kind === 'local' ? localActivityOptions(policy) : activityOptions(policy);
  expect(() => compileRetryPolicy(retry ?? {})).not.toThrow();
});

test('the timeouts of a start hold what the class states', () => {
  expect(workflowTimeouts(WORKFLOW_CLASSES.moneyMovement)).toEqual({ workflowTaskTimeout: 10_000 });
  expect(workflowTimeouts(WORKFLOW_CLASSES.request)).toEqual({
    workflowExecutionTimeout: 300_000,
    workflowTaskTimeout: 10_000,
  });
});
