import { withDeadline, toDatabaseError } from '@heliograph/database';
import { DispatchError, type DispatchErrorCode } from '../contract/errors.ts';

/** The longest time that a statement of a store may take, in milliseconds. */
const DEADLINE_MS = 12_000;

/**
 * Runs a statement of a store with a deadline. Throws `DispatchError` as it is, and everything else as `DatabaseError`.
 */
export async function runStatement<T>(
  what: string,
  run: () => Promise<T>,
  /** The code of ours that a violated constraint stands for. */
  violations: { readonly conflict?: DispatchErrorCode; readonly constraint?: DispatchErrorCode } = {},
): Promise<T> {
  try {
    return await withDeadline(DEADLINE_MS, what, run);
  } catch (error) {
    if (error instanceof DispatchError) throw error;
    const failure = toDatabaseError(error, what);
    const code =
      failure.code === 'DATABASE_CONFLICT'
        ? violations.conflict
        : failure.code === 'DATABASE_CONSTRAINT'
          ? violations.constraint
          : undefined;
    if (code === undefined) throw failure;
    throw new DispatchError(code, MESSAGES[code] ?? what, { cause: failure });
  }
}

const MESSAGES: Partial<Record<DispatchErrorCode, string>> = {
  DISPATCH_NAME_TAKEN: 'this name is taken',
  DISPATCH_CONNECTED_APP_IN_USE: 'a route uses this connected app',
  DISPATCH_CONNECTED_APP_NOT_FOUND: 'the route names a connected app that does not exist',
};
