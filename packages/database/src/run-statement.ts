import { toDatabaseError } from './classify-error.ts';
import type { DatabaseError } from './errors.ts';
import { withDeadline } from './with-deadline.ts';

/** How a store runs its statements. */
export interface StatementRules {
  /** What the store throws itself is passed on as it is. */
  readonly isOwn: (error: unknown) => boolean;
  /** The error of the store that a failure stands for, such as a violated constraint; undefined for none. */
  readonly translate?: (failure: DatabaseError) => Error | undefined;
  /** The longest time, in milliseconds. Default 12,000. */
  readonly timeoutMs?: number;
}

/**
 * Runs a statement of a store, or several in one transaction. `what` says what it does, for messages.
 *
 * @throws what the store itself throws, what a failure stands for, and {@link DatabaseError} for everything else
 */
export async function runStatement<T>(
  what: string,
  run: () => Promise<T>,
  rules: StatementRules,
): Promise<T> {
  const { isOwn, translate, timeoutMs = 12_000 } = rules;
  try {
    return await withDeadline(timeoutMs, what, run);
  } catch (error) {
    if (isOwn(error)) throw error;
    const failure = toDatabaseError(error, what);
    throw translate?.(failure) ?? failure;
  }
}
