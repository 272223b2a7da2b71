/** Why a replay could not begin. */
export type ReplayInputErrorCode = 'REPLAY_SOURCE_MISSING';

/** Thrown for histories that are not there; the message is one line. */
export class ReplayInputError extends Error {
  override readonly name = 'ReplayInputError';
  readonly code: ReplayInputErrorCode;
  readonly retryable = false;

  constructor(code: ReplayInputErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
