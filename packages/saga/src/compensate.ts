import { attemptUntilDone, watch } from './attempt.ts';
import { SagaError } from './errors.ts';
import type { SagaHost } from './host.ts';
import type { Journal } from './journal.ts';
import type { SagaRunOptions } from './options.ts';
import { planCompensation } from './plan-compensation.ts';
import type { StepRecord } from './state.ts';

/** Compensates until the saga has ended. Expects to be shielded from cancellation. */
export async function compensate(host: SagaHost, journal: Journal, options: SagaRunOptions): Promise<void> {
  const { saga, alert } = options;
  const attempts = { host, journal, options, inFlight: new Set<string>() };
  const isTold = journal.state.alertedAt !== null;
  await watch({ host, journal, alert, isTold }, journal.state.compensatingSince ?? host.now(), async () => {
    let due = planCompensation(journal.state, saga.order);
    while (due.length > 0) {
      await Promise.all(due.map((record) => compensateStep(attempts, record)));
      due = planCompensation(journal.state, saga.order);
      if (due.length > 0) await handOverIfDue(journal, options);
    }
  });
}

async function compensateStep(
  {
    host,
    journal,
    options,
    inFlight,
  }: {
    readonly host: SagaHost;
    readonly journal: Journal;
    readonly options: SagaRunOptions;
    readonly inFlight: Set<string>;
  },
  { id, step: name, input, result, compensationAttempts: before }: StepRecord,
): Promise<void> {
  const { state } = journal;
  const compensation = options.saga.steps.get(name)?.compensation;
  if (typeof compensation !== 'function')
    throw new SagaError(
      'SAGA_STEP_UNKNOWN',
      `Saga ${state.saga} (${state.id}) has to compensate step ${name}, which its code no longer has: put it back.`,
    );
  let isLost = false;
  try {
    const undo = { input, result, key: `${state.id}/${id}` };
    const work = async (): Promise<unknown> => {
      inFlight.add(id);
      try {
        return await host.call(async () => compensation(undo));
      } finally {
        inFlight.delete(id);
      }
    };
    await attemptUntilDone(host, work, {
      before,
      onFailure: ({ failure, isForGood }) => {
        isLost = isForGood;
        journal.record({ kind: 'compensationFailed', id, failure, isForGood });
      },
      beforeRetry: async () => {
        // The next run would repeat one that is in flight, beside it.
        if (inFlight.size === 0) await handOverIfDue(journal, options);
      },
    });
  } catch (error) {
    // It is recorded: the others are tried all the same, and the error at the end names them all.
    if (isLost) return;
    throw error;
  }
  journal.record({ kind: 'compensated', id });
}

/** Hands the saga over to the next run if it is time to. */
export async function handOverIfDue(journal: Journal, { handOver }: SagaRunOptions): Promise<void> {
  if (handOver?.isDue?.() === true) await handOver.continueAs(journal.state);
}
