/** Why `once` has no result. */
export type ExecutionLogErrorCode =
  | 'EXECUTION_KEY_INVALID'
  | 'EXECUTION_MISMATCH'
  | 'EXECUTION_BUSY'
  | 'EXECUTION_IN_DOUBT'
  | 'EXECUTION_LEASE_LOST'
  | 'EXECUTION_UNRECORDED'
  | 'EXECUTION_RESULT_INVALID'
  | 'EXECUTION_NOT_FOUND';

const RETRYABLE: ReadonlySet<ExecutionLogErrorCode> = new Set([
  'EXECUTION_BUSY',
  'EXECUTION_LEASE_LOST',
  'EXECUTION_UNRECORDED',
]);

/** Thrown by this package. The message names the key, which holds no secret, and never a request or a result. */
export class ExecutionLogError extends Error {
  override readonly name = 'ExecutionLogError';
  readonly code: ExecutionLogErrorCode;
  /** Whether the same call may pass later. */
  readonly retryable: boolean;
  readonly key: string;

  constructor(code: ExecutionLogErrorCode, key: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.key = key;
    this.retryable = RETRYABLE.has(code);
  }
}
