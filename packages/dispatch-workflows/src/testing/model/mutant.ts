import type { DeliveryDependencies } from '../../delivery/attempt-delivery.ts';
import type { ScanOptions } from '../../scan/read-and-dispatch.ts';
import type { MemoryStores } from './create-memory-stores.ts';
import type { MemoryTables } from './memory-tables.ts';
import type { Trouble } from './plan.ts';
import type { Simulation } from './simulation.ts';
import type { Activities } from './tiny-temporal.ts';

/** A fault that is put into the code under test in place of what it is given. */
export interface Mutant {
  readonly name: string;
  /** Replaces stores as a process sees them. */
  readonly stores?: (stores: MemoryStores, tables: MemoryTables) => MemoryStores;
  /** Replaces what deliveries work with. */
  readonly delivery?: (dependencies: DeliveryDependencies) => DeliveryDependencies;
  readonly scan?: Partial<ScanOptions>;
  /** Replaces activities as a process has them. */
  readonly activities?: (activities: Activities, simulation: Simulation) => Activities;
  /** The first seed that is tried; default 1. */
  readonly from?: number;
  /** Troubles without which it makes no difference. */
  readonly focus?: readonly Trouble[];
}

/** The code as it is. */
export const NO_MUTANT: Mutant = { name: 'none' };
