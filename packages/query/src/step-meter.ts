/**
 * Counts the steps that matching takes, and ends it at a limit.
 *
 * A step is one node of a query, one property or list element that a lookup reads, or one character of a value compared
 * with up to 32 characters of a pattern. The count depends only on the query and the data, never on time or on the
 * machine, so the same match always ends at the same step, also when a workflow replays.
 *
 * One meter can serve several matches, for example all routes of one row; `steps` says how many they have taken so far.
 */
export class StepMeter {
  readonly maxSteps: number;
  #steps = 0;

  /** @param maxSteps The number of steps that all matches with this meter may take together. */
  constructor(maxSteps: number) {
    this.maxSteps = maxSteps;
  }

  /** The number of steps so far; at most `maxSteps`. */
  get steps(): number {
    return this.#steps;
  }

  /** The number of steps that are left. */
  get stepsLeft(): number {
    return this.maxSteps - this.#steps;
  }

  /**
   * Takes steps.
   * @throws {StepLimitError} if fewer are left; then none are left afterwards.
   */
  take(steps: number): void {
    if (steps > this.maxSteps - this.#steps) {
      this.#steps = this.maxSteps;
      throw new StepLimitError(this.maxSteps);
    }
    this.#steps += steps;
  }
}

/** Thrown by a match that needs more steps than its meter has left. Whether the object matches is then unknown. */
export class StepLimitError extends Error {
  override readonly name = 'StepLimitError';
  readonly code = 'QUERY_STEP_LIMIT';
  readonly maxSteps: number;

  constructor(maxSteps: number) {
    super(`the match was given up after ${maxSteps} steps: the query is too complex for values of this size`);
    this.maxSteps = maxSteps;
  }
}

/** The steps of comparing a text of some length at once. */
export function countTextSteps(length: number): number {
  return 1 + Math.floor(length / 32);
}
