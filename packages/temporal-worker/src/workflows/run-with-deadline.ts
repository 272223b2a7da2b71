import { ApplicationFailure, CancellationScope, isCancellation, sleep } from '@temporalio/workflow';

/** The `type` of the failure when a deadline has passed. It is not retried. */
export const DEADLINE_EXCEEDED = 'DEADLINE_EXCEEDED';

/**
 * Runs something until an instant of the workflow's clock, in milliseconds since 1970; then it is cancelled as a whole and
 * may compensate, in a nonCancellable scope, for as long as that takes. It takes the place of an execution timeout, with
 * which the server would end the workflow at once. Carry the instant over to the next run when you continue as new.
 *
 * What ends well although the deadline has passed has ended well.
 *
 * @throws ApplicationFailure DEADLINE_EXCEEDED once what was cancelled has ended; its cause is how. A cancellation of the
 * workflow itself stays one.
 */
export async function runWithDeadline<T>(endsAt: number, run: () => Promise<T>): Promise<T> {
  if (!Number.isFinite(endsAt)) throw new TypeError('runWithDeadline: endsAt has to be an instant in ms');
  const work = new CancellationScope();
  const clock = new CancellationScope();
  let hasPassed = false;
  const watch = async (): Promise<void> => {
    try {
      await clock.run(() => sleep(Math.max(1, endsAt - Date.now())));
    } catch {
      // The work has ended, or the workflow is cancelled, and so is the work.
      return;
    }
    hasPassed = true;
    work.cancel();
  };
  void watch();
  try {
    return await work.run(run);
  } catch (error) {
    if (!hasPassed || !isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
    throw ApplicationFailure.create({
      type: DEADLINE_EXCEEDED,
      message: `not done by ${new Date(endsAt).toISOString()}`,
      nonRetryable: true,
      ...(error instanceof Error ? { cause: error } : {}),
    });
  } finally {
    clock.cancel();
  }
}
