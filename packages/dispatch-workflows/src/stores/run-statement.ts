import { runStatement as runInDatabase } from '@heliograph/database';
import { DispatchError, type DispatchErrorCode } from '../contract/errors.ts';

/**
 * Runs a statement of a store with a deadline. Throws `DispatchError` as it is, and everything else as `DatabaseError`.
 */
export function runStatement<T>(
  what: string,
  run: () => Promise<T>,
  /** The code of ours that a violated constraint stands for. */
  violations: { readonly conflict?: DispatchErrorCode; readonly constraint?: DispatchErrorCode } = {},
): Promise<T> {
  const codes: Readonly<Record<string, DispatchErrorCode | undefined>> = {
    DATABASE_CONFLICT: violations.conflict,
    DATABASE_CONSTRAINT: violations.constraint,
  };
  return runInDatabase(what, run, {
    isOwn: (error) => error instanceof DispatchError,
    translate: (failure) => {
      const code = codes[failure.code];
      return code === undefined
        ? undefined
        : new DispatchError(code, MESSAGES[code] ?? what, { cause: failure });
    },
  });
}

const MESSAGES: Partial<Record<DispatchErrorCode, string>> = {
  DISPATCH_NAME_TAKEN: 'this name is taken',
  DISPATCH_CONNECTED_APP_IN_USE: 'a route uses this connected app',
  DISPATCH_CONNECTED_APP_NOT_FOUND: 'the route names a connected app that does not exist',
};
