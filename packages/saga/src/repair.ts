import { isPivotPassed, pendingCompensations } from './advance.ts';
import { SagaError } from './errors.ts';
import { parseSagaState, type SagaState } from './state.ts';

/**
 * Turns the last state of a run that ended too early into one that a new run goes on with: start the workflow with it.
 *
 * A run that was terminated, or timed out, compensates; one that was compensating goes on; one whose compensation failed
 * for good attempts it again, also past the pivot. One that was going forward, or is stuck, past the pivot or where its
 * outcome is unknown, goes forward instead: the steps that have no result run again, with the same keys.
 *
 * @throws {SagaError} SAGA_STATE for what is no state; SAGA_ENDED if there is nothing to repair.
 */
export function repairSaga(input: unknown): SagaState {
  const state = parseSagaState(input);
  const nothing = new SagaError(
    'SAGA_ENDED',
    `Saga ${state.saga} (${state.id}) is ${state.outcome ?? state.phase}: there is nothing to repair.`,
  );
  if (state.outcome === 'completed' || state.outcome === 'compensated') throw nothing;
  // What failed before the pivot, and was caught, is undone past it, too: that is no reason to go forward again.
  if (isPivotPassed(state) && (state.phase === 'forward' || state.outcome === 'stuck')) {
    const pivot = state.steps.findIndex(({ isPivot, status }) => isPivot && status !== 'failed');
    const steps = state.steps.map((step, index) =>
      index >= pivot && (step.status === 'failed' || step.status === 'running')
        ? { ...step, status: 'running' as const, failure: null }
        : step,
    );
    return { ...state, steps, phase: 'forward', outcome: null, cause: null, alertedAt: null };
  }
  const repaired: SagaState = {
    ...state,
    steps: state.steps.map((step) =>
      step.status === 'uncompensated' ? { ...step, status: step.failure === null ? 'done' : 'failed' } : step,
    ),
    phase: 'compensating',
    outcome: null,
    cause: state.cause ?? { kind: 'terminated' },
    compensatingSince: null,
    alertedAt: null,
  };
  if (pendingCompensations(repaired).length === 0) throw nothing;
  return repaired;
}
