import { pendingCompensations } from './advance.ts';
import type { CompensationOrder } from './saga.ts';
import type { SagaState, StepRecord } from './state.ts';

/**
 * The steps to compensate now, at the same time; empty when nothing is left. In reverse order that is the step that began
 * last, with those of its group right before it.
 */
export function planCompensation(state: SagaState, order: CompensationOrder): readonly StepRecord[] {
  const pending = pendingCompensations(state);
  if (order === 'parallel') return pending;
  const last = pending.at(-1);
  if (last === undefined || last.group === null) return last === undefined ? [] : [last];
  const compensable = state.steps.filter(({ isCompensable }) => isCompensable);
  let from = compensable.findIndex(({ id }) => id === last.id);
  while (compensable[from - 1]?.group === last.group) from--;
  const first = compensable[from];
  const isInGroup = new Set(compensable.slice(from).map(({ id }) => id));
  return first === undefined ? [] : pending.filter(({ id }) => isInGroup.has(id));
}

/** Milliseconds until the next attempt of a compensation, after so many that failed: 1 s, 2 s, 4 s, … up to a minute. */
export function retryDelayMs(attempts: number): number {
  return Math.min(60_000, 1000 * 2 ** Math.min(attempts - 1, 6));
}
