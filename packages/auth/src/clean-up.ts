import { withAdvisoryLock, type Postgres } from '@heliograph/database';
import { systemClock, type Clock } from '@heliograph/service';
import { sql, type SQL } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import { isObsolete } from './keys/key-store.ts';
import { runStatement } from './run-statement.ts';
import { apiKeys, nonces, refreshFamilies } from './schema.ts';
import { isLoginExpired } from './tokens/is-login-expired.ts';

/** How many rows one clean-up removed. */
export interface CleanUpResult {
  readonly apiKeys: number;
  /** Logins, each with all its refresh tokens. */
  readonly refreshFamilies: number;
  readonly nonces: number;
}

/** Options of {@link cleanUp} and {@link startCleanUp}. */
export interface CleanUpOptions {
  /** How long keys are kept, for people to see, after they were revoked or have expired. Default 90 days. */
  readonly keepKeysMs?: number;
  /** Rows in one statement at most. Default 1,000. */
  readonly batchSize?: number;
  /** Statements per table in one clean-up at most; what is left waits for the next one. Default 100. */
  readonly maxBatches?: number;
  /** Ends it after the statement that runs. */
  readonly signal?: AbortSignal;
}

/**
 * A login is kept for five minutes after it has expired: the exchange of its last token may be under way, which a statement
 * that began before does not see, and clocks of processes differ.
 */
const EXPIRED_FOR_LONG_ENOUGH = sql`now() - interval '5 minutes'`;

/**
 * Removes nonces and logins that have expired, and keys that are of no interest any more, in batches. A token is kept
 * until five minutes after its login has expired, used or revoked, so that a late copy of it is noticed.
 *
 * @throws {DatabaseError}
 */
export async function cleanUp(
  postgres: Pick<Postgres, 'db'>,
  options: CleanUpOptions = {},
): Promise<CleanUpResult> {
  const { keepKeysMs = 90 * 86_400_000, batchSize = 1000, maxBatches = 100, signal } = options;
  const remove = async (table: PgTable, condition: SQL): Promise<number> => {
    let removed = 0;
    for (let batch = 0; batch < maxBatches; batch++) {
      if (signal?.aborted === true) break;
      const count = await runStatement('clean up', async () => {
        // `skip locked`: what a request is working on waits for the next clean-up.
        const rows = await postgres.db.execute(sql`
          delete from ${table} where ctid = any(array(
            select ctid from ${table} where ${condition} limit ${batchSize} for update skip locked))
          returning 1`);
        return rows.length;
      });
      removed += count;
      if (count < batchSize) break;
    }
    return removed;
  };
  return {
    apiKeys: await remove(apiKeys, isObsolete(keepKeysMs)),
    refreshFamilies: await remove(refreshFamilies, isLoginExpired(EXPIRED_FOR_LONG_ENOUGH)),
    nonces: await remove(nonces, sql`${nonces.expiresAt} <= now()`),
  };
}

/**
 * Cleans up unless another process does; null if it does.
 *
 * @throws {DatabaseError}
 */
export async function cleanUpAlone(
  postgres: Pick<Postgres, 'db' | 'separate'>,
  options: CleanUpOptions = {},
): Promise<CleanUpResult | null> {
  try {
    return await withAdvisoryLock(postgres, 'auth.clean-up', () => cleanUp(postgres, options), { waitMs: 1 });
  } catch (error) {
    if (isBusy(error)) return null;
    throw error;
  }
}

/** A clean-up that repeats. */
export interface CleanUpLoop {
  stop(): Promise<void>;
}

/**
 * Cleans up every `intervalMs` (default 600,000), for the first time after a tenth of it. Any number of processes may do
 * so: one at a time works, the others leave it to that one.
 */
export function startCleanUp(
  postgres: Pick<Postgres, 'db' | 'separate'>,
  options: Omit<CleanUpOptions, 'signal'> & {
    readonly intervalMs?: number;
    readonly onCleaned?: (result: CleanUpResult) => void;
    /** Hears that another process does the work at this moment. */
    readonly onBusy?: () => void;
    /** Hears of a clean-up that failed, also in `onCleaned`. */
    readonly onProblem?: (error: unknown) => void;
    readonly clock?: Clock;
  } = {},
): CleanUpLoop {
  const { intervalMs = 600_000, onCleaned, onBusy, onProblem, clock = systemClock } = options;
  const stopped = new AbortController();
  const report = (error: unknown): void => {
    try {
      onProblem?.(error);
    } catch {
      // What a listener throws ends nothing.
    }
  };
  const loop = async (): Promise<void> => {
    await clock.sleep(intervalMs / 10, stopped.signal);
    while (!stopped.signal.aborted) {
      try {
        const removed = await cleanUpAlone(postgres, { ...options, signal: stopped.signal });
        if (removed === null) onBusy?.();
        else onCleaned?.(removed);
      } catch (error) {
        report(error);
      }
      await clock.sleep(intervalMs, stopped.signal);
    }
  };
  const running = loop();
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

/** 55P03: another process holds the lock. */
function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'driverCode' in error && error.driverCode === '55P03';
}
