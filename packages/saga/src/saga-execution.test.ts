import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  defineSaga,
  defineStep,
  readSagaFailure,
  rehearseSaga,
  repairSaga,
  type SagaRun,
  type Step,
} from './index.ts';
import { createRehearsalHost } from './rehearsal/rehearsal-host.ts';
import { SagaExecution } from './saga-execution.ts';
import type { SagaState } from './state.ts';
import { createLedger, faultsOf, type Ledger } from './testing/saga-model.ts';

const NO_ALERT = 'none, because this is a test';

/** What goes wrong with one step. */
interface Trouble {
  readonly isCompensable: boolean;
  readonly group: 'a' | 'b' | null;
  readonly run: 'ok' | 'refused' | 'resultLost';
  /** Failures of its compensation before it succeeds; `forGood`: it never does. */
  readonly undo: number | 'forGood';
}

const final = (message: string) => Object.assign(new Error(message), { nonRetryable: true });

function stepOf(
  id: string,
  { isCompensable, group, run, undo }: Trouble,
  ledger: Ledger,
): Step<string, string> {
  let undos = 0;
  return defineStep({
    name: id,
    ...(group === null ? {} : { group }),
    run: async (input: string, { key }) => {
      if (run === 'refused') throw final('refused');
      ledger.log.push(`did ${id}`);
      ledger.present.add(key);
      if (run === 'resultLost') throw new Error('lost');
      return `${input}-${id}`;
    },
    compensation: isCompensable
      ? async ({ key, result }) => {
          if (undo === 'forGood' || undos++ < undo) {
            ledger.log.push(`undo ${id} failed`);
            throw undo === 'forGood' ? final('gone') : new Error('away');
          }
          ledger.log.push(`undid ${id}`);
          expect([undefined, `in-${id}`]).toContain(result);
          ledger.present.delete(key);
        }
      : 'none, because the test says so',
  });
}

const troubles = fc.array(
  fc.record<Trouble>({
    isCompensable: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
    group: fc.constantFrom('a', 'b', null),
    run: fc.oneof(
      { weight: 6, arbitrary: fc.constant<'ok'>('ok') },
      fc.constantFrom<'refused' | 'resultLost'>('refused', 'resultLost'),
    ),
    undo: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      fc.integer({ min: 1, max: 9 }),
      fc.constant<'forGood'>('forGood'),
    ),
  }),
  { minLength: 1, maxLength: 6 },
);

describe('whatever fails and whenever somebody cancels', () => {
  test.each(['one after another', 'together', 'with failures caught'] as const)(
    'steps %s end right',
    async (how) => {
      const schedules = fc.record({
        troubles,
        order: fc.constantFrom<'reverse' | 'parallel'>('reverse', 'parallel'),
        cancelAt: fc.option(fc.integer({ min: 1, max: 30 }), { nil: null }),
      });
      await fc.assert(
        fc.asyncProperty(schedules, async ({ troubles: all, order, cancelAt }) => {
          const ledger = createLedger();
          const steps = all.map((trouble, index) => stepOf(`s${index}`, trouble, ledger));
          const saga = defineSaga({ name: 'random', steps, order });
          const caught = new Set<string>();
          const body = async (run: SagaRun): Promise<string> => {
            if (how === 'together')
              return (await Promise.all(steps.map((step) => run.run(step, 'in')))).join();
            const results: string[] = [];
            for (const step of steps) {
              try {
                results.push(await run.run(step, 'in'));
              } catch (error) {
                if (
                  how === 'one after another' ||
                  (error instanceof Error && error.name === 'CancelledFailure')
                )
                  throw error;
                caught.add(step.name);
              }
            }
            return results.join();
          };
          let changes = 0;
          const { result, error, progress } = await rehearseSaga({ saga, alert: NO_ALERT }, body, {
            cancelWhen: () => ++changes === cancelAt,
          });
          const details = readSagaFailure(error);
          expect(
            faultsOf({
              steps: all.map(({ isCompensable, group }, index) => ({
                id: `s${index}`,
                isCompensable,
                group,
              })),
              order,
              hasCompleted: error === null,
              details,
              progress,
              ledger,
              keyOf: (id) => `rehearsal/${id}`,
            }),
          ).toEqual([]);
          if (error === null) {
            const done = steps.filter(({ name }) => !caught.has(name)).map(({ name }) => `in-${name}`);
            expect(result).toBe(done.join());
          }
          // Cancel and failure are told apart: nobody cancelled, so nothing was.
          if (cancelAt === null) expect(details?.cause.kind).not.toBe('cancelled');
          if (details?.cause.kind === 'failed')
            expect(all[Number(details.cause.stepId?.slice(1))]?.run).not.toBe('ok');
        }),
        { numRuns: 400 },
      );
    },
  );
});

