import { randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Postgres } from '@heliograph/database';
import type { LedgerBatch } from './ledger-entry.ts';
import { createLedgerRelay } from './ledger-relay.ts';
import { createLedgerStore, type LedgerStore } from './ledger-store.ts';

/** The decision ledger, wherever its entries are at the moment. Every method throws `DatabaseError`. */
export interface Ledger extends Pick<LedgerStore, 'entriesOf' | 'runsAt'> {
  /** Writes to ClickHouse; while that is away, to PostgreSQL, from where it is carried on. */
  write(batch: LedgerBatch): Promise<void>;
  /** Carries on what waits in PostgreSQL; tells how many rows of the outbox that were. */
  carry(): Promise<number>;
}

/** The ledger of dispatching's two databases. */
export function createLedger(postgres: Pick<Postgres, 'sql'>, clickhouse: ClickHouseClient): Ledger {
  const store = createLedgerStore(clickhouse);
  const relay = createLedgerRelay(postgres, store);
  return {
    entriesOf: (fingerprint, position) => store.entriesOf(fingerprint, position),
    runsAt: (fingerprint, position) => store.runsAt(fingerprint, position),
    carry: () => relay.carry(),
    async write(batch) {
      if (batch.entries.length + batch.runs.length === 0) return;
      try {
        await store.append(batch, randomUUID());
      } catch {
        await relay.put(batch);
      }
    },
  };
}

/** A loop that carries the ledger on. */
export interface LedgerCarrier {
  /** Ends the loop, once what is waiting now has been carried or could not be. */
  stop(): Promise<void>;
}

/**
 * Carries the ledger on every `intervalMs` (default 500), at once where much is waiting, and up to 30 s apart while it
 * fails.
 */
export function startLedgerCarrier(
  ledger: Pick<Ledger, 'carry'>,
  options: { readonly intervalMs?: number; readonly onError?: (error: unknown) => void } = {},
): LedgerCarrier {
  const { intervalMs = 500, onError } = options;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let failures = 0;
  let running = Promise.resolve();
  const round = async (): Promise<void> => {
    let carried = 0;
    try {
      carried = await ledger.carry();
      failures = 0;
    } catch (error) {
      failures++;
      onError?.(error);
    }
    if (isStopped) return;
    const waitMs =
      failures > 0 ? Math.min(30_000, intervalMs * 2 ** failures) : carried >= BUSY_ROWS ? 0 : intervalMs;
    timer = setTimeout(() => {
      running = round();
    }, waitMs);
    timer.unref();
  };
  running = round();
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
      try {
        while ((await ledger.carry()) > 0);
      } catch (error) {
        onError?.(error);
      }
    },
  };
}

/** So many rows at once mean that more are waiting. */
const BUSY_ROWS = 50;
