export { createDispatchActivities } from './create-activities.ts';
export type { DispatchDependencies } from './create-activities.ts';
export { DEFAULT_SCAN_OPTIONS } from '../scan/read-and-dispatch.ts';
export type { ScanOptions } from '../scan/read-and-dispatch.ts';
export type { SweepOptions } from '../sweep/sweep-resolve-debt.ts';
