import type { LedgerBatch } from '../../ledger/ledger-entry.ts';
import type { MemoryTables } from './memory-tables.ts';

/** The decision ledger in memory, as far as dispatching writes it. */
export interface MemoryLedger {
  write(batch: LedgerBatch): Promise<void>;
  /** Relays what waits in the outbox; returns how many of its rows that were. */
  relay(): Promise<number>;
}

/** The ledger of some tables. */
export function memoryLedger(tables: MemoryTables): MemoryLedger {
  const append = ({ entries, runs }: LedgerBatch): void => {
    for (const entry of entries) if (!tables.ledger.has(entry.id)) tables.ledger.set(entry.id, entry);
    tables.runs.push(...runs);
  };
  return {
    write: async (batch) => append(batch),
    async relay() {
      const rows = tables.outbox;
      tables.outbox = [];
      rows.forEach(append);
      return rows.length;
    },
  };
}
