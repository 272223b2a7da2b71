/** The codes of {@link AuditError}. */
export type AuditErrorCode =
  /** The log could not be written or read. */
  | 'AUDIT_UNAVAILABLE'
  /** An entry that no request can lead to, such as a count below zero: a fault of the caller's code. */
  | 'AUDIT_ENTRY_INVALID';

/** Thrown by the audit log. Messages hold no text of an entry. */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code: AuditErrorCode;
  /** Whether the same call may pass later. */
  readonly retryable: boolean;

  constructor(code: AuditErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'AUDIT_UNAVAILABLE';
  }
}

/** Tells an {@link AuditError} by its shape, which also holds across copies of this package. */
export function isAuditError(error: unknown): error is AuditError {
  return error instanceof Error && error.name === 'AuditError' && 'code' in error && 'retryable' in error;
}
