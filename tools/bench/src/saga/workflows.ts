import { defineSaga, defineStep } from '@heliograph/saga';
import { runSaga } from '@heliograph/saga/workflows';
import { proxyActivities } from '@temporalio/workflow';

/** What the workflows of this benchmark call. */
export interface BenchActivities {
  step(input: string): Promise<string>;
  /** Takes as long as a provider takes to answer. */
  undo(input: string): Promise<void>;
  refuse(): Promise<void>;
}

const { step, undo, refuse } = proxyActivities<BenchActivities>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '100 milliseconds' },
});

const ALERT = 'none, because nobody is on call for a benchmark';

/** The reference: five activities, one after another. */
export async function fiveActivities(): Promise<string> {
  let result = 'start';
  for (let index = 0; index < 5; index++) result = await step(result);
  return result;
}

const steps = Array.from({ length: 10 }, (_, index) =>
  defineStep({
    name: `step-${index}`,
    run: (input: string) => step(input),
    compensation: ({ input }) => undo(input),
  }),
);
const last = defineStep({
  name: 'last',
  run: () => refuse(),
  compensation: 'none, because it never happens',
});
const five = defineSaga({ name: 'five', steps: steps.slice(0, 5) });
const parallel = defineSaga({ name: 'parallel', steps: [...steps, last], order: 'parallel' });

/** The same five activities as steps of a saga. */
export async function fiveSteps(): Promise<string> {
  return runSaga({ saga: five, alert: ALERT }, async (saga) => {
    let result = 'start';
    for (const each of steps.slice(0, 5)) result = await saga.run(each, result);
    return result;
  });
}

/** So many steps, then one that is refused: all are compensated at the same time. */
export async function compensateAll(count: number): Promise<void> {
  await runSaga({ saga: parallel, alert: ALERT }, async (saga) => {
    for (const each of steps.slice(0, count)) await saga.run(each, 'start');
    await saga.run(last, null);
  });
}
