import type { Postgres } from '@heliograph/database';
import { runStatement } from '../stores/run-statement.ts';
import { storableJson } from '../stores/storable-json.ts';
import type { LedgerBatch } from './ledger-entry.ts';
import type { Outbox } from './relay-rows.ts';

/** A row of the outbox; `rows` is the JSON of a `LedgerBatch`, perhaps of another release. */
export interface OutboxRow {
  readonly id: string;
  readonly rows: string;
  readonly created_at: string;
}

/** `dispatch.ledger_outbox`: ledger batches on their way to ClickHouse. Every method throws `DatabaseError`. */
export interface LedgerOutbox extends Outbox<OutboxRow> {
  /** Puts a batch aside that cannot be written to ClickHouse now. */
  put(batch: LedgerBatch): Promise<void>;
}

/** The ledger outbox of one database. */
export function createLedgerOutbox({ sql }: Pick<Postgres, 'sql'>): LedgerOutbox {
  return {
    take: (limit, handle) =>
      sql.begin(async (tx) => {
        const rows = await tx<OutboxRow[]>`
          with taken as (
            select id from dispatch.ledger_outbox where refused_at is null order by id limit ${limit}
            for update skip locked
          )
          delete from dispatch.ledger_outbox where id in (select id from taken)
          returning id::text, rows::text, created_at::text`;
        if (rows.length > 0) await handle(rows.toSorted((a, b) => Number(a.id) - Number(b.id)));
        return rows.length;
      }),
    refuseFirst: async () => {
      await sql`
        update dispatch.ledger_outbox set refused_at = now() where id = (
          select id from dispatch.ledger_outbox where refused_at is null order by id limit 1 for update skip locked)`;
    },
    put: (batch) =>
      runStatement('put a ledger batch aside', async () => {
        await sql`insert into dispatch.ledger_outbox (rows) values ((${storableJson(batch)}::text)::jsonb)`;
      }),
  };
}
