import { createHash } from 'node:crypto';
import { toDatabaseError, type Postgres } from '@heliograph/database';
import * as v from 'valibot';
import type { LedgerBatch, LedgerEntry, LedgerRun } from './ledger-entry.ts';
import type { LedgerStore } from './ledger-store.ts';
import { storableJson } from '../stores/storable-json.ts';
import { stored } from '../stores/stored.ts';

/** Carries ledger entries from PostgreSQL, where they were written with what they tell of, to ClickHouse. */
export interface LedgerRelay {
  /** Carries what is waiting; tells how many rows of the outbox that were. Any number of processes may do so at once. */
  carry(): Promise<number>;
  /** Puts a batch into the outbox: for who cannot reach ClickHouse now. */
  put(batch: LedgerBatch): Promise<void>;
}

/** Rows of the outbox that are carried at once: each holds the entries of up to 200 writes. */
const MAX_ROWS = 50;

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
 * told apart by their ids, while a run of silent decisions may count them twice. A row that is refused for good, or that
 * this version cannot read, is marked and left behind, so that it keeps no other waiting.
 */
export function createLedgerRelay(
  { sql }: Pick<Postgres, 'sql'>,
  ledger: Pick<LedgerStore, 'append'>,
): LedgerRelay {
  const carry = (limit: number): Promise<number> =>
    sql.begin(async (tx) => {
      const rows = await tx<OutboxRow[]>`
        with taken as (
          select id from dispatch.ledger_outbox where refused_at is null order by id limit ${limit}
          for update skip locked
        )
        delete from dispatch.ledger_outbox where id in (select id from taken)
        returning id::text, rows::text, created_at::text`;
      if (rows.length === 0) return 0;
      const sorted = rows.toSorted((a, b) => Number(a.id) - Number(b.id));
      const batches = sorted.map((row) => v.parse(batchSchema, JSON.parse(row.rows)));
      await ledger.append(
        {
          entries: batches.flatMap(({ entries }) => entries),
          runs: batches.flatMap(({ runs }) => runs),
        },
        tokenOf(sorted),
      );
      return rows.length;
    });
  /** Marks the row at the head of the outbox. */
  const refuseFirst = async (): Promise<void> => {
    await sql`
      update dispatch.ledger_outbox set refused_at = now() where id = (
        select id from dispatch.ledger_outbox where refused_at is null order by id limit 1 for update skip locked)`;
  };
  return {
    carry: () =>
      stored('carry the decision ledger', async () => {
        try {
          return await carry(MAX_ROWS);
        } catch (error) {
          if (!isRefusal(error)) throw error;
        }
        // One of many is at fault: alone it fails alone.
        try {
          return await carry(1);
        } catch (error) {
          if (isRefusal(error)) await refuseFirst();
          throw error;
        }
      }),
    put: (batch) =>
      stored('put the decision ledger aside', async () => {
        await sql`insert into dispatch.ledger_outbox (rows) values ((${storableJson(batch)}::text)::jsonb)`;
      }),
  };
}

interface OutboxRow {
  readonly id: string;
  readonly rows: string;
  readonly created_at: string;
}

/** Codes with which ClickHouse refuses what is in the rows; anything else may pass later. */
const REFUSALS = new Set(['6', '26', '27', '38', '41', '53', '70', '72', '117', '691']);

function isRefusal(error: unknown): boolean {
  if (error instanceof v.ValiError || error instanceof SyntaxError) return true;
  const { driverCode } = toDatabaseError(error, 'carry the decision ledger');
  return driverCode !== undefined && REFUSALS.has(driverCode);
}

/** The same rows, and no others, also after a restore that counts their ids anew. */
function tokenOf(rows: readonly OutboxRow[]): string {
  const hash = createHash('sha256');
  for (const { id, created_at: createdAt } of rows) hash.update(`${id} ${createdAt}\n`);
  return hash.digest('hex');
}

function isRecordWith(value: unknown, ...keys: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && keys.every((key) => key in value);
}
