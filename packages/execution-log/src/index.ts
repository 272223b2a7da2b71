export { cleanUpExecutions } from './clean-up.ts';
export type { CleanUpOptions } from './clean-up.ts';
export { createExecutionLog } from './create-execution-log.ts';
export type { Execution, ExecutionLog, InDoubtPolicy, LookUp, OnceOptions } from './create-execution-log.ts';
export { ExecutionLogError } from './errors.ts';
export type { ExecutionLogErrorCode } from './errors.ts';
export { listInDoubt, settleInDoubt } from './in-doubt.ts';
export type { InDoubt } from './in-doubt.ts';
export { migrateExecutionLog } from './migrate.ts';
export type {
  Claim,
  DoneRow,
  ExecutionRow,
  ExecutionStore,
  Holder,
  Outcome,
  ResultProblem,
  StartedRow,
} from './store/execution-store.ts';
export { createMemoryExecutionStore } from './store/memory-store.ts';
export { createPostgresExecutionStore } from './store/postgres-store.ts';
export { MAX_RESULT_BYTES } from './to-outcome.ts';
