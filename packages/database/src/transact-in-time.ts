import { sql } from 'drizzle-orm';
import { DatabaseError } from './errors.ts';
import type { Postgres } from './postgres.ts';

type Transaction = Parameters<Parameters<Postgres['db']['transaction']>[0]>[0];

/** How long a statement waits for a lock, in milliseconds. */
const LOCK_WAIT_MS = 2000;
/** When the server gives up a process that stands still in the middle, in milliseconds. */
const MAX_IDLE_MS = 5000;

/**
 * Runs a transaction that is rolled back unless all its statements are done within `timeoutMs` (default 8,000), the wait
 * for a connection included. A caller who waits for longer than that, as `runStatement` does, is not told that it took
 * too long while it is committed afterwards; only a commit that itself takes longer than the difference stays in doubt.
 * A statement waits 2 s for a lock at most.
 *
 * @throws {DatabaseError} DATABASE_TIMEOUT, retryable; errors of `run` and of the driver as they are
 */
export function transactInTime<T>(
  { db }: Pick<Postgres, 'db'>,
  what: string,
  run: (tx: Transaction) => Promise<T>,
  timeoutMs = 8000,
): Promise<T> {
  const endsAt = performance.now() + timeoutMs;
  const requireTime = (): void => {
    if (performance.now() < endsAt) return;
    throw new DatabaseError('DATABASE_TIMEOUT', `${what}: it took too long, and was rolled back`, {
      retryable: true,
    });
  };
  return db.transaction(async (tx) => {
    requireTime();
    await tx.execute(sql`select set_config('lock_timeout', ${String(LOCK_WAIT_MS)}, true),
      set_config('idle_in_transaction_session_timeout', ${String(MAX_IDLE_MS)}, true)`);
    const result = await run(tx);
    requireTime();
    return result;
  });
}
