/** Why a worker or a client could not be set up. */
export type TemporalErrorCode =
  | 'TEMPORAL_CONNECT_FAILED'
  | 'TEMPORAL_TLS_INVALID'
  | 'TEMPORAL_TLS_REFUSED'
  | 'TEMPORAL_PROXY_INVALID'
  | 'TEMPORAL_PROXY_REFUSED'
  | 'TEMPORAL_CONNECTION_CLOSED'
  | 'TEMPORAL_NO_ANSWER'
  | 'TEMPORAL_SERVER_TOO_OLD'
  | 'TEMPORAL_NAMESPACE_MISSING'
  | 'TEMPORAL_SEARCH_ATTRIBUTES'
  | 'TEMPORAL_BUNDLE_MISSING'
  | 'TEMPORAL_BUNDLE_CHANGED'
  | 'TEMPORAL_BUNDLE_VERSION'
  | 'TEMPORAL_POLICY_INVALID'
  | 'TEMPORAL_WORKER_OPTIONS';

/** Thrown while a worker or client is set up, or used after its end; the message is one line that says how to fix it. */
export class TemporalSetupError extends Error {
  override readonly name = 'TemporalSetupError';
  readonly code: TemporalErrorCode;
  /** Whether the same call may pass later without anybody changing anything. */
  readonly retryable: boolean;

  constructor(
    code: TemporalErrorCode,
    message: string,
    options: { retryable?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}
