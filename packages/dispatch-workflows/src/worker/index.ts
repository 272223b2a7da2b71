export { createDispatchWorkers } from './create-dispatch-workers.ts';
export type { DispatchWorkers, DispatchWorkersOptions } from './create-dispatch-workers.ts';
