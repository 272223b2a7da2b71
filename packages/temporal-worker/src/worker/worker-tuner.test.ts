import { expect, test } from '@jest/globals';
import { ResourceBasedController } from '@temporalio/worker';
import { planSlots, type SlotPreset, type PoolClass } from './slots.ts';
import { createWorkerTuner } from './worker-tuner.ts';

const tunerOf = (preset: SlotPreset, pool?: PoolClass) =>
  createWorkerTuner(planSlots(preset, { cores: 2, pool }), 40);
const fixed = (numSlots: number) => ({ type: 'fixed-size', numSlots });

test('a fixed number of slots measures nothing', () => {
  expect(tunerOf({ kind: 'provider', concurrency: 3 })).toEqual({
    workflowTaskSlotSupplier: fixed(40),
    localActivityTaskSlotSupplier: fixed(3),
    nexusTaskSlotSupplier: fixed(100),
    activityTaskSlotSupplier: fixed(3),
  });
  expect(tunerOf({ kind: 'io' }, 'critical')).toMatchObject({ activityTaskSlotSupplier: fixed(100) });
});

test('every worker of a process that measures shares one controller', () => {
  const [first, second] = [tunerOf({ kind: 'io', maximum: 50 }), tunerOf({ kind: 'cpu' }, 'background')];
  const controller = expect.any(ResourceBasedController);
  expect(first).toMatchObject({
    activityTaskSlotSupplier: {
      type: 'resource-based',
      minimumSlots: 10,
      maximumSlots: 50,
      rampThrottle: 0,
      controller,
    },
  });
  expect(second).toMatchObject({
    activityTaskSlotSupplier: {
      type: 'resource-based',
      minimumSlots: 1,
      maximumSlots: 2,
      rampThrottle: 0,
      controller,
    },
  });
  const of = (tuner: unknown) =>
    (tuner as { activityTaskSlotSupplier: { controller: unknown } }).activityTaskSlotSupplier.controller;
  expect(of(first)).toBe(of(second));
});