test('a step that is still running when another fails ends before anything is compensated', async () => {
  const log: string[] = [];
  let release = (): void => undefined;
  const slow = defineStep({
    name: 'slow',
    run: async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      log.push('slow happened');
    },
    compensation: async ({ result }) => void log.push(`slow undone ${String(result)}`),
  });
  const failing = defineStep({
    name: 'failing',
    run: async () => {
      queueMicrotask(() => queueMicrotask(release));
      throw new Error('no');
    },
    compensation: async () => void log.push('failing undone'),
  });
  const saga = defineSaga({ name: 'together', steps: [slow, failing] });
  await rehearseSaga({ saga, alert: NO_ALERT }, (run) =>
    Promise.all([run.run(slow, null), run.run(failing, null)]),
  );
  expect(log).toEqual(['slow happened', 'failing undone', 'slow undone undefined']);
});

describe('past the pivot', () => {
  const pivotSaga = (
    receipt: () => Promise<string>,
    charge: () => Promise<string> = async () => 'charged',
  ) => {
    const log: string[] = [];
    const hold = defineStep({
      name: 'hold',
      run: async () => void log.push('hold'),
      compensation: async () => void log.push('void'),
    });
    const capture = defineStep({
      name: 'capture',
      isPivot: true,
      run: async () => {
        log.push('capture');
        return charge();
      },
      isNotDone: ({ message }) => message === 'declined',
      compensation: 'none, because money that was captured is refunded by people',
    });
    const send = defineStep({
      name: 'send',
      run: async () => {
        log.push('send');
        return receipt();
      },
      compensation: 'none, because it follows the pivot',
    });
    const saga = defineSaga({ name: 'pay', steps: [hold, capture, send] });
    const body = async (run: SagaRun): Promise<string> => {
      await run.run(hold, null);
      await run.run(capture, null);
      return run.run(send, null);
    };
    return { log, saga, body, send, hold };
  };

  test('steps are attempted until they succeed, and nobody can cancel', async () => {
    let attempts = 0;
    const { log, saga, body } = pivotSaga(async () => {
      if (++attempts < 4) throw new Error('away');
      return 'sent';
    });
    const { result, error } = await rehearseSaga({ saga, alert: NO_ALERT, deadlineMs: 2000 }, body, {
      cancelWhen: ({ steps }) => steps.some(({ id, status }) => id === 'capture' && status === 'done'),
    });
    expect([result, error]).toEqual(['sent', null]);
    expect(log).toEqual(['hold', 'capture', 'send', 'send', 'send', 'send']);
  });

  test('a pivot whose outcome is unknown is attempted again, and refused for good it leads back', async () => {
    let attempts = 0;
    const { log, saga, body } = pivotSaga(
      async () => 'sent',
      async () => {
        if (++attempts < 3) throw new Error('no answer');
        throw final('declined');
      },
    );
    const { error } = await rehearseSaga({ saga, alert: NO_ALERT }, body);
    expect(readSagaFailure(error)).toMatchObject({ code: 'SAGA_FAILED', compensated: ['hold'] });
    expect(log).toEqual(['hold', 'capture', 'capture', 'capture', 'void']);
  });

  const inDoubt = async (): Promise<never> => {
    throw final('an earlier attempt may have charged');
  };

  test('a pivot that fails for good without a proof that it did not happen leads nowhere', async () => {
    const { log, saga, body } = pivotSaga(async () => 'sent', inDoubt);
    const { error, state } = await rehearseSaga({ saga, alert: NO_ALERT }, body);
    expect(readSagaFailure(error)).toMatchObject({
      code: 'SAGA_STUCK',
      cause: { kind: 'failed', stepId: 'capture' },
      compensated: [],
    });
    expect(error).toMatchObject({
      message:
        'Saga pay (rehearsal) is stuck: step capture failed (Error), and its pivot capture may have happened or not. ' +
        'Find out and settle it, then repair the saga.',
    });
    expect(log).toEqual(['hold', 'capture']);
    // Settled, the pivot is attempted again with its key.
    const settled = pivotSaga(async () => 'sent');
    const resume = repairSaga(state);
    expect((await rehearseSaga({ saga: settled.saga, alert: NO_ALERT, resume }, settled.body)).result).toBe(
      'sent',
    );
    expect(settled.log).toEqual(['capture', 'send']);
    // Settled as refused, it leads back.
    const refused = pivotSaga(
      async () => 'sent',
      async () => {
        throw final('declined');
      },
    );
    await rehearseSaga({ saga: refused.saga, alert: NO_ALERT, resume }, refused.body);
    expect(refused.log).toEqual(['capture', 'void']);
  });

  test('a body that catches the doubt neither completes nor does it another way', async () => {
    const { log, saga, body, send } = pivotSaga(async () => 'sent', inDoubt);
    for (const isGoingOn of [false, true]) {
      const { error } = await rehearseSaga({ saga, alert: NO_ALERT }, async (run) => {
        await body(run).catch(() => (isGoingOn ? run.run(send, null) : 'caught'));
      });
      expect(readSagaFailure(error)).toMatchObject({
        code: 'SAGA_STUCK',
        cause: { kind: 'failed', stepId: 'capture' },
      });
    }
    expect(log).toEqual(['hold', 'capture', 'hold', 'capture']);
  });

  test('who cancels while the pivot runs is heard if it is refused', async () => {
    const { log, saga, body } = pivotSaga(
      async () => 'sent',
      async () => {
        throw final('declined');
      },
    );
    const { error } = await rehearseSaga({ saga, alert: NO_ALERT }, body, {
      cancelWhen: ({ steps }) => steps.some(({ id, status }) => id === 'capture' && status === 'running'),
    });
    expect(readSagaFailure(error)?.cause.kind).toBe('cancelled');
    expect(log).toEqual(['hold', 'capture', 'void']);
  });

  test('a step that fails for good leaves the saga stuck: nothing is undone, and a person is asked', async () => {
    const { log, saga, body } = pivotSaga(async () => {
      throw final('no such address');
    });
    const { error, progress } = await rehearseSaga({ saga, alert: NO_ALERT }, body);
    expect(readSagaFailure(error)).toMatchObject({ code: 'SAGA_STUCK', compensated: [], uncompensated: [] });
    expect(progress.outcome).toBe('stuck');
    expect(log).toEqual(['hold', 'capture', 'send']);
  });

  test('a step with a compensation is refused', async () => {
    const { saga, body, hold } = pivotSaga(async () => 'sent');
    const late = async (run: SagaRun): Promise<void> => {
      await body(run);
      await run.run(hold, null, { id: 'hold-2' });
    };
    await expect(rehearseSaga({ saga, alert: NO_ALERT }, late)).rejects.toThrow(
      'Saga pay (rehearsal) runs step hold-2 past its pivot, where nothing is compensated',
    );
  });
});

