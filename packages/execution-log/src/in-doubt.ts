import { guarded, type Postgres } from '@heliograph/database';
import { sql } from 'drizzle-orm';
import * as v from 'valibot';
import { MAX_RESULT_BYTES, toOutcome } from './to-outcome.ts';
import { ExecutionLogError } from './errors.ts';
import { executions } from './schema.ts';

/** An execution that was started and whose runner is dead. */
export interface InDoubt {
  readonly key: string;
  readonly startedAt: Date;
}

/** Lists what is in doubt, the oldest first. */
export async function listInDoubt({ db }: Pick<Postgres, 'db'>, limit = 100): Promise<readonly InDoubt[]> {
  return guarded('list executions in doubt', () =>
    db
      .select({ key: executions.key, startedAt: executions.startedAt })
      .from(executions)
      .where(sql`state = 'started' and leased_until <= clock_timestamp()`)
      .orderBy(executions.leasedUntil)
      .limit(limit),
  );
}

/**
 * What a person found out about an execution in doubt: done, with the result that repeats get, or not done, so that the next
 * caller runs it. What is done is kept for `keepMs` of its callers from now on.
 *
 * @throws {ExecutionLogError} EXECUTION_NOT_FOUND if it is not in doubt (any more), EXECUTION_RESULT_INVALID
 */
export async function settleInDoubt(
  { db }: Pick<Postgres, 'db'>,
  key: string,
  found: { readonly kind: 'done'; readonly result: unknown } | { readonly kind: 'notDone' },
): Promise<void> {
  const isInDoubt = sql`key = ${key} and state = 'started' and leased_until <= clock_timestamp()`;
  const { result: text, resultProblem } = toOutcome(v.unknown(), found.kind === 'done' ? found.result : null);
  if (resultProblem !== null)
    throw new ExecutionLogError(
      'EXECUTION_RESULT_INVALID',
      key,
      `execution ${key}: the result is no JSON of at most ${MAX_RESULT_BYTES} bytes; nothing was changed`,
    );
  const changed = await guarded('settle an execution', () =>
    db.execute(
      found.kind === 'done'
        ? sql`update ${executions} set state = 'done', fence = nextval('execution_log.fences'), done_at = clock_timestamp(), result = ${text},
                  keep_until = greatest(keep_until, clock_timestamp() + keep_ms * interval '1 millisecond')
              where ${isInDoubt} returning 1`
        : sql`delete from ${executions} where ${isInDoubt} returning 1`,
    ),
  );
  if (changed.length === 0)
    throw new ExecutionLogError(
      'EXECUTION_NOT_FOUND',
      key,
      `execution ${key} is not in doubt; nothing was changed`,
    );
}
