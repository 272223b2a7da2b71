import { SagaError } from './errors.ts';
import type { FailureSummary } from './state.ts';

/** What a step gets besides its input. */
export interface StepContext {
  /**
   * Idempotency key of this step of this saga: the same for every attempt, for the compensation, and in every run that
   * continues the saga.
   */
  readonly key: string;
}

/** What a compensation gets. */
export interface Undo<Input, Result> {
  /** What the step was given. */
  readonly input: Input;
  /** What the step gave back; undefined if that never arrived: the step may have happened, or not. */
  readonly result: Result | undefined;
  /** The same key that the step had. */
  readonly key: string;
}

/** Why a step needs no compensation; the reason is a part of the sentence. */
export type NoCompensation = `none, because ${string}`;

/** What a step is made of. */
export interface StepOptions<Input, Result> {
  /** Unique within its saga; permanent, since histories hold it. Letters, digits and `_ . : -`, at most 100. */
  readonly name: string;
  /** Does the step, by activities or child workflows. */
  readonly run: (input: Input, context: StepContext) => Promise<Result>;
  /**
   * Undoes the step. It has to succeed where there is nothing to undo, and when it runs twice. Attempted until it succeeds
   * or fails for good (a failure that is not retryable).
   */
  readonly compensation: ((undo: Undo<Input, Result>) => Promise<unknown>) | NoCompensation;
  /**
   * Whether a cancellation interrupts the step while it runs; default false: the step ends first. True is for steps whose
   * activities have `cancellationType: 'WAIT_CANCELLATION_COMPLETED'`, which is not the default: with any other type a step
   * goes on after its cancellation, and may happen after its compensation. Child workflows wait by default.
   */
  readonly isInterruptible?: boolean;
  /** Consecutive steps of the same group are compensated at the same time. */
  readonly group?: string;
  /**
   * The point of no return: once this step is done, nothing is compensated, cancellation has no effect, and the steps that
   * follow are attempted until they succeed. It has no compensation itself.
   */
  readonly isPivot?: boolean;
  /**
   * Of a pivot: whether a failure that is not retryable proves that it did not happen, and so leads back. Default: none does,
   * since an attempt before the one that failed may have happened, and the workflow does not see attempts that the server
   * repeats. Without a proof the saga ends stuck with nothing compensated. Pure: workflows ask it again in each replay.
   */
  readonly isNotDone?: (failure: FailureSummary) => boolean;
}

/** A step of a saga; create it with {@link defineStep}. */
export interface Step<Input, Result> extends StepOptions<Input, Result> {
  readonly isPivot: boolean;
}

/* oxlint-disable typescript/no-explicit-any -- a list of steps holds inputs and results of any type */
/** A step whose types do not matter. */
export interface AnyStep {
  readonly name: string;
  readonly run: (input: any, context: StepContext) => Promise<any>;
  readonly compensation: ((undo: any) => Promise<unknown>) | NoCompensation;
  readonly group?: string;
  readonly isInterruptible?: boolean;
  readonly isPivot: boolean;
  readonly isNotDone?: (failure: FailureSummary) => boolean;
}
/* oxlint-enable typescript/no-explicit-any */

const NAME = /^[\w.:-]{1,100}$/;

/** Whether a text may be the name of a step or saga, or the id of a step. */
export function isSagaName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** A caller without types may give anything. */
function hasReason(compensation: unknown): boolean {
  return typeof compensation === 'string' && /^none, because \S/.test(compensation);
}

/**
 * Defines a step.
 *
 * @throws {SagaError} SAGA_DEFINITION: a bad name, a compensation that is missing without a reason, a pivot with one,
 * `isNotDone` of a step that is no pivot.
 */
export function defineStep<Input, Result>(options: StepOptions<Input, Result>): Step<Input, Result> {
  const { name, compensation, isPivot = false } = options;
  if (!isSagaName(name))
    throw new SagaError(
      'SAGA_DEFINITION',
      `A step cannot be named ${JSON.stringify(name)}: use 1 to 100 letters, digits and _ . : -`,
    );
  if (typeof compensation !== 'function' && !hasReason(compensation))
    throw new SagaError(
      'SAGA_DEFINITION',
      `Step ${name} has no compensation: give it one, or say compensation: 'none, because …' with the reason.`,
    );
  if (isPivot && typeof compensation === 'function')
    throw new SagaError(
      'SAGA_DEFINITION',
      `Step ${name} is a pivot and has a compensation, which would never run: say compensation: 'none, because …'.`,
    );
  if (!isPivot && options.isNotDone !== undefined)
    throw new SagaError(
      'SAGA_DEFINITION',
      `Step ${name} says isNotDone and is no pivot: whatever began is compensated, so leave it out.`,
    );
  return Object.freeze({ ...options, isPivot });
}
