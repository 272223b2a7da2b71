import { activityOptions, localActivityOptions } from '@heliograph/temporal-worker/policies';
import { expect, test } from '@jest/globals';
import { DISPATCH_CLASS_USES, DISPATCH_CLASSES } from './activity-classes.ts';

const { quick, patient, store, scan, sweep } = DISPATCH_CLASSES;

// What alert streams and the orchestrator have been running with: a class is no reason to change it.
test('the timeouts of the Dispatch Center are these', () => {
  expect(localActivityOptions(quick)).toMatchObject({
    startToCloseTimeout: 3000,
    scheduleToCloseTimeout: 4000,
    retry: { maximumAttempts: 1 },
  });
  expect(activityOptions(patient)).toMatchObject({
    startToCloseTimeout: 300_000,
    scheduleToCloseTimeout: 4_200_000,
    heartbeatTimeout: 15_000,
    retry: { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 10_000 },
  });
  expect(activityOptions(store)).toEqual({
    startToCloseTimeout: 5000,
    retry: expect.objectContaining({ initialInterval: 200, backoffCoefficient: 2, maximumInterval: 5000 }),
  });
  expect(activityOptions(scan)).toEqual({
    startToCloseTimeout: 300_000,
    heartbeatTimeout: 5000,
    retry: expect.objectContaining({ initialInterval: 200, backoffCoefficient: 2, maximumInterval: 5000 }),
  });
  expect(activityOptions(sweep)).toEqual({
    startToCloseTimeout: 60_000,
    heartbeatTimeout: 10_000,
    retry: expect.objectContaining({ maximumAttempts: 1 }),
  });
});

test('every activity is called by a class', () => {
  expect(new Set(DISPATCH_CLASS_USES.flatMap(({ activityTypes }) => activityTypes))).toEqual(
    new Set([
      'openStream',
      'readStreamState',
      'deliverAndRecord',
      'deliverPatiently',
      'recordStreamState',
      'wasBegun',
      'readAndDispatch',
      'sweepResolveDebt',
    ]),
  );
});
