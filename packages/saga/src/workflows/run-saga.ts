import { ApplicationFailure, CancellationScope, setHandler, workflowInfo } from '@temporalio/workflow';
import { SagaError } from '../errors.ts';
import { cancelSaga, sagaProgress, sagaState } from '../messages.ts';
import type { SagaRunOptions } from '../options.ts';
import { progressOf } from '../progress.ts';
import { SagaExecution, type SagaRun } from '../saga-execution.ts';
import { claimIdentity } from './claim-identity.ts';
import { createWorkflowHost } from './workflow-host.ts';

/**
 * Runs a saga in this workflow and gives what its body gives. If the body fails, is cancelled or misses its deadline, every
 * step that began is compensated, in a scope that no cancellation reaches, and the failure says how that ended.
 *
 * It answers the queries `sagaProgress` and `sagaState`, and takes the signal `cancelSaga`; a workflow that runs several
 * sagas answers for the one that began last.
 *
 * @throws `CancelledFailure` for a saga that was cancelled natively and is compensated; otherwise an `ApplicationFailure`
 * whose type is a `SagaFailureCode`; `SagaError` for a mistake in the code, which fails the workflow task.
 */
export async function runSaga<Result>(
  options: SagaRunOptions,
  body: (saga: SagaRun) => Promise<Result>,
): Promise<Result> {
  const { handOver } = options;
  const execution = begin({
    ...options,
    ...(handOver === undefined
      ? {}
      : { handOver: { isDue: () => workflowInfo().continueAsNewSuggested, ...handOver } }),
  });
  setHandler(sagaProgress, () => progressOf(execution.state));
  setHandler(sagaState, () => execution.state);
  setHandler(cancelSaga, (reason) => execution.cancel(reason));
  return CancellationScope.nonCancellable(() => execution.execute(body));
}

function begin(options: SagaRunOptions): SagaExecution {
  try {
    const execution = new SagaExecution(createWorkflowHost(options), options);
    claimIdentity(options.saga.name, execution.state.id);
    return execution;
  } catch (error) {
    // A state that does not fit comes from outside: no other code makes it fit.
    if (error instanceof SagaError && (error.code === 'SAGA_STATE' || error.code === 'SAGA_ENDED'))
      throw ApplicationFailure.nonRetryable(error.message, error.code);
    throw error;
  }
}
