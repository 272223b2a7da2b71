import { defineSaga, defineStep } from '@heliograph/saga';
import { runSaga } from '@heliograph/saga/workflows';
import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { SagaState } from '@heliograph/saga';

/** What the sagas of this test call. */
export interface SagaActivities {
  doStep(step: string, key: string): Promise<string>;
  undoStep(step: string, key: string): Promise<void>;
}

const { doStep, undoStep } = proxyActivities<SagaActivities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
});

const steps = ['s0', 's1', 's2', 's3', 's4'].map((name) =>
  defineStep({
    name,
    run: (input: string, { key }) => doStep(input, key),
    compensation: ({ key }) => undoStep(name, key),
  }),
);
const saga = defineSaga({ name: 'five', steps });

/** Five steps, each with its compensation. */
export async function fiveSteps(state?: SagaState): Promise<number> {
  return runSaga(
    {
      saga,
      resume: state,
      alert: 'none, because nobody is on call for a test',
      handOver: { continueAs: (next) => continueAsNew<typeof fiveSteps>(next) },
    },
    async (run) => {
      for (const step of steps) await run.run(step, step.name);
      return steps.length;
    },
  );
}
