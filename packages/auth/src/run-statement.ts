import { runStatement as runInDatabase } from '@heliograph/database';
import { AuthError } from './errors.ts';

/** Runs a statement of a store. Throws `AuthError` as it is, and everything else as `DatabaseError`. */
export function runStatement<T>(
  what: string,
  run: () => Promise<T>,
  /** What a violated constraint stands for, by the constraint's name. */
  violations: Readonly<Record<string, () => AuthError>> = {},
  timeoutMs?: number,
): Promise<T> {
  return runInDatabase(what, run, {
    isOwn: (error) => error instanceof AuthError,
    translate: ({ constraint }) => violations[constraint ?? '']?.(),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}