test.each<[unknown, unknown]>([
  [{ text: 'an object' }, null],
  [7, null],
  ['x'.repeat(501), 'x'.repeat(500)],
])('a cancellation with any reason goes through the next run (%#)', async (reason, kept) => {
  const undone: string[] = [];
  const step = (name: string) =>
    defineStep({ name, run: async () => name, compensation: async () => undone.push(name) });
  const [first, second] = [step('first'), step('second')];
  const saga = defineSaga({ name: 'two', steps: [first, second] });
  const states: SagaState[] = [];
  const execution = new SagaExecution(createRehearsalHost('r'), { saga, alert: NO_ALERT }, (state) =>
    states.push(state),
  );
  await expect(
    execution.execute(async (run) => {
      await run.run(first, null);
      await run.run(second, null);
      run.cancel(reason as string);
      await run.run(second, null, { id: 'third' });
    }),
  ).rejects.toThrow('it was cancelled; 2 steps are compensated');
  expect(undone.splice(0)).toEqual(['second', 'first']);
  const carried = states.find(({ phase }) => phase === 'compensating');
  const { state } = await rehearseSaga(
    { saga, alert: NO_ALERT, resume: structuredClone(carried) },
    async () => null,
  );
  expect(state.cause).toEqual({ kind: 'cancelled', reason: kept });
  expect(undone).toEqual(['second', 'first']);
});

