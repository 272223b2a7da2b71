import { guarded } from './classify-error.ts';
import type { Postgres } from './postgres.ts';

/** Options of {@link withAdvisoryLock}. */
export interface AdvisoryLockOptions {
  /** How long to wait for another holder; default 60,000 ms. */
  readonly waitMs?: number;
}

/**
 * Runs something while no one else holds the lock of this name, in any process on this database. The lock
 * lives in a transaction on a connection of its own: when that breaks, the lock is free, and the returned
 * promise rejects although `run` may still be working.
 *
 * @throws DatabaseError DATABASE_TIMEOUT when the lock was not free in time; errors of `run` as they are.
 */
export async function withAdvisoryLock<T>(
  pg: Pick<Postgres, 'separate'>,
  name: string,
  run: () => Promise<T>,
  options: AdvisoryLockOptions = {},
): Promise<T> {
  const waitMs = options.waitMs ?? 60_000;
  const sql = pg.separate({ statementTimeoutMs: 0, queryTimeoutMs: waitMs + 10_000 });
  let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  try {
    await guarded(`hold the lock ${name}`, async () => {
      await sql.begin(async (tx) => {
        await tx`select set_config('lock_timeout', ${String(waitMs)}, true),
                        set_config('idle_in_transaction_session_timeout', '0', true)`;
        await tx`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
        try {
          outcome = { value: await run() };
        } catch (error) {
          outcome = { error };
        }
      });
    });
  } finally {
    await sql.end({ timeout: 1 });
  }
  if (outcome === undefined) throw new TypeError(`the lock ${name} was released without a result`);
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}
