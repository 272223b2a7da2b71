import type { Postgres } from '@heliograph/database';
import * as v from 'valibot';
import type { LedgerBatch, LedgerEntry, LedgerRun } from './ledger-entry.ts';
import type { LedgerStore } from './ledger-store.ts';
import { stored } from './stored.ts';

/** Carries ledger entries from PostgreSQL, where they were written with what they tell of, to ClickHouse. */
export interface LedgerRelay {
  /** Carries what is waiting; tells how many rows of the outbox that were. Any number of processes may do so at once. */
  carry(): Promise<number>;
  /** Puts a batch into the outbox: for who cannot reach ClickHouse now. */
  put(batch: LedgerBatch): Promise<void>;
}

/** Rows of the outbox that are carried at once. */
const MAX_ROWS = 500;

// They come from our own statements; this guards against another version's.
const batchSchema = v.object({
  entries: v.array(
    v.custom<LedgerEntry>((value) => isRecordWith(value, 'id', 'stage', 'fingerprint', 'position')),
  ),
  runs: v.array(
    v.custom<LedgerRun>((value) => isRecordWith(value, 'stream', 'reason', 'since', 'first', 'last')),
  ),
});

/**
 * Takes, inserts and deletes in one transaction. An insertion whose transaction is lost is repeated: entries are then
 * told apart by their ids, while a run of silent decisions may count them twice.
 */
export function createLedgerRelay(
  { sql }: Pick<Postgres, 'sql'>,
  ledger: Pick<LedgerStore, 'append'>,
): LedgerRelay {
  return {
    carry: () =>
      stored('carry the decision ledger', () =>
        sql.begin(async (tx) => {
          const rows = await tx<{ readonly id: string; readonly rows: string }[]>`
            with taken as (
              select id from dispatch.ledger_outbox order by id limit ${MAX_ROWS} for update skip locked
            )
            delete from dispatch.ledger_outbox where id in (select id from taken) returning id::text, rows::text`;
          if (rows.length === 0) return 0;
          const sorted = rows.toSorted((a, b) => Number(a.id) - Number(b.id));
          const batches = sorted.map((row) => v.parse(batchSchema, JSON.parse(row.rows)));
          await ledger.append(
            {
              entries: batches.flatMap(({ entries }) => entries),
              runs: batches.flatMap(({ runs }) => runs),
            },
            `${sorted[0]?.id ?? ''}-${sorted.at(-1)?.id ?? ''}-${sorted.length}`,
          );
          return rows.length;
        }),
      ),
    put: (batch) =>
      stored('put the decision ledger aside', async () => {
        await sql`insert into dispatch.ledger_outbox (rows) values ((${JSON.stringify(batch)}::text)::jsonb)`;
      }),
  };
}

function isRecordWith(value: unknown, ...keys: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && keys.every((key) => key in value);
}
