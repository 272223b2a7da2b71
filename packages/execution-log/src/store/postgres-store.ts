import { guarded, type Postgres } from '@heliograph/database';
import { sql, type SQL } from 'drizzle-orm';
import { executions } from '../schema.ts';
import type { ExecutionRow, ExecutionStore, Holder, ResultProblem } from './execution-store.ts';

/** The log in the schema `execution_log`; every time is that of the database. */
export function createPostgresExecutionStore({ db }: Pick<Postgres, 'db'>): ExecutionStore {
  const run = async (what: string, statement: SQL): Promise<readonly Record<string, unknown>[]> =>
    guarded(`${what} an execution`, async () => [...(await db.execute(statement))]);
  const hasChanged = async (what: string, statement: SQL): Promise<boolean> =>
    (await run(what, statement)).length > 0;
  return {
    nextFence: async () => {
      const [row] = await run('number', sql`select nextval('execution_log.fences')::text as fence`);
      return BigInt(String(row?.['fence']));
    },
    claim: async ({ key, request, leaseMs, keepMs }, fence) => {
      await run(
        'claim',
        sql`insert into ${executions} (key, state, fence, request, leased_until, keep_ms, keep_until)
            values (${key}, 'started', ${fence}, decode(${request}, 'hex'), ${inMs(leaseMs)}, ${keepMs},
                    ${inMs(keepMs)})
            on conflict (key) do nothing`,
      );
    },
    find: async (key) => {
      const [row] = await run(
        'find',
        sql`select state, fence::text, encode(request, 'hex') as request, result, result_problem,
                   leased_until > clock_timestamp() as is_leased
            from ${executions} where key = ${key}`,
      );
      return row === undefined ? null : toRow(row);
    },
    takeOver: (from, fence, { leaseMs, keepMs }) =>
      hasChanged(
        'take over',
        sql`update ${executions} set fence = ${fence}, leased_until = ${inMs(leaseMs)}, keep_ms = greatest(keep_ms, ${keepMs}::bigint)
            where ${isStartedBy(from)} and leased_until <= clock_timestamp() returning 1`,
      ),
    renew: (holder, leaseMs) =>
      hasChanged(
        'renew the lease of',
        sql`update ${executions} set leased_until = ${inMs(leaseMs)} where ${isStartedBy(holder)} returning 1`,
      ),
    release: async (holder) => {
      await run(
        'release',
        sql`update ${executions} set leased_until = clock_timestamp() where ${isStartedBy(holder)}`,
      );
    },
    forget: (holder) =>
      hasChanged('forget', sql`delete from ${executions} where ${isStartedBy(holder)} returning 1`),
    complete: ({ key, fence }, { result, resultProblem }, keepMs) =>
      hasChanged(
        'complete',
        sql`update ${executions}
            set state = 'done', done_at = clock_timestamp(), result = ${result},
                result_problem = ${resultProblem}, keep_until = greatest(keep_until, ${inMs(keepMs)})
            where key = ${key} and fence = ${fence} returning 1`,
      ),
    markOverrun: async (key) => {
      await run('mark', sql`update ${executions} set overran_at = clock_timestamp() where key = ${key}`);
    },
    keep: async (key, keepMs) => {
      // An hour more, so that not every repeat writes.
      await run(
        'keep',
        sql`update ${executions} set keep_until = ${inMs(keepMs + HOUR_MS)}
            where key = ${key} and state = 'done' and keep_until < ${inMs(keepMs)}`,
      );
    },
  };
}

const HOUR_MS = 3_600_000;

const inMs = (ms: number): SQL => sql`clock_timestamp() + ${ms} * interval '1 millisecond'`;

const isStartedBy = ({ key, fence }: Holder): SQL =>
  sql`key = ${key} and fence = ${fence} and state = 'started'`;

function toRow(row: Record<string, unknown>): ExecutionRow {
  const fence = BigInt(String(row['fence']));
  const text = (name: string): string | null => {
    const value = row[name];
    return typeof value === 'string' ? value : null;
  };
  const request = text('request');
  return row['state'] === 'done'
    ? {
        state: 'done',
        fence,
        request,
        result: text('result'),
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the column has these values only
        resultProblem: text('result_problem') as ResultProblem | null,
      }
    : { state: 'started', fence, request, isLeased: row['is_leased'] === true };
}
