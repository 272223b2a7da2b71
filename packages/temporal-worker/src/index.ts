export { TRACE_HEADER } from './contract.ts';
export { TemporalSetupError } from './errors.ts';
export type { TemporalErrorCode } from './errors.ts';
export { connectWorker, createTemporalWorker, slotOptions } from './worker/create-worker.ts';
export type { SlotPreset, TemporalWorkerOptions } from './worker/create-worker.ts';
export { HISTOGRAM_BUCKETS_MS, installTemporalRuntime } from './worker/runtime.ts';
export type { TemporalRuntimeOptions } from './worker/runtime.ts';
export { bundleWorkflows, readWorkflowBundle, writeWorkflowBundle } from './worker/workflow-bundle.ts';
export type { WorkflowBundleSource } from './worker/workflow-bundle.ts';