describe('the deadline', () => {
  test('is told apart from a cancellation, and compensates', async () => {
    const wait = defineStep({
      name: 'wait',
      run: async () => undefined,
      compensation: async () => undefined,
    });
    const saga = defineSaga({ name: 'late', steps: [wait] });
    const { error } = await rehearseSaga({ saga, alert: NO_ALERT, deadlineMs: 5000 }, async (run) => {
      await run.run(wait, null);
      // Virtual time passes while the body waits for something else.
      for (let turn = 0; turn < 1000; turn++) await Promise.resolve();
      await run.run(wait, null, { id: 'again' });
    });
    expect(readSagaFailure(error)).toMatchObject({
      code: 'SAGA_DEADLINE',
      cause: { kind: 'deadline', deadlineAt: 5000 },
      compensated: ['wait'],
    });
  });
});

describe('the alert', () => {
  const slowSaga = (failures: number) => {
    let undos = 0;
    const step = defineStep({
      name: 'step',
      run: async () => {
        throw final('no');
      },
      compensation: async () => {
        if (undos++ < failures) throw new Error('away');
      },
    });
    return { step, saga: defineSaga({ name: 'slow', steps: [step] }) };
  };

  test('is given once, after its time, with what is pending', async () => {
    const { step, saga } = slowSaga(8);
    const alerts: unknown[] = [];
    const notify = async (progress: { readonly pending: readonly string[] }) => alerts.push(progress.pending);
    const { progress } = await rehearseSaga({ saga, alert: { afterMs: 60_000, notify } }, (run) =>
      run.run(step, null),
    );
    expect(alerts).toEqual([['step']]);
    expect(progress.alertedAt).toBe(60_000);
    expect(progress.outcome).toBe('compensated');
  });

  test('is not given when compensation is quick', async () => {
    const { step, saga } = slowSaga(2);
    const notify = async () => {
      throw new Error('nobody should be told');
    };
    const { progress } = await rehearseSaga({ saga, alert: { afterMs: 60_000, notify } }, (run) =>
      run.run(step, null),
    );
    expect(progress).toMatchObject({ alertedAt: null, outcome: 'compensated' });
  });

  test('that fails is tried again, and never stops the compensation', async () => {
    const { step, saga } = slowSaga(9);
    let alerts = 0;
    const notify = async () => {
      if (++alerts < 3) throw new Error('the pager is away');
    };
    const { progress } = await rehearseSaga({ saga, alert: { afterMs: 30_000, notify } }, (run) =>
      run.run(step, null),
    );
    expect([alerts, progress.alertedAt, progress.outcome]).toEqual([3, 90_000, 'compensated']);
  });
});

