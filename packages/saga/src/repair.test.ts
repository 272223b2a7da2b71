import { describe, expect, test } from '@jest/globals';
import { defineSaga, defineStep, rehearseSaga, repairSaga, type SagaRun, type SagaState } from './index.ts';

const ALERT = 'none, because this is a test';

/** A saga that can be stopped at any change, as by a termination, and what it did. */
function ground({
  hasPivot = false,
  isLost = () => false,
}: { hasPivot?: boolean; isLost?: () => boolean } = {}) {
  const log: string[] = [];
  const step = (name: string) =>
    defineStep({
      name,
      run: async () => void log.push(name),
      compensation: async () => {
        if (isLost()) throw Object.assign(new Error('gone'), { nonRetryable: true });
        log.push(`undo ${name}`);
      },
    });
  const [first, second] = [step('first'), step('second')];
  const last = defineStep({
    name: 'last',
    isPivot: hasPivot,
    run: async () => void log.push('last'),
    compensation: 'none, because it is the last step',
  });
  const saga = defineSaga({ name: 'work', steps: [first, second, last] });
  const body = async (run: SagaRun): Promise<string> => {
    for (const each of [first, second, last]) await run.run(each, null);
    return 'done';
  };
  const states: SagaState[] = [];
  const rehearse = (resume?: unknown) =>
    rehearseSaga({ saga, alert: ALERT, resume }, body, {
      cancelWhen: () => false,
    });
  return { log, saga, body, states, rehearse };
}

/** Every state that a rehearsal goes through. */
async function statesOf(run: ReturnType<typeof ground>, fails = false): Promise<readonly SagaState[]> {
  const states: SagaState[] = [];
  const body = async (saga: SagaRun): Promise<string> => {
    const result = await run.body({
      ...saga,
      state: saga.state,
      cancel: (reason) => saga.cancel(reason),
      handOverIfDue: () => saga.handOverIfDue(),
      run: async (step, input, options) => {
        const running = saga.run(step, input, options);
        states.push(structuredClone(saga.state));
        const value = await running;
        states.push(structuredClone(saga.state));
        return value;
      },
    });
    if (fails) throw new Error('at the end');
    return result;
  };
  await rehearseSaga({ saga: run.saga, alert: ALERT }, body);
  return states;
}

describe('a run that was terminated', () => {
  test('is compensated from any state that had begun a step', async () => {
    const states = await statesOf(ground());
    expect(states).toHaveLength(6);
    for (const state of states) {
      const { rehearse, log } = ground();
      const { progress } = await rehearse(repairSaga(JSON.parse(JSON.stringify(state))));
      expect(progress.outcome).toBe('compensated');
      expect(log).toEqual(
        ['undo second', 'undo first'].filter((undo) => state.steps.some(({ id }) => undo === `undo ${id}`)),
      );
      expect(progress.cause).toEqual({ kind: 'terminated' });
    }
  });

  test('goes forward once the pivot may have happened', async () => {
    const states = await statesOf(ground({ hasPivot: true }));
    for (const state of states.slice(4)) {
      const { rehearse, log } = ground({ hasPivot: true });
      const { result } = await rehearse(repairSaga(state));
      expect(result).toBe('done');
      expect(log).toEqual(state.steps.at(-1)?.status === 'running' ? ['last'] : []);
    }
  });
});

test('a compensation that failed for good is attempted again', async () => {
  let isLost = true;
  const run = ground({ isLost: () => isLost });
  const { state, progress } = await rehearseSaga({ saga: run.saga, alert: ALERT }, async (saga) => {
    await run.body(saga);
    throw new Error('at the end');
  });
  expect(progress.outcome).toBe('uncompensated');
  expect(() => repairSaga({ ...state, outcome: 'compensated' })).toThrow('there is nothing to repair');
  isLost = false;
  const repaired = await run.rehearse(repairSaga(state));
  expect(repaired.progress).toMatchObject({ outcome: 'compensated', cause: { kind: 'failed' } });
  expect(run.log.slice(3)).toEqual(['undo second', 'undo first']);
});

test('past the pivot, a compensation that failed for good is attempted again, and the step is not', async () => {
  const log: string[] = [];
  let isLost = true;
  const hotel = (name: string) =>
    defineStep({
      name,
      run: async () => {
        log.push(`book ${name}`);
        if (name === 'A' && isLost) throw Object.assign(new Error('full'), { nonRetryable: true });
      },
      compensation: async () => {
        if (isLost) throw Object.assign(new Error('gone'), { nonRetryable: true });
        log.push(`cancel ${name}`);
      },
    });
  const [a, b] = [hotel('A'), hotel('B')];
  const pay = defineStep({
    name: 'pay',
    isPivot: true,
    run: async () => void log.push('pay'),
    compensation: 'none, because it is the pivot',
  });
  const saga = defineSaga({ name: 'stay', steps: [a, b, pay] });
  const body = async (run: SagaRun): Promise<string> => {
    await run.run(a, null).catch(() => run.run(b, null));
    await run.run(pay, null);
    return 'paid';
  };
  const { state } = await rehearseSaga({ saga, alert: ALERT }, body);
  expect([state.outcome, log.splice(0)]).toEqual(['uncompensated', ['book A', 'book B', 'pay']]);
  isLost = false;
  const repaired = await rehearseSaga({ saga, alert: ALERT, resume: repairSaga(state) }, body);
  expect([log, repaired.result, repaired.progress.outcome]).toEqual([['cancel A'], 'paid', 'completed']);
  // Also by a state that an older version has turned forward.
  const turned = { ...state, phase: 'forward', outcome: null, cause: null };
  log.length = 0;
  await rehearseSaga({ saga, alert: ALERT, resume: turned }, body);
  expect(log.includes('book A')).toBe(false);
});

test('a saga that is stuck past its pivot goes forward again', async () => {
  let isAway = true;
  const pivot = defineStep({
    name: 'pivot',
    isPivot: true,
    run: async () => 'pivot',
    compensation: 'none, because it is the pivot',
  });
  const send = defineStep({
    name: 'send',
    run: async () => {
      if (isAway) throw Object.assign(new Error('no such address'), { nonRetryable: true });
      return 'sent';
    },
    compensation: 'none, because it follows the pivot',
  });
  const saga = defineSaga({ name: 'stuck', steps: [pivot, send] });
  const body = async (run: SagaRun): Promise<string> => {
    await run.run(pivot, null);
    return run.run(send, null);
  };
  const { state } = await rehearseSaga({ saga, alert: ALERT }, body);
  expect(state.outcome).toBe('stuck');
  isAway = false;
  expect((await rehearseSaga({ saga, alert: ALERT, resume: repairSaga(state) }, body)).result).toBe('sent');
});

test.each([null, 'text', {}, { version: 2 }])('%j is no state', (input) => {
  expect(() => repairSaga(input)).toThrow(/^This is no state of a saga: /);
});

test('a run that had begun nothing has nothing to repair', async () => {
  const [state] = await statesOf(ground());
  expect(() => repairSaga({ ...state, steps: [] })).toThrow(
    'Saga work (rehearsal) is forward: there is nothing to repair.',
  );
});
