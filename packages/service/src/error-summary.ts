import { types } from 'node:util';

/** An error reduced to what may be logged: no bind values, no row content, no message of a database server. */
export interface ErrorSummary {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  /** The frames only: the first line of a stack repeats the message. */
  readonly stack?: string;
  readonly cause?: ErrorSummary;
}

const MAX_DEPTH = 5;

/**
 * Summarises anything that was thrown. Messages of database drivers quote SQL, bind values and rows, so of
 * those only the code is kept; every other message is kept.
 */
export function summarizeError(error: unknown, depth: number = 0): ErrorSummary {
  if (!isError(error)) return { type: typeof error, message: 'a value that is not an Error was thrown' };
  const code = textOf(error, 'code');
  const stack = error.stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n');
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: safeMessage(error, code),
    ...(stack === undefined || stack === '' ? {} : { stack }),
    ...(error.cause === undefined || depth >= MAX_DEPTH
      ? {}
      : { cause: summarizeError(error.cause, depth + 1) }),
  };
}

// Errors of another realm, as in a vm context, are errors as well.
function isError(error: unknown): error is Error {
  return error instanceof Error || types.isNativeError(error);
}

function safeMessage(error: Error, code: string | undefined): string {
  const speaksForDatabase =
    'query' in error ||
    'params' in error ||
    'parameters' in error ||
    error.name === 'PostgresError' ||
    isClickHouse(error);
  if (!speaksForDatabase) return error.message;
  const type = textOf(error, 'type');
  return ['database error', code, type].filter((part) => part !== undefined).join(' ');
}

// @clickhouse/client leaves the name "Error" and has a numeric code as text and an upper-case type.
function isClickHouse(error: Error): boolean {
  return /^\d+$/.test(textOf(error, 'code') ?? '') && /^[A-Z0-9_]+$/.test(textOf(error, 'type') ?? 'UNKNOWN');
}

function textOf(error: object, key: string): string | undefined {
  const value: unknown = Reflect.get(error, key);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