describe('refused, in one sentence', () => {
  const one = defineStep({ name: 'one', run: async () => 1, compensation: async () => undefined });
  const saga = defineSaga({ name: 'small', steps: [one] });
  const options = { saga, alert: NO_ALERT } as const;

  test('a step that is not in the list', async () => {
    const other = defineStep({ name: 'other', run: async () => 2, compensation: async () => undefined });
    await expect(rehearseSaga(options, (run) => run.run(other, null))).rejects.toThrow(
      'Saga small (rehearsal) runs step other, which is not in its list: add it to `steps`.',
    );
  });

  test('a step that runs twice under one id', async () => {
    const twice = async (run: SagaRun): Promise<void> => {
      await run.run(one, null);
      await run.run(one, null);
    };
    await expect(rehearseSaga(options, twice)).rejects.toThrow(
      'Saga small (rehearsal) runs step one twice: give each use an id of its own.',
    );
  });

  test('a saga that has ended', async () => {
    let kept: SagaRun | undefined;
    await rehearseSaga(options, async (run) => {
      kept = run;
      await run.run(one, null);
    });
    await expect(kept?.run(one, null, { id: 'more' })).rejects.toThrow(
      'Saga small (rehearsal) has ended and cannot run step more: begin a new saga.',
    );
  });

  test('the state of a saga that has ended, and of another one', async () => {
    const { state } = await rehearseSaga(options, (run) => run.run(one, null));
    await expect(rehearseSaga({ ...options, resume: state }, async () => null)).rejects.toThrow(
      'Saga small (rehearsal) has ended (completed): begin a new one, or repair its state first.',
    );
    await expect(
      rehearseSaga({ ...options, resume: { ...state, saga: 'big' } }, async () => null),
    ).rejects.toThrow('This state is of saga big, and cannot be resumed by small.');
  });

  test.each([
    [{ deadlineMs: 0 }, 'Saga small cannot run with this deadlineMs'],
    [{ alert: 'none' as never }, "say alert: 'none, because …' with the reason"],
    [{ alert: { afterMs: -1, notify: async () => undefined } }, 'Saga small cannot run with this alert'],
  ])('options %#', async (bad, message) => {
    await expect(rehearseSaga({ ...options, ...bad }, (run) => run.run(one, null))).rejects.toThrow(message);
  });
});

test('a step that runs more than once has an id and a key for each use', async () => {
  const keys: string[] = [];
  const page = defineStep({
    name: 'page',
    run: async (_: number, { key }) => void keys.push(key),
    compensation: async ({ input, key }) => void keys.push(`${input} ${key}`),
  });
  const saga = defineSaga({ name: 'pages', steps: [page] });
  await rehearseSaga({ saga, id: 'sheet-7', alert: NO_ALERT }, async (run) => {
    for (const number of [1, 2]) await run.run(page, number, { id: `page-${number}` });
    throw new Error('enough');
  });
  expect(keys).toEqual(['sheet-7/page-1', 'sheet-7/page-2', '2 sheet-7/page-2', '1 sheet-7/page-1']);
});

test('a saga that is resumed gives the results of steps that are done, and goes on', async () => {
  const runs: string[] = [];
  const step = (name: string) =>
    defineStep({
      name,
      run: async () => {
        runs.push(name);
        return `result of ${name}`;
      },
      compensation: async () => undefined,
    });
  const [first, second] = [step('first'), step('second')];
  const saga = defineSaga({ name: 'two', steps: [first, second] });
  let carried: unknown;
  const body = async (run: SagaRun): Promise<string> => {
    const one = await run.run(first, null);
    carried ??= structuredClone(run.state);
    return `${one}, ${await run.run(second, null)}`;
  };
  await rehearseSaga({ saga, alert: NO_ALERT }, body);
  const { result } = await rehearseSaga({ saga, alert: NO_ALERT, resume: carried }, body);
  expect(result).toBe('result of first, result of second');
  expect(runs).toEqual(['first', 'second', 'second']);
});
