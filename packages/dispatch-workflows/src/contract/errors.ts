/** Failures of dispatching that are not decisions. */
export type DispatchErrorCode =
  | 'DISPATCH_ROUTE_NOT_FOUND'
  | 'DISPATCH_ROUTE_CHANGED'
  | 'DISPATCH_CONNECTED_APP_NOT_FOUND'
  | 'DISPATCH_CONNECTED_APP_CHANGED'
  | 'DISPATCH_CONNECTED_APP_IN_USE'
  | 'DISPATCH_NAME_TAKEN';

/** Thrown by stores and activities of this package. */
export class DispatchError extends Error {
  override readonly name = 'DispatchError';
  readonly code: DispatchErrorCode;
  /** Whether the same call may pass later. */
  readonly retryable: boolean;
  /** The id of what it is about, where there is one. */
  readonly id: string | null;

  constructor(
    code: DispatchErrorCode,
    message: string,
    options: { readonly id?: string; readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.id = options.id ?? null;
  }
}
