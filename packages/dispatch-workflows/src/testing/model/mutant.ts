import type { DeliveryDependencies } from '../../delivery/attempt-delivery.ts';
import type { ScanOptions } from '../../scan/read-and-dispatch.ts';
import type { MemoryStores } from './create-memory-stores.ts';
import type { MemoryTables } from './memory-tables.ts';

/** A fault that is put into the code under test in place of what it is given. */
export interface Mutant {
  readonly name: string;
  /** Replaces stores as a process sees them. */
  readonly stores?: (stores: MemoryStores, tables: MemoryTables) => MemoryStores;
  /** Replaces what deliveries work with. */
  readonly delivery?: (dependencies: DeliveryDependencies) => DeliveryDependencies;
  readonly scan?: Partial<ScanOptions>;
}

/** The code as it is. */
export const NO_MUTANT: Mutant = { name: 'none' };
