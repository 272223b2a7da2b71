import { bytea, instant } from '@heliograph/database';
import { sql } from 'drizzle-orm';
import { bigint, index, pgSchema, text } from 'drizzle-orm/pg-core';

/** Everything that the execution log keeps in PostgreSQL. Nobody else writes these tables. */
export const executionLog = pgSchema('execution_log');

/** Numbers claims: of two claims of one key, the later one has the greater fence. */
export const fences = executionLog.sequence('fences');

/** Effects by their key: started, or done with what they returned. */
export const executions = executionLog.table(
  'executions',
  {
    key: text('key').primaryKey(),
    state: text('state', { enum: ['started', 'done'] }).notNull(),
    /** Of whoever claimed it last. */
    fence: bigint('fence', { mode: 'bigint' }).notNull(),
    /** The SHA-256 of what was asked for under this key. */
    request: bytea('request'),
    startedAt: instant('started_at').notNull().defaultNow(),
    /** Until then its runner is alive. Afterwards, what is still started is in doubt. */
    leasedUntil: instant('leased_until').notNull(),
    doneAt: instant('done_at'),
    /** JSON; null where nothing is stored, for the reason in `result_problem`. */
    result: text('result'),
    resultProblem: text('result_problem', { enum: ['invalid', 'too_large'] }),
    /** When a runner finished after another one had taken over: the effect may have happened twice. */
    overranAt: instant('overran_at'),
    /** How long what is done is kept after it was last asked for, in milliseconds; also from a settlement on. */
    keepMs: bigint('keep_ms', { mode: 'number' }).notNull().default(7_776_000_000),
    /** Until then a repeat gets the result; never removed before. */
    keepUntil: instant('keep_until').notNull(),
  },
  (table) => [
    index('executions_expiry')
      .on(table.keepUntil)
      .where(sql`${table.state} = 'done'`),
    index('executions_in_doubt')
      .on(table.leasedUntil)
      .where(sql`${table.state} = 'started'`),
  ],
);
