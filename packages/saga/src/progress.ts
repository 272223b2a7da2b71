import { pendingCompensations } from './advance.ts';
import type { FailureSummary, SagaCause, SagaState, StepRecord } from './state.ts';

/** How far a saga is. It holds no inputs and no results. */
export interface SagaProgress {
  readonly saga: string;
  readonly id: string;
  readonly phase: SagaState['phase'];
  readonly outcome: SagaState['outcome'];
  /** Why it compensates; null while it goes forward. */
  readonly cause: SagaCause | null;
  /** Milliseconds since the epoch; null while it goes forward. */
  readonly compensatingSince: number | null;
  /** What asked it to end early: it has an effect once the steps that run have ended, and none past the pivot. */
  readonly interruption: SagaCause | null;
  /** When somebody was told about the trouble that lasts; null if nobody was. */
  readonly alertedAt: number | null;
  /** Ids of the steps that are still to be compensated. */
  readonly pending: readonly string[];
  readonly steps: readonly StepProgress[];
}

/** How far one step is. */
export interface StepProgress {
  readonly id: string;
  readonly step: string;
  readonly status: StepRecord['status'];
  readonly failure: FailureSummary | null;
  readonly compensationAttempts: number;
  readonly compensationFailure: FailureSummary | null;
}

/** Tells how far a saga is; the answer of the query `sagaProgress`, and what an alert gets. */
export function progressOf(state: SagaState): SagaProgress {
  const { saga, id, phase, outcome, cause, compensatingSince, alertedAt, interruption = null } = state;
  return {
    saga,
    id,
    phase,
    outcome,
    cause,
    compensatingSince,
    interruption,
    alertedAt,
    pending: pendingCompensations(state).map((step) => step.id),
    steps: state.steps.map(({ id: stepId, step, status, failure, ...rest }) => ({
      id: stepId,
      step,
      status,
      failure,
      compensationAttempts: rest.compensationAttempts,
      compensationFailure: rest.compensationFailure,
    })),
  };
}
