import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cancellationSignal } from '@temporalio/activity';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { endOf, openPolicyGround, type PolicyGround, type Work } from '../testing/policy-ground.ts';
import { scaleClass } from '../testing/scale-class.ts';
import { installTemporalRuntime } from '../worker/runtime.ts';
import type { ActivityClass } from './activity-class.ts';
import { ACTIVITY_CLASSES } from './activity-classes.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
let ground: PolicyGround;
beforeAll(async () => {
  ground = await openPolicyGround();
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

// The server does not skip time while an attempt is under way or waits for a worker, so these classes run at a fraction of
// their times, with all proportions kept.
describe('timeouts of an attempt', () => {
  const scaled = (name: keyof typeof ACTIVITY_CLASSES, factor: number): ActivityClass =>
    scaleClass(ACTIVITY_CLASSES[name], factor);
  const never: Work = () => wait(20_000, 'late', { signal: cancellationSignal() });

  test.each([
    ['quickRead', 20],
    ['record', 20],
    ['externalCall', 200],
    ['billing', 1000],
    ['compensation', 1000],
  ] as const)('startToClose of %s starts another attempt', async (name, factor) => {
    const handle = await ground.start(ground.real, 'callOnce', [scaled(name, factor)], {
      work: (attempt) => (attempt === 1 ? never(1) : Promise.resolve(`attempt ${attempt}`)),
    });
    await expect(endOf(handle)).resolves.toEqual({ result: 'attempt 2' });
  });

  test('startToClose of localAttempt ends it', async () => {
    // Only half: a wait for its slot must not bring scheduleToClose, which is close by, to the front.
    const handle = await ground.start(ground.real, 'callOnce', [scaled('localAttempt', 2)], { work: never });
    await expect(endOf(handle)).resolves.toMatchObject({ failure: { timeoutType: 'START_TO_CLOSE' } });
  });

  test.each([
    ['delivery', 60],
    ['longJob', 120],
  ] as const)(
    'a missing heartbeat of %s starts another attempt long before startToClose',
    async (name, factor) => {
      const handle = await ground.start(ground.real, 'callOnce', [scaled(name, factor)], {
        work: (attempt) => (attempt === 1 ? never(1) : Promise.resolve(`attempt ${attempt}`)),
      });
      await expect(endOf(handle)).resolves.toEqual({ result: 'attempt 2' });
    },
  );

  test('scheduleToStart of quickRead gives up what nobody takes, at once and for good', async () => {
    const handle = await ground.start(ground.real, 'callOnce', [
      scaled('quickRead', 60),
      'nobody-polls-here',
    ]);
    await expect(endOf(handle)).resolves.toMatchObject({ failure: { timeoutType: 'SCHEDULE_TO_START' } });
  });

  test.each(['delivery', 'billing', 'longJob'] as const)(
    '%s outlives an outage of all workers',
    async (name) => {
      const queue = `later-${name}`;
      const handle = await ground.start(ground.real, 'callOnce', [scaled(name, 60), queue]);
      // Longer than any scheduleToStart that would be of use at this scale. Only a test of the class can tell of longer ones.
      await wait(700);
      const late = await Worker.create({
        connection: ground.fresh.nativeConnection,
        namespace: ground.fresh.namespace,
        taskQueue: queue,
        activities: { work: async () => 'done' },
      });
      await expect(late.runUntil(endOf(handle))).resolves.toEqual({ result: 'done' });
    },
  );
});

describe('a gateway that takes 2 min at peak, at a fraction of its time', () => {
  /** It charges once per key, and works on whatever it was asked, also when nobody waits for the answer any more. */
  function openGateway() {
    const charged = new Set<string>();
    let underWay = 0;
    const gateway = { charged, atOnce: 0, charge };
    async function charge(key: string): Promise<string> {
      gateway.atOnce = Math.max(gateway.atOnce, ++underWay);
      await wait(1000);
      underWay--;
      charged.add(key);
      return 'paid';
    }
    return gateway;
  }

  test('the policy of the guide gives up after 30 s, and the customer is charged all the same', async () => {
    const gateway = openGateway();
    const handle = await ground.start(ground.real, 'naivePayment', ['scheduleToClose', 250], {
      work: () => gateway.charge('order 1'),
    });
    await expect(endOf(handle)).resolves.toMatchObject({ failure: { timeoutType: 'SCHEDULE_TO_CLOSE' } });
    expect(gateway.charged.size).toBe(0);
    await wait(1000);
    expect(gateway.charged).toEqual(new Set(['order 1']));
  });

  test('30 s for each attempt, and a key with its number, charge four times while the first still runs', async () => {
    const gateway = openGateway();
    const handle = await ground.start(ground.real, 'naivePayment', ['startToClose', 250], {
      work: (attempt) => gateway.charge(`order 2, attempt ${attempt}`),
    });
    await expect(endOf(handle)).resolves.toMatchObject({ failure: { timeoutType: 'START_TO_CLOSE' } });
    expect(gateway.atOnce).toBeGreaterThan(1);
    await wait(1300);
    expect(gateway.charged.size).toBe(4);
  });

  test('billing waits for it: one request, one charge', async () => {
    const gateway = openGateway();
    const handle = await ground.start(ground.real, 'callOnce', [scaleClass(ACTIVITY_CLASSES.billing, 120)], {
      work: () => gateway.charge('order 3'),
    });
    await expect(endOf(handle)).resolves.toEqual({ result: 'paid' });
    expect(gateway).toMatchObject({ atOnce: 1, charged: new Set(['order 3']) });
  });

  test('billing repeats a request whose connection was cut with the same key: one charge', async () => {
    const gateway = openGateway();
    const handle = await ground.start(ground.real, 'callOnce', [scaleClass(ACTIVITY_CLASSES.billing, 120)], {
      work: async (attempt) => {
        const answer = gateway.charge('order 4');
        if (attempt === 1) throw new Error('connection reset');
        return answer;
      },
    });
    await expect(endOf(handle)).resolves.toEqual({ result: 'paid' });
    expect(gateway.charged).toEqual(new Set(['order 4']));
  });
});
