import { toDatabaseError, withDeadline } from '@heliograph/database';
import { AuthError } from './errors.ts';

/** The longest time that a change or a list may take, in milliseconds. */
const DEADLINE_MS = 12_000;

/** Runs a statement of a store. Throws `AuthError` as it is, and everything else as `DatabaseError`. */
export async function runStatement<T>(
  what: string,
  run: () => Promise<T>,
  /** What a violated constraint stands for, by the constraint's name. */
  violations: Readonly<Record<string, () => AuthError>> = {},
  timeoutMs = DEADLINE_MS,
): Promise<T> {
  try {
    return await withDeadline(timeoutMs, what, run);
  } catch (error) {
    if (error instanceof AuthError) throw error;
    const failure = toDatabaseError(error, what);
    throw violations[failure.constraint ?? '']?.() ?? failure;
  }
}
