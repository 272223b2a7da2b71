import { expect, test } from '@jest/globals';
import type { Heartbeating } from '../policies/heartbeating.ts';
import { ACTIVITY_CLASSES } from '../policies/activity-classes.ts';
import { proxyClass } from './proxy-class.ts';

interface Jobs {
  readonly count: Heartbeating<(upTo: number) => Promise<string>>;
}
interface Calls {
  charge(order: string): Promise<void>;
}

test('no option of a call is dropped: a class of local activities refuses what it does not have', () => {
  // @ts-expect-error -- a local activity runs in the workflow's own worker
  expect(() => proxyClass<Calls>(ACTIVITY_CLASSES.localAttempt, { taskQueue: 'payments' })).toThrow(
    'localAttempt is a class of local activities, which have no taskQueue',
  );
});

test('a class with a heartbeat timeout takes only activities that send heartbeats', () => {
  // Never called: outside of a workflow there is nothing to call.
  const compiles = [
    () => proxyClass<Jobs>(ACTIVITY_CLASSES.longJob),
    () => proxyClass<Calls>(ACTIVITY_CLASSES.billing, { taskQueue: 'payments' }),
    // @ts-expect-error -- a plain activity as a long job
    () => proxyClass<Calls>(ACTIVITY_CLASSES.longJob),
    // @ts-expect-error -- the same for deliveries
    () => proxyClass<Calls>(ACTIVITY_CLASSES.delivery),
    // @ts-expect-error -- only defineLongJob makes a Heartbeating
    (): Jobs => ({ count: async (upTo: number) => `${upTo}` }),
  ];
  expect(compiles).toHaveLength(5);
});
