import { describe, expect, test } from '@jest/globals';
import { defineSaga, defineStep, readSagaFailure, rehearseSaga, type SagaRun, type Undo } from './index.ts';

// Reports about sagas elsewhere, tried here. Those that need a server are in `saga.it.test.ts`: compensation after a
// cancellation (temporalio/sdk-java#305), and a run that was cancelled and ends as such (joepjoosten/effect-temporal#21).
const ALERT = 'none, because this is a test';

const final = (message: string) => Object.assign(new Error(message), { nonRetryable: true });

function ground(order: 'reverse' | 'parallel' = 'reverse') {
  const log: string[] = [];
  const step = (
    name: string,
    run: (input: null) => Promise<unknown> = async () => name,
    undo: (undo: Undo<null, unknown>) => Promise<unknown> = async () => undefined,
  ) =>
    defineStep({
      name,
      run,
      compensation: async (given) => {
        log.push(`undo ${name}`);
        await undo(given);
      },
    });
  const rehearse = (
    steps: readonly ReturnType<typeof step>[],
    {
      isTogether = false,
      ...options
    }: { isTogether?: boolean; deadlineMs?: number; cancelAfter?: string } = {},
  ) =>
    rehearseSaga(
      {
        saga: defineSaga({ name: 'report', steps, order }),
        alert: ALERT,
        ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
      },
      async (saga: SagaRun) => {
        const together = isTogether ? steps.slice(0, -1) : [];
        await Promise.all(together.map((each) => saga.run(each, null)));
        for (const each of steps.slice(together.length)) await saga.run(each, null);
      },
      {
        cancelWhen: (progress) =>
          progress.steps.some(({ id, status }) => id === options.cancelAfter && status === 'done'),
      },
    );
  return { log, step, rehearse };
}
const refuse = async (): Promise<never> => {
  throw final('no');
};

describe('every failure of a compensation is reported', () => {
  test.each<['reverse' | 'parallel', string]>([
    ['parallel', 'temporalio/sdk-php#786: of parallel ones only the first was'],
    ['parallel', 'cadence-workflow/cadence-java-client#340: parallel ones were ignored'],
    ['reverse', 'MassTransit/MassTransit#1477: the event of a compensation that failed was not fired'],
    ['reverse', 'dapr/java-sdk#1696: the first one ended the compensation'],
  ])('%s: %s', async (order) => {
    const { step, rehearse, log } = ground(order);
    const { error } = await rehearse([
      step('a', undefined, refuse),
      step('b'),
      step('c', undefined, refuse),
      step('d', refuse),
    ]);
    expect(log.toSorted()).toEqual(['undo a', 'undo b', 'undo c', 'undo d']);
    const details = readSagaFailure(error);
    expect(details?.uncompensated.map(({ id, message }) => [id, message])).toEqual([
      ['a', 'no'],
      ['c', 'no'],
    ]);
    expect([details?.code, details?.cause.kind, details?.compensated]).toEqual([
      'SAGA_COMPENSATION_FAILED',
      'failed',
      ['b', 'd'],
    ]);
  });
});

test('temporalio/skill-temporal-developer#43: a compensation was registered after its step', async () => {
  const { step, rehearse, log } = ground();
  await rehearse([step('a', async () => Promise.reject(new Error('timed out, and it happened')))]);
  expect(log).toEqual(['undo a']);
});

test('MassTransit/Sample-Courier#2: the first step could not be compensated when it failed', async () => {
  const { step, rehearse, log } = ground();
  await rehearse([step('first', refuse), step('second')]);
  expect(log).toEqual(['undo first']);
});

test('cgreeno/temporalex#77: after a cancellation nobody knew what had completed beside it', async () => {
  const { step, rehearse } = ground();
  const given: unknown[] = [];
  const undo = async ({ result }: Undo<null, unknown>) => given.push(result);
  const { progress } = await rehearse(
    [step('a', undefined, undo), step('b', undefined, undo), step('c', undefined, undo)],
    { isTogether: true, cancelAfter: 'a' },
  );
  expect([progress.cause?.kind, progress.outcome, given]).toEqual(['cancelled', 'compensated', ['b', 'a']]);
});

test('MassTransit/MassTransit#4676: retries of a step used up those of compensations', async () => {
  const { step, rehearse } = ground();
  const away = (times: number) => {
    let calls = 0;
    return async (): Promise<void> => {
      if (++calls <= times) throw new Error('away');
    };
  };
  const { progress } = await rehearse([
    step('a', undefined, away(40)),
    step('b', undefined, away(30)),
    step('c', refuse),
  ]);
  expect(progress.outcome).toBe('compensated');
  expect(progress.steps.map(({ compensationAttempts }) => compensationAttempts)).toEqual([41, 31, 1]);
});

test('apache/incubator-seata#2711, #6374: nothing was there to undo, and the step came late', async () => {
  const existing = new Set<string>();
  const undone = new Set<string>();
  const late: (() => void)[] = [];
  const hold = defineStep({
    name: 'hold',
    run: async (_: null, { key }) => {
      // The provider gets it after the attempt was given up, and refuses by the key.
      late.push(() => void (undone.has(key) || existing.add(key)));
      throw new Error('timed out');
    },
    compensation: async ({ key, result }) => {
      expect(result).toBeUndefined();
      undone.add(key);
      existing.delete(key);
    },
  });
  const saga = defineSaga({ name: 'late', steps: [hold] });
  const { progress } = await rehearseSaga({ saga, alert: ALERT }, (run) => run.run(hold, null));
  for (const arrive of late) arrive();
  expect([progress.outcome, existing.size]).toEqual(['compensated', 0]);
});

test('apache/camel-karavan#1270: without a result the compensation was not called', async () => {
  const { step, rehearse, log } = ground();
  const given: unknown[] = [];
  await rehearse([step('a'), step('b', refuse, async ({ result }) => given.push(result))]);
  expect([log, given]).toEqual([['undo b', 'undo a'], [undefined]]);
});

test('eventuate-tram/eventuate-tram-sagas#9: only the last step was compensated', async () => {
  const { step, rehearse, log } = ground();
  await rehearse([step('a'), step('b'), step('c', refuse)]);
  expect(log).toEqual(['undo c', 'undo b', 'undo a']);
});

test('Particular/NServiceBus#2515: a timeout fired for a saga that had completed', async () => {
  const { step, rehearse, log } = ground();
  const { error, state } = await rehearse([step('a')], { deadlineMs: 1 });
  expect([error, state.outcome, log]).toEqual([null, 'completed', []]);
});

test('Particular/NServiceBus.Persistence.Sql#199: a saga that had completed was picked up again', async () => {
  const { step, rehearse } = ground();
  const only = step('a');
  const { state } = await rehearse([only]);
  const saga = defineSaga({ name: 'report', steps: [only] });
  await expect(
    rehearseSaga({ saga, alert: ALERT, resume: state }, (run) => run.run(only, null)),
  ).rejects.toThrow('has ended (completed)');
});
