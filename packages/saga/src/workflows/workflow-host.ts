import {
  CancellationScope,
  CancelledFailure,
  ContinueAsNew,
  DeterminismViolationError,
  isCancellation,
  log,
  patched,
  sleep,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { SagaError } from '../errors.ts';
import { isFailureForGood, summarizeFailure } from '../explain-failure.ts';
import type { Explanation, SagaHost } from '../host.ts';
import type { SagaRunOptions } from '../options.ts';

/** The workflow that calls this, as a place where a saga runs. The scope that is current now is whose cancellation counts. */
export function createWorkflowHost({ saga, id, resume, compensatesBugs = false }: SagaRunOptions): SagaHost {
  const outer = CancellationScope.current();
  return {
    id: id ?? (resume === undefined || resume === null ? identify(saga.name) : ''),
    now: () => Date.now(),
    timer(ms) {
      const scope = new CancellationScope();
      const fired = scope
        .run(() => sleep(ms))
        .then(
          () => true,
          (error: unknown) => {
            if (isCancellation(error)) return false;
            throw error;
          },
        );
      return { fired, stop: () => scope.cancel() };
    },
    call: (work) => work(),
    shield: (work) => CancellationScope.nonCancellable(work),
    interruptible(work) {
      const scope = new CancellationScope();
      return { done: scope.run(work), interrupt: () => scope.cancel() };
    },
    throwIfInterrupted() {
      if (CancellationScope.current().consideredCancelled)
        throw new CancelledFailure(`Saga ${saga.name} was interrupted: no further step begins.`);
    },
    onCancelRequested(listener) {
      outer.cancelRequested.catch(listener);
    },
    isCancelRequested: () => outer.consideredCancelled,
    isPatched: (change) => patched(change),
    explain: (error) => explain(error, compensatesBugs),
    warn: (message, failure) => log.warn(message, { ...failure }),
  };
}

function explain(error: unknown, compensatesBugs: boolean): Explanation {
  const failure = summarizeFailure(error);
  if (error instanceof ContinueAsNew) return { kind: 'handOver', failure, isForGood: false };
  if (error instanceof TemporalFailure)
    return { kind: 'failure', failure, isForGood: isFailureForGood(error) };
  return compensatesBugs && !(error instanceof DeterminismViolationError)
    ? { kind: 'failure', failure, isForGood: true }
    : { kind: 'bug', failure, isForGood: false };
}

/** One key for all runs of a saga, also after a reset; no key for two sagas. */
function identify(saga: string): string {
  const { workflowId, firstExecutionRunId, continuedFromExecutionRunId } = workflowInfo();
  if (continuedFromExecutionRunId !== undefined && continuedFromExecutionRunId !== '')
    throw new SagaError(
      'SAGA_DEFINITION',
      `Saga ${saga} begins in a run of ${workflowId} that continues another: give \`id\`, unique to each, or \`resume\` the state.`,
    );
  return `${workflowId}/${firstExecutionRunId}`;
}
