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

/** How the outbox stands. */
export interface OutboxStatus {
  /** Rows on their way to ClickHouse. */
  readonly waiting: number;
  /** How long the oldest of them waits, in milliseconds; 0 if there is none. */
  readonly oldestWaitingMs: number;
  /** Rows that ClickHouse refuses; they are kept for some days. */
  readonly refused: number;
}

/** `dispatch.ledger_outbox`: ledger batches on their way to ClickHouse. Every method throws `DatabaseError`. */
export interface LedgerOutbox extends Outbox<OutboxRow> {
  /** Puts a batch aside that cannot be written to ClickHouse now. */
  put(batch: LedgerBatch): Promise<void>;
  /** Counts what waits and what is refused. */
  inspect(): Promise<OutboxStatus>;
  /** Deletes rows that were refused `olderThanMs` milliseconds ago or earlier, at most 5,000 at once; returns how many. */
  deleteRefused(olderThanMs: number): Promise<number>;
}

/** The ledger outbox of one database. */
export function createLedgerOutbox({ sql }: Pick<Postgres, 'sql'>): LedgerOutbox {
  return {
    take: (limit, handle) =>
      sql.begin(async (tx) => {
        const rows = await tx<OutboxRow[]>`
          select id::text, rows::text, created_at::text from dispatch.ledger_outbox
          where refused_at is null order by id limit ${limit} for update skip locked`;
        if (rows.length === 0) return { relayed: [], refused: [] };
        const sorted = await handle(rows);
        const relayed = sorted.relayed.map(({ id }) => id);
        const refused = sorted.refused.map(({ row }) => row.id);
        if (relayed.length > 0)
          await tx`delete from dispatch.ledger_outbox where id = any(${tx.array(relayed)}::bigint[])`;
        if (refused.length > 0)
          await tx`
            update dispatch.ledger_outbox set refused_at = now() where id = any(${tx.array(refused)}::bigint[])`;
        return sorted;
      }),
    put: (batch) =>
      runStatement('put a ledger batch aside', async () => {
        await sql`insert into dispatch.ledger_outbox (rows) values ((${storableJson(batch)}::text)::jsonb)`;
      }),
    inspect: () =>
      runStatement('inspect the ledger outbox', async () => {
        const [row] = await sql<{ waiting: number; oldest_ms: number; refused: number }[]>`
          select count(*) filter (where refused_at is null)::int as waiting, count(refused_at)::int as refused,
            coalesce(greatest(0, extract(epoch from now() - min(created_at) filter (where refused_at is null)) * 1000),
              0)::float8 as oldest_ms
          from dispatch.ledger_outbox`;
        return {
          waiting: row?.waiting ?? 0,
          oldestWaitingMs: row?.oldest_ms ?? 0,
          refused: row?.refused ?? 0,
        };
      }),
    deleteRefused: (olderThanMs) =>
      runStatement('delete refused rows of the ledger outbox', async () => {
        const { count } = await sql`
          delete from dispatch.ledger_outbox where id in (
            select id from dispatch.ledger_outbox
            where refused_at <= now() - ${olderThanMs}::float8 * interval '1 millisecond'
            order by refused_at limit 5000 for update skip locked)`;
        return count;
      }),
  };
}
