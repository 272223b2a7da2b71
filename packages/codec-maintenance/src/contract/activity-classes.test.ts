import { activityOptions } from '@heliograph/temporal-worker/policies';
import { expect, test } from '@jest/globals';
import { MAINTENANCE_CLASSES } from './activity-classes.ts';

// What maintenance has been running with: a class is no reason to change it.
test.each([
  [MAINTENANCE_CLASSES.collection, 6 * 3_600_000],
  [MAINTENANCE_CLASSES.rotation, 30 * 60_000],
  [MAINTENANCE_CLASSES.survey, 12 * 3_600_000],
])('the timeouts of maintenance are these: %#', (policy, startToCloseTimeout) => {
  expect(activityOptions(policy)).toEqual({
    startToCloseTimeout,
    heartbeatTimeout: 20_000,
    retry: expect.objectContaining({ initialInterval: 1000, backoffCoefficient: 2, maximumInterval: 60_000 }),
  });
});
