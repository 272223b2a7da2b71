import { SagaError } from './errors.ts';
import { isSagaName, type AnyStep } from './step.ts';

/** How the steps of a saga are compensated: the last first, or all at the same time. */
export type CompensationOrder = 'reverse' | 'parallel';

/** What a saga is made of. */
export interface SagaOptions {
  /** Permanent: a state that is carried on names it. */
  readonly name: string;
  /** Every step that the saga may run, in any order. A step stays in the list as long as a run may have to compensate it. */
  readonly steps: readonly AnyStep[];
  /** Default `reverse`. In reverse order, a compensation that takes long makes those before it wait. */
  readonly order?: CompensationOrder;
}

/** A saga; create it with {@link defineSaga}. */
export interface Saga {
  readonly name: string;
  readonly order: CompensationOrder;
  readonly steps: ReadonlyMap<string, AnyStep>;
}

/**
 * Defines a saga.
 *
 * @throws {SagaError} SAGA_DEFINITION: a bad name, no steps, or two steps of one name.
 */
export function defineSaga({ name, steps, order = 'reverse' }: SagaOptions): Saga {
  if (!isSagaName(name))
    throw new SagaError(
      'SAGA_DEFINITION',
      `A saga cannot be named ${JSON.stringify(name)}: use 1 to 100 letters, digits and _ . : -`,
    );
  const byName = new Map<string, AnyStep>();
  for (const step of steps) {
    if (byName.has(step.name))
      throw new SagaError(
        'SAGA_DEFINITION',
        `Saga ${name} has two steps named ${step.name}: rename one, since compensations are found by name.`,
      );
    byName.set(step.name, step);
  }
  if (byName.size === 0)
    throw new SagaError('SAGA_DEFINITION', `Saga ${name} has no steps: list every step that it may run.`);
  return Object.freeze({ name, order, steps: byName });
}
