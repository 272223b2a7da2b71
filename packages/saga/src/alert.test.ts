import { describe, expect, test } from '@jest/globals';
import type { SagaHost, SagaTimer } from './host.ts';
import { defineSaga, defineStep, rehearseSaga, type SagaProgress, type SagaRun } from './index.ts';
import { createRehearsalHost } from './rehearsal/rehearsal-host.ts';
import { SagaExecution } from './saga-execution.ts';

const final = (message: string) => Object.assign(new Error(message), { nonRetryable: true });

/** A step that ends when somebody is told, in a place where time passes while it runs. */
function ground() {
  const alerts: SagaProgress[] = [];
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const rehearsal = createRehearsalHost('r');
  const host: SagaHost = { ...rehearsal, call: (work) => work() };
  const slow = defineStep({ name: 'slow', run: () => released, compensation: async () => undefined });
  const failing = defineStep({
    name: 'failing',
    run: async () => Promise.reject(final('no')),
    compensation: async () => undefined,
  });
  const notify = async (progress: SagaProgress): Promise<void> => {
    alerts.push(progress);
    release();
  };
  return {
    alerts,
    host,
    rehearsal,
    slow,
    failing,
    saga: defineSaga({ name: 'slow', steps: [slow, failing] }),
    alert: { afterMs: 60_000, notify },
  };
}

describe('who waits for a step that is shielded is heard', () => {
  test.each<[string, number | undefined, (run: SagaRun) => void, string | undefined, number]>([
    ['a cancellation', undefined, (run) => run.cancel('enough'), 'cancelled', 60_000],
    ['the deadline', 5000, () => undefined, 'deadline', 65_000],
  ])('%s', async (_, deadlineMs, act, kind, at) => {
    const { alerts, host, slow, saga, alert } = ground();
    const deadline = deadlineMs === undefined ? {} : { deadlineMs };
    const execution = new SagaExecution(host, { saga, alert, ...deadline });
    const running = execution.execute(async (run) => {
      const step = run.run(slow, null);
      act(run);
      await step;
      await run.run(slow, null, { id: 'more' });
    });
    await expect(running).rejects.toThrow('1 step is compensated');
    expect(alerts).toMatchObject([{ phase: 'forward', steps: [{ id: 'slow', status: 'running' }] }]);
    expect([alerts[0]?.interruption?.kind, host.now()]).toEqual([kind, at]);
    expect(execution.state).toMatchObject({ outcome: 'compensated', cause: { kind } });
  });

  test('a failure beside it', async () => {
    const { alerts, host, slow, failing, saga, alert } = ground();
    const running = new SagaExecution(host, { saga, alert }).execute((run) =>
      Promise.all([run.run(slow, null), run.run(failing, null)]),
    );
    await expect(running).rejects.toThrow('2 steps are compensated');
    expect(alerts).toMatchObject([
      { interruption: null, steps: [{ status: 'running' }, { status: 'failed' }] },
    ]);
  });

  test('and a body that does not wait for it', async () => {
    const { alerts, host, slow, saga, alert } = ground();
    const running = new SagaExecution(host, { saga, alert }).execute(async (run) => void run.run(slow, null));
    await running;
    expect(alerts).toHaveLength(1);
  });

  test('but nobody is told where it ends soon', async () => {
    const { alerts, rehearsal, saga, slow, alert } = ground();
    const quick = defineStep({
      name: 'quick',
      run: async () => undefined,
      compensation: async () => undefined,
    });
    const both = defineSaga({ name: saga.name, steps: [quick, slow] });
    const execution = new SagaExecution(rehearsal, { saga: both, alert });
    const running = execution.execute(async (run) => {
      const step = run.run(quick, null);
      run.cancel();
      await step;
      await run.run(quick, null, { id: 'more' });
    });
    await expect(running).rejects.toThrow('1 step is compensated');
    expect(alerts).toEqual([]);
  });
});

test('past the pivot, a step is watched although another has failed', async () => {
  const alerts: string[] = [];
  let attempts = 0;
  const pay = defineStep({
    name: 'pay',
    isPivot: true,
    run: async () => undefined,
    compensation: 'none, because it is the pivot',
  });
  const send = defineStep({
    name: 'send',
    run: async () => {
      if (++attempts < 20) throw new Error('away');
    },
    compensation: 'none, because it follows the pivot',
  });
  const print = defineStep({
    name: 'print',
    run: async () => Promise.reject(final('no paper')),
    compensation: 'none, because it follows the pivot',
  });
  const rehearsal = createRehearsalHost('r');
  const exposed: SagaTimer[] = [];
  let isShielded = false;
  // As in a workflow, an interruption ends the timers of its scope, except those that were made shielded.
  const host: SagaHost = {
    ...rehearsal,
    shield(work) {
      const before = isShielded;
      isShielded = true;
      try {
        return work();
      } finally {
        isShielded = before;
      }
    },
    timer(ms) {
      const timer = rehearsal.timer(ms);
      if (!isShielded) exposed.push(timer);
      return timer;
    },
    interruptible(work) {
      const { done, interrupt } = rehearsal.interruptible(work);
      return {
        done,
        interrupt() {
          interrupt();
          for (const timer of exposed.splice(0)) timer.stop();
        },
      };
    },
  };
  const running = new SagaExecution(host, {
    saga: defineSaga({ name: 'ticket', steps: [pay, send, print] }),
    alert: { afterMs: 60_000, notify: async ({ phase }) => alerts.push(phase) },
  }).execute(async (run) => {
    await run.run(pay, null);
    await Promise.all([run.run(send, null), run.run(print, null)]);
  });
  await expect(running).rejects.toThrow('is stuck past its pivot: step print failed');
  // One for the step, one for the saga that waits for it although it has failed.
  expect(alerts).toContain('forward');
  expect(attempts).toBe(20);
});

test('each trouble has its alert: the pivot that takes long, then the compensation', async () => {
  const alerts: string[] = [];
  let attempts = 0;
  let undos = 0;
  const hold = defineStep({
    name: 'hold',
    run: async () => undefined,
    compensation: async () => {
      if (undos++ < 30) throw new Error('away');
    },
  });
  const pay = defineStep({
    name: 'pay',
    isPivot: true,
    run: async () => {
      throw ++attempts < 30 ? new Error('away') : final('declined');
    },
    isNotDone: () => true,
    compensation: 'none, because it is the pivot',
  });
  const { progress } = await rehearseSaga(
    {
      saga: defineSaga({ name: 'pay', steps: [hold, pay] }),
      alert: { afterMs: 600_000, notify: async ({ phase }) => alerts.push(phase) },
    },
    async (run) => {
      await run.run(hold, null);
      await run.run(pay, null);
    },
  );
  expect([alerts, progress.outcome]).toEqual([['forward', 'compensating'], 'compensated']);
});

test('each step past the pivot that takes long has its alert', async () => {
  const alerts: unknown[] = [];
  const stuck = (name: string, isPivot: boolean) => {
    let attempts = 0;
    return defineStep({
      name,
      isPivot,
      run: async () => {
        if (++attempts < 30) throw new Error('away');
      },
      compensation: 'none, because nothing is undone here',
    });
  };
  const steps = [stuck('pay', true), stuck('send', false)];
  const { progress } = await rehearseSaga(
    {
      saga: defineSaga({ name: 'pay', steps }),
      alert: { afterMs: 600_000, notify: async (told) => alerts.push(told.steps.at(-1)?.id) },
    },
    async (run) => {
      for (const step of steps) await run.run(step, null);
    },
  );
  expect([alerts, progress.alertedAt]).toEqual([['pay', 'send'], null]);
});
