import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/activity';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { endOf, openPolicyGround, type PolicyGround, timesOf, type Work } from '../testing/policy-ground.ts';
import { installTemporalRuntime } from '../worker/runtime.ts';
import { ACTIVITY_CLASSES } from './activity-classes.ts';
import { ERROR_TABLE } from './error-table.ts';
import { retryIntervalsMs } from './retry-intervals.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
let ground: PolicyGround;
beforeAll(async () => {
  ground = await openPolicyGround();
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

const fail: Work = () => Promise.reject(new Error('not yet'));

describe('retries in virtual time', () => {
  test.each(['record', 'externalCall', 'delivery', 'billing', 'compensation', 'longJob'] as const)(
    '%s waits as its class states before each attempt',
    async (name) => {
      const { retry } = ACTIVITY_CLASSES[name];
      const attempts = 14;
      const handle = await ground.start(ground.skipping, 'callOnce', [ACTIVITY_CLASSES[name]], {
        work: (attempt) => (attempt < attempts ? fail(attempt) : Promise.resolve('done')),
      });
      await expect(endOf(handle)).resolves.toEqual({ result: 'done' });
      const { jumps } = await timesOf(handle);
      const expected = retryIntervalsMs(retry, attempts - 1);
      expect(jumps).toHaveLength(expected.length);
      const waits = jumps.slice(1).map((at, index) => at - (jumps[index] ?? 0));
      // The attempts themselves take real time, so a wait seems a little longer than it is.
      for (const [index, waited] of waits.entries()) {
        expect(waited).toBeGreaterThanOrEqual(expected[index + 1] ?? Number.NaN);
        expect(waited).toBeLessThan((expected[index + 1] ?? Number.NaN) + 10_000);
      }
    },
  );

  // With longer waits where it would take hundreds of attempts.
  test.each([
    ['quickRead', 5_000],
    ['externalCall', 60_000],
  ] as const)('%s is given up when scheduleToClose has passed', async (name, maximumMs) => {
    const policy = ACTIVITY_CLASSES[name];
    const retry = { ...policy.retry, maximumInterval: { ms: maximumMs, because: 'of this test' } };
    let attempts = 0;
    const work: Work = (attempt) => {
      attempts = attempt;
      return fail(attempt);
    };
    const handle = await ground.start(ground.skipping, 'callOnce', [{ ...policy, retry }], { work });
    // An attempt that could no longer begin in time is not waited for: the last failure is the outcome.
    await expect(endOf(handle)).resolves.toMatchObject({ failure: { message: 'not yet' } });
    const { tookMs } = await timesOf(handle);
    expect(tookMs).toBeLessThanOrEqual(policy.scheduleToClose.ms + 10_000);
    expect(tookMs).toBeGreaterThan(policy.scheduleToClose.ms - maximumMs - 10_000);
    expect(attempts).toBeGreaterThan(10);
  });

  test.each(['record', 'delivery', 'billing', 'compensation', 'longJob'] as const)(
    '%s is not given up after a week of failures',
    async (name) => {
      const policy = ACTIVITY_CLASSES[name];
      const retry = { ...policy.retry, maximumInterval: { ms: 86_400_000, because: 'of this test' } };
      let attempts = 0;
      const work: Work = (attempt) => {
        attempts = attempt;
        return attempt < 26 ? fail(attempt) : Promise.resolve('done');
      };
      const handle = await ground.start(ground.skipping, 'callOnce', [{ ...policy, retry }], { work });
      await expect(endOf(handle)).resolves.toEqual({ result: 'done' });
      expect((await timesOf(handle)).tookMs).toBeGreaterThan(7 * 86_400_000);
      expect(attempts).toBe(26);
    },
  );

  test('a local attempt is made once', async () => {
    let attempts = 0;
    const work: Work = () => {
      attempts++;
      return fail(1);
    };
    await endOf(await ground.start(ground.skipping, 'callOnce', [ACTIVITY_CLASSES.localAttempt], { work }));
    expect(attempts).toBe(1);
  });

  test.each(ERROR_TABLE)('$type: retried is $isRetryable', async ({ type, isRetryable }) => {
    const handle = await ground.start(ground.skipping, 'callOnce', [ACTIVITY_CLASSES.billing], {
      work: (attempt) =>
        attempt < 3
          ? Promise.reject(ApplicationFailure.create({ type, message: 'no' }))
          : Promise.resolve('done'),
    });
    const end = await endOf(handle);
    if (isRetryable) expect(end).toEqual({ result: 'done' });
    else expect(end).toMatchObject({ failure: { type, message: 'no' } });
    expect((await timesOf(handle)).jumps).toHaveLength(isRetryable ? 2 : 0);
  });
});
