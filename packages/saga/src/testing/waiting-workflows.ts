import { proxyActivities } from '@temporalio/workflow';
import { defineSaga, defineStep, type SagaProgress } from '../index.ts';
import { runSaga } from '../workflows/index.ts';

/** What a workflow that waits calls. */
export interface WaitingActivities {
  /** Succeeds at once. */
  act(name: string): Promise<void>;
  /** Fails until somebody was told. */
  hold(): Promise<void>;
  refuse(): Promise<void>;
  tell(progress: SagaProgress): Promise<void>;
}

const once = proxyActivities<WaitingActivities>({ startToCloseTimeout: 5000, retry: { maximumAttempts: 1 } });
const endless = proxyActivities<WaitingActivities>({
  startToCloseTimeout: 5000,
  retry: { initialInterval: 100, maximumInterval: 200 },
});
const alert = { afterMs: 1000, notify: (progress: SagaProgress) => once.tell(progress) };

/** A step without a limit of attempts, in a saga whose deadline is soon. */
export async function waitsForStep(deadlineMs: number): Promise<void> {
  const first = defineStep({
    name: 'first',
    run: () => once.act('first'),
    compensation: () => once.act('undo first'),
  });
  const held = defineStep({
    name: 'held',
    run: () => endless.hold(),
    compensation: () => once.act('undo held'),
  });
  const saga = defineSaga({ name: 'waits', steps: [first, held] });
  await runSaga({ saga, deadlineMs, alert }, async (run) => {
    await run.run(first, null);
    await run.run(held, null);
    await run.run(first, null, { id: 'later' });
  });
}

/** Past the pivot, a step that the saga attempts again and again, beside one that is refused. */
export async function waitsBeside(): Promise<void> {
  const none = 'none, because nothing is undone here';
  const pivot = defineStep({
    name: 'pivot',
    isPivot: true,
    run: () => once.act('pivot'),
    compensation: none,
  });
  const held = defineStep({ name: 'held', run: () => once.hold(), compensation: none });
  const refused = defineStep({ name: 'refused', run: () => once.refuse(), compensation: none });
  const saga = defineSaga({ name: 'beside', steps: [pivot, held, refused] });
  await runSaga({ saga, alert }, async (run) => {
    await run.run(pivot, null);
    await Promise.all([run.run(held, null), run.run(refused, null)]);
  });
}
