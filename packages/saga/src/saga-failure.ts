import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import * as v from 'valibot';
import { pivotInDoubt } from './advance.ts';
import type { FailureSummary, SagaCause, SagaState } from './state.ts';

/**
 * How a saga ended that did not complete; the type of the workflow's failure.
 *
 * - `SAGA_FAILED`: a step or the body failed; everything is compensated.
 * - `SAGA_CANCELLED`: it was cancelled; everything is compensated.
 * - `SAGA_DEADLINE`: its deadline passed; everything is compensated.
 * - `SAGA_TERMINATED`: a run that was terminated is repaired; everything is compensated.
 * - `SAGA_COMPENSATION_FAILED`: at least one compensation failed for good. A person has to look.
 * - `SAGA_STUCK`: a step after the pivot failed for good, or the pivot did and may have happened all the same, so nothing was
 *   compensated. A person has to look.
 */
export type SagaFailureCode =
  | 'SAGA_CANCELLED'
  | 'SAGA_COMPENSATION_FAILED'
  | 'SAGA_DEADLINE'
  | 'SAGA_FAILED'
  | 'SAGA_STUCK'
  | 'SAGA_TERMINATED';

/** The details of a saga's failure. */
export interface SagaFailureDetails {
  readonly code: SagaFailureCode;
  readonly saga: string;
  readonly id: string;
  /** Why it did not complete: tells cancel, deadline and failure apart, whatever became of the compensations. */
  readonly cause: SagaCause;
  /** Ids of the steps that are undone. */
  readonly compensated: readonly string[];
  /** Steps that are not undone because their compensation failed for good. */
  readonly uncompensated: readonly {
    readonly id: string;
    readonly step: string;
    readonly code: string;
    readonly message: string;
    readonly attempts: number;
  }[];
}

const CODE_OF_CAUSE = {
  failed: 'SAGA_FAILED',
  cancelled: 'SAGA_CANCELLED',
  deadline: 'SAGA_DEADLINE',
  terminated: 'SAGA_TERMINATED',
  leftover: 'SAGA_FAILED',
} as const;

/** Describes how a saga ended that did not complete. */
function describeFailure(state: SagaState): SagaFailureDetails {
  const cause = state.cause ?? { kind: 'terminated' };
  const uncompensated = state.steps.flatMap(
    ({ id, step, status, compensationFailure, compensationAttempts: attempts }) =>
      status === 'uncompensated' && compensationFailure !== null
        ? [{ id, step, ...compensationFailure, attempts }]
        : [],
  );
  return {
    code:
      state.outcome === 'stuck'
        ? 'SAGA_STUCK'
        : uncompensated.length > 0
          ? 'SAGA_COMPENSATION_FAILED'
          : CODE_OF_CAUSE[cause.kind],
    saga: state.saga,
    id: state.id,
    cause,
    compensated: state.steps.filter(({ status }) => status === 'compensated').map(({ id }) => id),
    uncompensated,
  };
}

/**
 * The failure that ends the workflow. A run that somebody cancelled, and that has undone everything, ends as cancelled;
 * every other one fails, with {@link SagaFailureDetails}.
 */
export function toWorkflowFailure(state: SagaState, isCancelRequested: boolean, error?: unknown): Error {
  const details = describeFailure(state);
  const text = sentence(details, pivotInDoubt(state)?.id);
  const cause = error instanceof Error ? error : originOf(details.cause);
  if (details.code === 'SAGA_CANCELLED' && isCancelRequested)
    return new CancelledFailure(text, [details], cause);
  return withoutStack(
    ApplicationFailure.create({
      message: text,
      type: details.code,
      nonRetryable: true,
      details: [details],
      // Somebody wanted it: no reason for an alarm about failures.
      ...(details.code === 'SAGA_CANCELLED' ? { category: ApplicationFailureCategory.BENIGN } : {}),
      ...(cause === undefined ? {} : { cause }),
    }),
  );
}

/** Codes and ids only: messages of others may hold anything. */
function sentence(
  { saga, id, cause, code, compensated, uncompensated }: SagaFailureDetails,
  doubted: string | undefined,
): string {
  const name = `Saga ${saga} (${id})`;
  const undone = `${compensated.length} ${compensated.length === 1 ? 'step is' : 'steps are'} compensated`;
  const why = reason(cause);
  if (doubted !== undefined)
    return `${name} is stuck: ${why}, and its pivot ${doubted} may have happened or not. Find out and settle it, then repair the saga.`;
  if (code === 'SAGA_STUCK')
    return `${name} is stuck past its pivot: ${why}. Mend what failed, then repair the saga.`;
  if (uncompensated.length === 0) return `${name}: ${why}; ${undone}.`;
  const lost = uncompensated.map((step) => `${step.id} (${step.code})`).join(', ');
  return `${name}: ${why}; ${undone}, and these are not, for good: ${lost}. Mend what failed, then repair the saga.`;
}

function reason(cause: SagaCause): string {
  switch (cause.kind) {
    case 'failed':
      return `${cause.stepId === null ? 'the workflow' : `step ${cause.stepId}`} failed (${cause.failure.code})`;
    case 'cancelled':
      return 'it was cancelled';
    case 'deadline':
      return 'its deadline passed';
    case 'terminated':
      return 'its run was terminated';
    case 'leftover':
      return 'it completed, but a step that had failed on the way had to be undone';
  }
}

/** A run that goes on with a state no longer has the error itself. */
function originOf(cause: SagaCause): Error | undefined {
  if (cause.kind !== 'failed') return undefined;
  return recordedFailure(cause.failure);
}

/** A failure of an earlier run, of which only the summary is left. */
export function recordedFailure({ code, message }: FailureSummary): Error {
  return withoutStack(ApplicationFailure.nonRetryable(message, code));
}

/** A stack that ends here tells nobody where the trouble was, and names folders of this machine. */
function withoutStack(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

const detailsSchema = v.looseObject({
  code: v.pipe(v.string(), v.startsWith('SAGA_')),
  saga: v.string(),
  cause: v.looseObject({ kind: v.string() }),
  compensated: v.array(v.string()),
  uncompensated: v.array(v.looseObject({ id: v.string() })),
});

/**
 * Finds the details of a saga's failure in an error, wherever it is in the chain of causes; null if there are none. Works
 * in a client (`WorkflowFailedError`), in a parent workflow (`ChildWorkflowFailure`) and in a test.
 */
export function readSagaFailure(error: unknown): SagaFailureDetails | null {
  // By its shape: classes differ between isolates, processes and copies of a library.
  for (let at = error; typeof at === 'object' && at !== null; at = 'cause' in at ? at.cause : null) {
    const [details] = 'details' in at && Array.isArray(at.details) ? at.details : [];
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked as far as a reader relies on it
    if (v.is(detailsSchema, details)) return details as unknown as SagaFailureDetails;
  }
  return null;
}
