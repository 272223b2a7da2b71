import { describe, expect, test } from '@jest/globals';
import { summarizeFailure } from './explain-failure.ts';
import type { SagaHost } from './host.ts';
import { defineSaga, defineStep, readSagaFailure, rehearseSaga, type SagaRun } from './index.ts';
import { createRehearsalHost } from './rehearsal/rehearsal-host.ts';
import { SagaExecution } from './saga-execution.ts';
import type { SagaState } from './state.ts';

const ALERT = 'none, because this is a test';
const final = (message: string) => Object.assign(new Error(message), { nonRetryable: true });

/** What continuing as new throws. */
class HandedOver extends Error {
  readonly state: SagaState;
  constructor(state: SagaState) {
    super('continued as new');
    this.state = structuredClone(state);
  }
}

const handOver = {
  isDue: () => true,
  continueAs: async (state: SagaState) => Promise.reject(new HandedOver(state)),
};

/** A rehearsal that continues as new. */
function createHost(): SagaHost {
  const host = createRehearsalHost('r');
  return {
    ...host,
    explain: (error) =>
      error instanceof HandedOver
        ? { kind: 'handOver', failure: summarizeFailure(error), isForGood: false }
        : host.explain(error),
  };
}

async function handedOver(running: Promise<unknown>): Promise<SagaState> {
  const error: unknown = await running.then(
    (result) => new Error(`it ended with ${JSON.stringify(result)}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof HandedOver) return error.state;
  throw error;
}

function pivotSaga(pay: () => Promise<void>, send: () => Promise<void> = async () => undefined) {
  const log: string[] = [];
  const hold = defineStep({
    name: 'hold',
    run: async () => void log.push('hold'),
    compensation: async () => void log.push('void'),
  });
  const pivot = defineStep({
    name: 'pay',
    isPivot: true,
    run: async () => {
      log.push('pay');
      await pay();
    },
    isNotDone: () => true,
    compensation: 'none, because it is the pivot',
  });
  const after = defineStep({
    name: 'send',
    run: async () => {
      log.push('send');
      await send();
    },
    compensation: 'none, because it follows the pivot',
  });
  return { log, hold, pivot, after, saga: defineSaga({ name: 'pay', steps: [hold, pivot, after] }) };
}
const failing = (times: number) => {
  let calls = 0;
  return async (): Promise<void> => {
    if (++calls <= times) throw new Error('away');
  };
};

describe('a body that catches everything', () => {
  test('does not catch that a step past the pivot hands over', async () => {
    const { log, hold, pivot, after, saga } = pivotSaga(async () => undefined, failing(1));
    const body = async (run: SagaRun): Promise<string> => {
      await run.run(hold, null);
      await run.run(pivot, null);
      await run.run(after, null).catch(() => undefined);
      return 'all sent';
    };
    const execution = new SagaExecution(createHost(), { saga, alert: ALERT, handOver });
    const resume = await handedOver(execution.execute(body));
    expect(resume.steps.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'hold done',
      'pay done',
      'send running',
    ]);
    const { result } = await rehearseSaga({ saga, alert: ALERT, resume }, body);
    expect([result, log]).toEqual(['all sent', ['hold', 'pay', 'send', 'send']]);
  });

  test('does not catch that it hands over itself', async () => {
    const { hold, saga } = pivotSaga(async () => undefined);
    const execution = new SagaExecution(createHost(), { saga, alert: ALERT, handOver });
    const running = execution.execute(async (run) => {
      await run.run(hold, null);
      await run.handOverIfDue().catch(() => undefined);
      return 'caught';
    });
    expect((await handedOver(running)).steps).toHaveLength(1);
  });

  test('beside one that has failed hands over all the same', async () => {
    const { pivot, after, saga } = pivotSaga(async () => undefined, failing(9));
    const execution = new SagaExecution(createHost(), { saga, alert: ALERT, handOver });
    const running = execution.execute(async (run) => {
      await run.run(pivot, null);
      void run.run(after, null);
      throw final('elsewhere');
    });
    expect((await handedOver(running)).steps.at(-1)).toMatchObject({ id: 'send', status: 'running' });
  });

  test('does not complete with a step of which nobody knows how it ended', async () => {
    const { saga, hold } = pivotSaga(async () => undefined);
    const host: SagaHost = {
      ...createHost(),
      explain: (error) => ({ kind: 'bug', failure: summarizeFailure(error), isForGood: false }),
    };
    const broken = defineStep({
      name: 'broken',
      run: async () => Promise.reject(new TypeError('oops')),
      compensation: async () => undefined,
    });
    const options = {
      saga: defineSaga({ name: 'bug', steps: [...saga.steps.values(), broken] }),
      alert: ALERT,
    } as const;
    await expect(
      new SagaExecution(host, options).execute(async (run) => {
        await run.run(hold, null);
        await run.run(broken, null).catch(() => undefined);
      }),
    ).rejects.toThrow('Saga bug (r) is over in its body although nobody knows how step broken ended');
  });
});

test('compensations hand over only when none of them runs', async () => {
  const log: string[] = [];
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const quick = defineStep({
    name: 'quick',
    run: async () => undefined,
    compensation: async () => {
      log.push('undo quick');
      if (log.length > 3) {
        release();
        for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      }
      throw new Error('away');
    },
  });
  const slow = defineStep({
    name: 'slow',
    run: async () => undefined,
    compensation: async () => {
      log.push('undo slow');
      await released;
    },
  });
  const saga = defineSaga({ name: 'both', steps: [quick, slow], order: 'parallel' });
  // Time passes at once, also while something runs.
  const host: SagaHost = {
    ...createHost(),
    timer: () => ({ fired: Promise.resolve(true), stop: () => undefined }),
  };
  const running = new SagaExecution(host, { saga, alert: ALERT, handOver }).execute(async (run) => {
    await run.run(quick, null);
    await run.run(slow, null);
    throw new Error('at the end');
  });
  const { steps } = await handedOver(running);
  expect(steps.map(({ id, status }) => `${id} ${status}`)).toEqual(['quick done', 'slow compensated']);
  expect(log.filter((line) => line === 'undo slow')).toHaveLength(1);
});

test('a cancellation that was heard while the pivot was attempted goes to the next run', async () => {
  const { log, hold, pivot, saga } = pivotSaga(failing(1));
  const body = async (run: SagaRun): Promise<void> => {
    await run.run(hold, null);
    const paying = run.run(pivot, null);
    run.cancel('too expensive');
    await paying;
  };
  const resume = await handedOver(
    new SagaExecution(createHost(), { saga, alert: ALERT, handOver }).execute(body),
  );
  expect(resume.interruption).toEqual({ kind: 'cancelled', reason: 'too expensive' });
  const refused = pivotSaga(async () => Promise.reject(final('declined')));
  const { error } = await rehearseSaga({ saga: refused.saga, alert: ALERT, resume }, async (run) => {
    await run.run(refused.hold, null);
    await run.run(refused.pivot, null);
  });
  expect(readSagaFailure(error)?.cause).toEqual({ kind: 'cancelled', reason: 'too expensive' });
  expect([log, refused.log]).toEqual([
    ['hold', 'pay'],
    ['pay', 'void'],
  ]);
});
