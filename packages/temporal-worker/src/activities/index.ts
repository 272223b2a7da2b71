export { activityFailure, failureOf, toActivityFailure } from './activity-failure.ts';
export type { FailureOptions } from './activity-failure.ts';
export { defineLongJob, WORKER_DRAINING } from './define-long-job.ts';
export type { LongJob, LongJobOptions } from './define-long-job.ts';
export { deriveIdempotencyKey, idempotencyKey } from './idempotency-key.ts';
export type { KeyReach, KeySource } from './idempotency-key.ts';
export { MAX_CURSOR_BYTES, readProgress } from './progress.ts';
export type { Progress, ProgressDetails } from './progress.ts';
export { drainingSignal } from '../worker/draining.ts';
