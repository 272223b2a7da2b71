import { runStatement as runInDatabase, transactInTime, type Postgres } from '@heliograph/database';
import { AuthError } from './errors.ts';
import type { Transaction } from './members/change-tenant.ts';

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

/** The part of its time after which a transaction is rolled back; the rest is for its commit. */
const SHARE_OF_STATEMENTS = 2 / 3;

/**
 * Runs several statements in one transaction, as {@link runStatement} does. Whoever hears that it took too long may
 * repeat it: it is not committed afterwards.
 */
export function runTransaction<T>(
  postgres: Pick<Postgres, 'db'>,
  what: string,
  run: (tx: Transaction) => Promise<T>,
  violations: Readonly<Record<string, () => AuthError>> = {},
  timeoutMs = 12_000,
): Promise<T> {
  const transact = () => transactInTime(postgres, what, run, timeoutMs * SHARE_OF_STATEMENTS);
  return runStatement(what, transact, violations, timeoutMs);
}
