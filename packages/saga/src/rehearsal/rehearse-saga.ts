import type { SagaRunOptions } from '../options.ts';
import { progressOf, type SagaProgress } from '../progress.ts';
import { SagaExecution, type SagaRun } from '../saga-execution.ts';
import type { SagaState } from '../state.ts';
import { createRehearsalHost } from './rehearsal-host.ts';

/** How a rehearsal differs from an undisturbed one. */
export interface RehearsalOptions {
  /** Asked after every change; the first yes cancels, as somebody does who cancels the workflow. */
  readonly cancelWhen?: (progress: SagaProgress) => boolean;
}

/** How a rehearsal ended. */
export interface Rehearsal<Result> {
  /** What the body gave; undefined if the saga did not complete. */
  readonly result: Result | undefined;
  /** What would end the workflow; null if the saga completed. `readSagaFailure` reads it. */
  readonly error: unknown;
  readonly progress: SagaProgress;
  readonly state: SagaState;
}

/**
 * Runs a saga without a server, in virtual time: what a workflow would do, for tests and examples. Steps and compensations
 * are called as they are, so give them plain functions in place of activities. Any error of theirs counts as a failure; one
 * with `nonRetryable: true` as a failure for good. There is no continue-as-new, and a cancellation lets the step that is
 * running end.
 *
 * @throws {SagaError} for a mistake in the saga or its options
 */
export async function rehearseSaga<Result>(
  options: SagaRunOptions,
  body: (saga: SagaRun) => Promise<Result>,
  { cancelWhen = () => false }: RehearsalOptions = {},
): Promise<Rehearsal<Result>> {
  const { handOver: _, ...others } = options;
  const host = createRehearsalHost(options.id ?? 'rehearsal');
  const execution = new SagaExecution(host, others, (state) => {
    if (cancelWhen(progressOf(state))) host.cancel();
  });
  const end = (result: Result | undefined, error: unknown): Rehearsal<Result> => ({
    result,
    error,
    progress: progressOf(execution.state),
    state: execution.state,
  });
  try {
    return end(await execution.execute(body), null);
  } catch (error) {
    if (execution.state.phase !== 'ended') throw error;
    return end(undefined, error);
  }
}
