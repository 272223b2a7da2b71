/** The codes of {@link DatabaseError}. */
export type DatabaseErrorCode =
  | 'DATABASE_UNAVAILABLE'
  | 'DATABASE_TIMEOUT'
  | 'DATABASE_CONFLICT'
  | 'DATABASE_CONSTRAINT'
  | 'DATABASE_SERIALIZATION'
  | 'DATABASE_FAILED'
  | 'DATABASE_MIGRATION_CHANGED'
  | 'DATABASE_MIGRATION_AHEAD'
  | 'DATABASE_MIGRATION_INVALID'
  | 'DATABASE_MIGRATION_FAILED'
  | 'DATABASE_KEY_RING_INVALID'
  | 'DATABASE_SEALED_KEY_UNKNOWN'
  | 'DATABASE_SEALED_CORRUPT';

/** What a {@link DatabaseError} knows beyond its message; names only, never values. */
export interface DatabaseErrorDetails {
  readonly retryable?: boolean;
  /** SQLSTATE, ClickHouse error number or socket error. */
  readonly driverCode?: string;
  /** The violated constraint, when the server names one. */
  readonly constraint?: string;
  /** The table, with its schema, when the server names one. */
  readonly table?: string;
  /** Stripped of everything that could hold a value. */
  readonly cause?: Error;
}

/**
 * Thrown by this package and made by `toDatabaseError` out of a driver's error. Messages name what was
 * attempted, tables and codes; never SQL, bind values or rows.
 */
export class DatabaseError extends Error {
  readonly code: DatabaseErrorCode;
  readonly retryable: boolean;
  readonly driverCode: string | undefined;
  readonly constraint: string | undefined;
  readonly table: string | undefined;

  constructor(code: DatabaseErrorCode, message: string, details: DatabaseErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DatabaseError';
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.driverCode = details.driverCode;
    this.constraint = details.constraint;
    this.table = details.table;
  }
}

/** Tells a {@link DatabaseError} by its shape, which also holds across copies of this package. */
export function isDatabaseError(error: unknown): error is DatabaseError {
  return error instanceof Error && error.name === 'DatabaseError' && 'code' in error && 'retryable' in error;
}
