import { createHash, randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { toDatabaseError, type Postgres } from '@heliograph/database';
import * as v from 'valibot';
import { runStatement } from '../stores/run-statement.ts';
import type { LedgerBatch, LedgerEntry, LedgerRun } from './ledger-entry.ts';
import { createLedgerOutbox, type OutboxRow } from './ledger-outbox.ts';
import { createLedgerStore, type LedgerStore } from './ledger-store.ts';
import { type RelayLoop, type RelayLoopOptions, startRelayLoop } from './relay-loop.ts';
import { relayRows } from './relay-rows.ts';

/** The decision ledger, wherever its entries are at the moment. Every method throws `DatabaseError`. */
export interface Ledger extends Pick<LedgerStore, 'entriesOf' | 'runsAt'> {
  /** Writes to ClickHouse; while that is unavailable, to the outbox in PostgreSQL. */
  write(batch: LedgerBatch): Promise<void>;
  /** Relays what waits in the outbox to ClickHouse; returns how many of its rows that were. */
  relay(): Promise<number>;
}

/** Outbox rows that are relayed at once; each holds the entries of up to 200 writes. */
const MAX_ROWS = 50;

/**
 * The ledger of dispatching's two databases. The relay inserts and deletes in one transaction. An insert whose
 * transaction is lost is repeated: entries are then recognized by their ids, and a run may count twice.
 */
export function createLedger(postgres: Pick<Postgres, 'sql'>, clickhouse: ClickHouseClient): Ledger {
  const store = createLedgerStore(clickhouse);
  const outbox = createLedgerOutbox(postgres);
  const append = async (rows: readonly OutboxRow[]): Promise<void> => {
    const batches = rows.map((row) => v.parse(batchSchema, JSON.parse(row.rows)));
    const entries = batches.flatMap((batch) => batch.entries);
    const runs = batches.flatMap((batch) => batch.runs);
    await store.append({ entries, runs }, tokenOf(rows));
  };
  return {
    entriesOf: (fingerprint, position) => store.entriesOf(fingerprint, position),
    runsAt: (fingerprint, position) => store.runsAt(fingerprint, position),
    relay: () =>
      runStatement('relay the decision ledger', () =>
        relayRows(outbox, { handle: append, isRefusal, maxRows: MAX_ROWS }),
      ),
    async write(batch) {
      if (batch.entries.length + batch.runs.length === 0) return;
      try {
        await store.append(batch, randomUUID());
      } catch {
        await outbox.put(batch);
      }
    },
  };
}

/** Relays the ledger until it is stopped: every 500 ms, at once while much is waiting, up to 30 s apart while it fails. */
export function startLedgerRelay(ledger: Pick<Ledger, 'relay'>, options: RelayLoopOptions = {}): RelayLoop {
  return startRelayLoop(() => ledger.relay(), { busyRows: MAX_ROWS, ...options });
}

// The rows come from our own statements; this guards against those of another release.
const batchSchema = v.object({
  entries: v.array(
    v.custom<LedgerEntry>((value) => hasKeys(value, 'id', 'stage', 'fingerprint', 'position')),
  ),
  runs: v.array(v.custom<LedgerRun>((value) => hasKeys(value, 'stream', 'reason', 'since', 'first', 'last'))),
});

/** Codes with which ClickHouse refuses what is in the rows; anything else may pass later. */
const REFUSALS = new Set(['6', '26', '27', '38', '41', '53', '70', '72', '117', '691']);

function isRefusal(error: unknown): boolean {
  if (error instanceof v.ValiError || error instanceof SyntaxError) return true;
  const { driverCode } = toDatabaseError(error, 'relay the decision ledger');
  return driverCode !== undefined && REFUSALS.has(driverCode);
}

/** Names these rows and no others, also after a restore that numbers them anew. */
function tokenOf(rows: readonly OutboxRow[]): string {
  const hash = createHash('sha256');
  for (const { id, created_at: createdAt } of rows) hash.update(`${id} ${createdAt}\n`);
  return hash.digest('hex');
}

function hasKeys(value: unknown, ...keys: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && keys.every((key) => key in value);
}
