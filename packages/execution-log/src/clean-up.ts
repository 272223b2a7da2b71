import { guarded, type Postgres } from '@heliograph/database';
import { sql } from 'drizzle-orm';
import { executions } from './schema.ts';

/** Options of {@link cleanUpExecutions}. */
export interface CleanUpOptions {
  /** Rows in one statement at most; default 1,000. */
  readonly batchSize?: number;
  /** Statements in one clean-up at most; what is left waits for the next one. Default 100. */
  readonly maxBatches?: number;
  /** Ends it after the statement that runs. */
  readonly signal?: AbortSignal;
}

/**
 * Removes what is done and was not asked for during its `keepMs`; returns how many. What is started is never removed,
 * however old: it runs, or is in doubt, and a repeat would do it again. Several processes may do this at once.
 */
export async function cleanUpExecutions(
  { db }: Pick<Postgres, 'db'>,
  { batchSize = 1000, maxBatches = 100, signal }: CleanUpOptions = {},
): Promise<number> {
  let removed = 0;
  for (let batch = 0; batch < maxBatches; batch++) {
    if (signal?.aborted === true) break;
    const rows = await guarded('clean up executions', () =>
      db.execute(sql`
        delete from ${executions} where key = any(array(
          select key from ${executions} where state = 'done' and keep_until <= clock_timestamp()
          limit ${batchSize} for update skip locked))
        and state = 'done' and keep_until <= clock_timestamp() returning 1`),
    );
    removed += rows.length;
    if (rows.length < batchSize) break;
  }
  return removed;
}
