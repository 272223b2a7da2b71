import { createHash, randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { toDatabaseError, type Postgres } from '@heliograph/database';
import * as v from 'valibot';
import { runStatement } from '../stores/run-statement.ts';
import type { LedgerBatch, LedgerEntry, LedgerRun } from './ledger-entry.ts';
import { createLedgerOutbox, type OutboxRow, type OutboxStatus } from './ledger-outbox.ts';
import { createLedgerStore, type LedgerStore } from './ledger-store.ts';
import { type RelayLoop, type RelayLoopOptions, startRelayLoop } from './relay-loop.ts';
import { relayRows } from './relay-rows.ts';
import { createOutboxTelemetry } from '../telemetry/outbox-telemetry.ts';

/** The decision ledger, wherever its entries are at the moment. Every method throws `DatabaseError`. */
export interface Ledger extends Pick<LedgerStore, 'entriesOf' | 'runsAt'> {
  /** Writes to ClickHouse; while that is unavailable, to the outbox in PostgreSQL. */
  write(batch: LedgerBatch): Promise<void>;
  /**
   * Relays what waits in the outbox to ClickHouse; returns how many of its rows wait no longer. Rows that ClickHouse refuses,
   * or that cannot be read, are marked and stay.
   */
  relay(options?: {
    /** Receives the id of each row that was refused, and why; the error is safe to log. */
    readonly onRefused?: ((refused: { readonly id: string; readonly error: Error }) => void) | undefined;
  }): Promise<number>;
  /** Deletes rows that were refused long ago, and tells how the outbox stands. */
  tendOutbox(): Promise<OutboxStatus>;
}

/** Outbox rows that are relayed at once; each holds the entries of up to 200 writes. */
const MAX_ROWS = 50;
/** How long refused rows are kept, in milliseconds. */
const KEEP_REFUSED_MS = 7 * 86_400_000;

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
    relay: ({ onRefused } = {}) =>
      runStatement('relay the decision ledger', () =>
        relayRows(outbox, {
          handle: append,
          isRefusal,
          maxRows: MAX_ROWS,
          onRefused: ({ row: { id }, error }) =>
            onRefused?.({ id, error: toDatabaseError(error, 'relay the decision ledger') }),
        }),
      ),
    tendOutbox: async () => {
      await outbox.deleteRefused(KEEP_REFUSED_MS);
      return outbox.inspect();
    },
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

/** Options of {@link startLedgerRelay}. */
export interface LedgerRelayOptions extends RelayLoopOptions {
  /** Receives each row that ClickHouse refuses; see `Ledger.relay`. */
  readonly onRefused?: NonNullable<Parameters<Ledger['relay']>[0]>['onRefused'];
  /** Receives how the outbox stands, once a minute; default: the metrics of the process. */
  readonly onStatus?: (status: OutboxStatus) => void;
}

/** Between two looks at the outbox as a whole, in milliseconds. */
const TEND_EVERY_MS = 60_000;

/**
 * Relays the ledger until it is stopped: every 500 ms, at once while much is waiting, up to 30 s apart while it fails. Once
 * a minute it also deletes what was refused 7 days ago, and measures the outbox.
 */
export function startLedgerRelay(
  ledger: Pick<Ledger, 'relay' | 'tendOutbox'>,
  { onRefused, onStatus = createOutboxTelemetry(), ...options }: LedgerRelayOptions = {},
): RelayLoop {
  let tendedAt = -Infinity;
  const tend = async (): Promise<void> => {
    if (performance.now() - tendedAt < TEND_EVERY_MS) return;
    tendedAt = performance.now();
    try {
      onStatus(await ledger.tendOutbox());
    } catch (error) {
      // Relaying goes on; it is tended again in a minute.
      options.onError?.(error);
    }
  };
  return startRelayLoop(
    async () => {
      await tend();
      return ledger.relay({ onRefused });
    },
    { busyRows: MAX_ROWS, ...options },
  );
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
