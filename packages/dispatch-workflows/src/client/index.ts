export { coalesceCalls } from './coalesce-calls.ts';
export { signalAlertStream } from './signal-alert-stream.ts';
export type { AlertStreamOptions } from './signal-alert-stream.ts';
export { keepOrchestratorRunning, startOrchestrator, wakeOrchestrator } from './start-orchestrator.ts';
export { DISPATCH_TRACE_STARTS } from './trace-starts.ts';
