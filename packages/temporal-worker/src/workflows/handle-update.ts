import type { UpdateDefinition } from '@temporalio/common';
import { ApplicationFailure, setHandler } from '@temporalio/workflow';

/** The `type` of the failure with which an update is rejected whose validator returned a promise. */
export const UPDATE_VALIDATOR_ASYNC = 'UPDATE_VALIDATOR_ASYNC';

/** Distributed over its definition, as the SDK's own type is. */
type UpdateHandler<T> =
  T extends UpdateDefinition<infer Result, infer Args> ? (...args: Args) => Result | Promise<Result> : never;

/**
 * Handles an update, after its validator has let it through. A validator throws to reject: the caller gets the error, and the
 * history nothing. It has to answer at once: an async one does not compile, and one that returns a promise all the same
 * rejects the update with UPDATE_VALIDATOR_ASYNC (with the SDK's own `setHandler`, the workflow task would fail for ever and the
 * update would never return).
 *
 * @param validate returns nothing; it may not change state or wait for anything
 */
export function handleUpdate<Result, Args extends unknown[], Name extends string>(
  definition: UpdateDefinition<Result, Args, Name>,
  handle: UpdateHandler<UpdateDefinition<Result, Args, Name>>,
  validate: (...args: Args) => undefined,
): void {
  setHandler<Result, Args, UpdateDefinition<Result, Args, Name>>(definition, handle, {
    validator: (...args: Args) => {
      const answer: unknown = validate(...args);
      if (!isThenable(answer)) return;
      // Nobody else waits for it.
      void answer.then(undefined, () => undefined);
      throw ApplicationFailure.nonRetryable(
        `the validator of the update ${definition.name} is async; it has to answer at once`,
        UPDATE_VALIDATOR_ASYNC,
      );
    },
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
