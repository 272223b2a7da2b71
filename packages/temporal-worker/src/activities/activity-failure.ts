import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { ERROR_TABLE, errorTypeOf, type ErrorType } from '../policies/error-table.ts';

/** What a failure may add. */
export interface FailureOptions {
  /** How long to wait before the next attempt, such as a provider's Retry-After, in milliseconds; default by the class. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * A failure of a type of the table: what is not retryable ends the activity at once, whatever its class says. The message
 * goes to the workflow and its history; it names ids, never a payload or a secret.
 */
export function activityFailure(
  type: ErrorType,
  message: string,
  options: FailureOptions = {},
): ApplicationFailure {
  const { retryAfterMs, cause } = options;
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: !ERROR_TABLE.some((kind) => kind.type === type && kind.isRetryable),
    ...(retryAfterMs === undefined || retryAfterMs <= 0 ? {} : { nextRetryDelay: retryAfterMs }),
    ...(cause instanceof Error ? { cause } : {}),
  });
}

/**
 * The failure for an error that says itself whether it is retryable, as those of our packages do (`code`, `retryable`):
 * its code becomes the type, so that `EXECUTION_IN_DOUBT` ends an activity whose class would retry for ever. Other errors, and
 * failures of Temporal, are returned as they are.
 */
export function toActivityFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TemporalFailure) return error;
  const code: unknown = 'code' in error ? error.code : null;
  const retryable: unknown = 'retryable' in error ? error.retryable : null;
  if (typeof code !== 'string' || typeof retryable !== 'boolean') return error;
  return ApplicationFailure.create({
    type: code,
    message: error.message,
    nonRetryable: !retryable,
    cause: error,
  });
}

/** The failure that a provider's answer stands for, by its status and its Retry-After; null for success and redirects. */
export function failureOf(
  response: Pick<Response, 'status' | 'headers'>,
  message: string,
  now = Date.now(),
): ApplicationFailure | null {
  const type = errorTypeOf(response.status);
  if (type === null) return null;
  const retryAfterMs = readRetryAfter(response.headers.get('retry-after'), now);
  return activityFailure(type, message, retryAfterMs === null ? {} : { retryAfterMs });
}

/** A provider that asks for more is asked again after this, so that a mistake of its clock does not stop the work for good. */
const LONGEST_RETRY_AFTER_MS = 86_400_000;

function readRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, LONGEST_RETRY_AFTER_MS) : null;
}
