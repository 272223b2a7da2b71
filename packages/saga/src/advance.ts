import { SagaError } from './errors.ts';
import type { FailureSummary, SagaCause, SagaState, StepRecord } from './state.ts';

/** What happens to a saga. */
export type SagaEvent =
  | {
      readonly kind: 'stepBegun';
      readonly id: string;
      readonly step: string;
      readonly input: unknown;
      readonly isCompensable: boolean;
      readonly isPivot: boolean;
      readonly group: string | null;
    }
  | { readonly kind: 'stepDone'; readonly id: string; readonly result: unknown }
  | { readonly kind: 'stepFailed'; readonly id: string; readonly failure: FailureSummary }
  | { readonly kind: 'pivotInDoubt'; readonly id: string; readonly failure: FailureSummary }
  | { readonly kind: 'bodyDone'; readonly result: unknown; readonly at: number }
  | { readonly kind: 'bodyFailed'; readonly cause: SagaCause; readonly at: number }
  | { readonly kind: 'compensated'; readonly id: string }
  | {
      readonly kind: 'compensationFailed';
      readonly id: string;
      readonly failure: FailureSummary;
      readonly isForGood: boolean;
    }
  | { readonly kind: 'interrupted'; readonly cause: SagaCause }
  | { readonly kind: 'resumed'; readonly at: number }
  | { readonly kind: 'alerted'; readonly at: number };

/** The state of a saga before its first step. */
export function beginSaga(saga: string, id: string, startedAt: number): SagaState {
  return {
    version: 1,
    saga,
    id,
    startedAt,
    phase: 'forward',
    outcome: null,
    cause: null,
    compensatingSince: null,
    alertedAt: null,
    interruption: null,
    steps: [],
  };
}

/**
 * The state after an event. Pure: it decides what a saga knows and when it has ended.
 *
 * @throws {SagaError} SAGA_ENDED or SAGA_STATE for an event that does not fit the state.
 */
export function advance(state: SagaState, event: SagaEvent): SagaState {
  if (state.phase === 'ended')
    throw new SagaError('SAGA_ENDED', `Saga ${state.saga} (${state.id}) has ended: begin a new one.`);
  switch (event.kind) {
    case 'stepBegun': {
      const { kind: _, ...begun } = event;
      expectPhase(state, 'forward', event);
      const record: StepRecord = {
        ...begun,
        status: 'running',
        failure: null,
        compensationAttempts: 0,
        compensationFailure: null,
      };
      return { ...state, steps: [...state.steps, record] };
    }
    case 'stepDone':
      expectPhase(state, 'forward', event);
      return quieted(change(state, event.id, { status: 'done', result: event.result }));
    case 'stepFailed':
      expectPhase(state, 'forward', event);
      return quieted(change(state, event.id, { status: 'failed', failure: event.failure }));
    case 'pivotInDoubt':
      expectPhase(state, 'forward', event);
      return change(state, event.id, { failure: event.failure });
    case 'bodyDone': {
      expectPhase(state, 'forward', event);
      const open = state.steps.find(({ status }) => status === 'running');
      if (open !== undefined)
        throw new SagaError(
          'SAGA_STEPS_RUNNING',
          `Saga ${state.saga} (${state.id}) is over in its body although nobody knows how step ${open.id} ended: run that step again, and let the body catch no mistake of the code.`,
        );
      // A step that failed may have happened: whoever caught its failure has gone on without it.
      return compensateOrEnd({
        ...state,
        phase: 'compensating',
        cause: { kind: 'leftover' },
        compensatingSince: event.at,
        alertedAt: null,
        result: event.result,
      });
    }
    case 'bodyFailed':
      expectPhase(state, 'forward', event);
      if (isPivotPassed(state)) return { ...state, cause: event.cause, phase: 'ended', outcome: 'stuck' };
      return compensateOrEnd({
        ...state,
        phase: 'compensating',
        cause: event.cause,
        compensatingSince: event.at,
        alertedAt: null,
      });
    case 'compensated':
      expectPhase(state, 'compensating', event);
      return compensateOrEnd(attempted(state, event.id, { status: 'compensated' }));
    case 'compensationFailed':
      expectPhase(state, 'compensating', event);
      return compensateOrEnd(
        attempted(state, event.id, {
          compensationFailure: event.failure,
          ...(event.isForGood ? { status: 'uncompensated' as const } : {}),
        }),
      );
    case 'resumed':
      return state.phase === 'compensating'
        ? { ...state, compensatingSince: state.compensatingSince ?? event.at }
        : state;
    case 'interrupted':
      expectPhase(state, 'forward', event);
      return { ...state, interruption: event.cause };
    case 'alerted':
      return { ...state, alertedAt: event.at };
  }
}

/** Whether the point of no return is reached, or may be: a pivot is done, or its outcome is unknown. */
export function isPivotPassed({ steps }: SagaState): boolean {
  return steps.some(({ isPivot, status }) => isPivot && (status === 'done' || status === 'running'));
}

/** The pivot that failed for good and may have happened all the same; until a person has looked, nothing follows it. */
export function pivotInDoubt({ steps }: SagaState): StepRecord | undefined {
  return steps.find(({ isPivot, status, failure }) => isPivot && status === 'running' && failure !== null);
}

/** The steps that still have to be compensated, in the order in which they began. */
export function pendingCompensations({ phase, cause, steps }: SagaState): readonly StepRecord[] {
  if (phase !== 'compensating') return [];
  return steps.filter(
    ({ isCompensable, status }) =>
      isCompensable &&
      (status === 'failed' || (cause?.kind !== 'leftover' && (status === 'done' || status === 'running'))),
  );
}

/** The alert was for what ran then: the next trouble has one of its own. */
function quieted(state: SagaState): SagaState {
  return state.steps.some(({ status }) => status === 'running') ? state : { ...state, alertedAt: null };
}

function compensateOrEnd(state: SagaState): SagaState {
  if (pendingCompensations(state).length > 0) return state;
  const isLeft = state.steps.some(({ status }) => status === 'uncompensated');
  if (isLeft) return { ...state, phase: 'ended', outcome: 'uncompensated' };
  if (state.cause?.kind === 'leftover')
    return { ...state, phase: 'ended', outcome: 'completed', cause: null, compensatingSince: null };
  return { ...state, phase: 'ended', outcome: 'compensated' };
}

function attempted(state: SagaState, id: string, update: Partial<StepRecord>): SagaState {
  const record = state.steps.find((step) => step.id === id);
  return change(state, id, { ...update, compensationAttempts: (record?.compensationAttempts ?? 0) + 1 });
}

function change(state: SagaState, id: string, update: Partial<StepRecord>): SagaState {
  if (!state.steps.some((step) => step.id === id))
    throw new SagaError('SAGA_STATE', `Saga ${state.saga} (${state.id}) never began step ${id}.`);
  return { ...state, steps: state.steps.map((step) => (step.id === id ? { ...step, ...update } : step)) };
}

function expectPhase(state: SagaState, phase: SagaState['phase'], event: SagaEvent): void {
  if (state.phase !== phase)
    throw new SagaError(
      'SAGA_STATE',
      `Saga ${state.saga} (${state.id}) is ${state.phase}: ${event.kind} does not fit.`,
    );
}
