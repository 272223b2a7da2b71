import { makeContinueAsNewFunc, proxyActivities, sleep } from '@temporalio/workflow';
import { defineSaga, defineStep } from '../index.ts';
import { runSaga } from '../workflows/index.ts';
import type { ScriptedActivities, ScriptedInput } from './script.ts';

/** A saga whose steps, order and hand-over the input describes. */
export async function scriptedSaga({ script, state }: ScriptedInput): Promise<string> {
  const { order, alertAfterMs, deadlineMs } = script;
  const forward = proxyActivities<ScriptedActivities>({
    startToCloseTimeout: script.stepTimeoutMs ?? 10_000,
    heartbeatTimeout: 5000,
    retry: { maximumAttempts: script.stepAttempts ?? 1, initialInterval: 100, maximumInterval: 1000 },
    ...(script.isInterruptible === true ? { cancellationType: 'WAIT_CANCELLATION_COMPLETED' as const } : {}),
  });
  const back = proxyActivities<ScriptedActivities>({
    startToCloseTimeout: script.undoTimeoutMs ?? 10_000,
    retry:
      script.retriedBy === 'saga' ? { maximumAttempts: 1 } : { initialInterval: 100, maximumInterval: 1000 },
  });
  const handOver = makeContinueAsNewFunc<typeof scriptedSaga>(
    script.handsOverTo === undefined ? {} : { taskQueue: script.handsOverTo },
  );
  let hasWorked = false;
  const steps = script.steps.map(({ id, isCompensable, group }) =>
    defineStep({
      name: id,
      isInterruptible: script.isInterruptible === true,
      ...(group === null ? {} : { group }),
      run: async (input: string, { key }) => {
        hasWorked = true;
        return forward.doStep(input, key);
      },
      compensation: isCompensable
        ? async ({ key, result }) => {
            hasWorked = true;
            await back.undoStep(id, key, result ?? null);
          }
        : 'none, because the script says so',
    }),
  );
  return runSaga(
    {
      saga: defineSaga({ name: 'scripted', steps, order }),
      resume: state,
      compensatesBugs: script.bug === 'compensates',
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      alert:
        alertAfterMs === undefined
          ? 'none, because the script says so'
          : { afterMs: alertAfterMs, notify: (progress) => back.tell(progress) },
      handOver: {
        continueAs: (next) => handOver(script.forgetsState === true ? { script } : { script, state: next }),
        ...(script.handsOver === true ? { isDue: () => hasWorked } : {}),
      },
    },
    async (saga) => {
      if (script.isTogether === true)
        return (await Promise.all(steps.map((step) => saga.run(step, step.name)))).join();
      const results: string[] = [];
      for (const step of steps) {
        await saga.handOverIfDue();
        if (script.pauseMs !== undefined && step === steps.at(-1)) await sleep(script.pauseMs);
        results.push(await saga.run(step, step.name));
        if (script.bug !== undefined) throw new TypeError('oops');
      }
      return results.join();
    },
  );
}

/** Runs one saga after another, with these identities (null: none is given), and gives the keys of their steps. */
export async function sagasInTurn(ids: readonly (string | null)[]): Promise<readonly string[]> {
  const step = defineStep({
    name: 'step',
    run: async (_: null, { key }) => key,
    compensation: async () => undefined,
  });
  const saga = defineSaga({ name: 'turn', steps: [step] });
  const keys: string[] = [];
  for (const id of ids)
    keys.push(
      await runSaga({ saga, ...(id === null ? {} : { id }), alert: 'none, because it ends at once' }, (run) =>
        run.run(step, null),
      ),
    );
  return keys;
}
