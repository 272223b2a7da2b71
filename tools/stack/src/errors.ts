export type StackErrorCode =
  | 'STACK_ALREADY_RUNNING'
  | 'STACK_APP_INVALID'
  | 'STACK_BINARY_MISSING'
  | 'STACK_BUILD_FAILED'
  | 'STACK_FOREIGN_DIRECTORY'
  | 'STACK_PART_UNKNOWN'
  | 'STACK_PORT_INVALID'
  | 'STACK_PORT_TAKEN'
  | 'STACK_START_FAILED'
  | 'STACK_STATE_INVALID'
  | 'STACK_TEMPORAL_MISSING';

/** A failure of the embedded stack whose message is one line that says what happened and how to fix it. */
export class StackError extends Error {
  readonly code: StackErrorCode;
  readonly retryable: boolean;

  constructor(code: StackErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StackError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** Gives the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Gives the `code` of a system error, `''` for anything else. */
export function systemCodeOf(error: unknown): string {
  // Not instanceof: an error of Node itself is of another realm under a test runner.
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : '';
}
