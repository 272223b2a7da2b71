export { createDispatchWorkers, defineDispatchWorkers } from './create-dispatch-workers.ts';
export type { DispatchWork, DispatchWorkersOptions } from './create-dispatch-workers.ts';
