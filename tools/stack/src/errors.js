/** @typedef {import('@heliograph/stack').StackErrorCode} StackErrorCode */

/** A failure of the embedded stack whose message is one line that says what happened and how to mend it. */
export class StackError extends Error {
  /**
   * @param {StackErrorCode} code
   * @param {string} message
   * @param {{ cause?: unknown, retryable?: boolean }} [options]
   */
  constructor(code, message, options = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StackError';
    /** @readonly */
    this.code = code;
    /** @readonly */
    this.retryable = options.retryable ?? false;
  }
}

/**
 * Gives the message of anything that was thrown.
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Gives the `code` of a system error, `''` for anything else.
 * @param {unknown} error
 */
export function systemCodeOf(error) {
  // Not instanceof: an error of Node itself is of another realm under a test runner.
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : '';
}
