import type { InputError } from './problem-details.ts';

/** What went wrong where no problem details tell: no connection, no answer in time, an answer of another kind. */
export type ClientErrorCode = 'API_UNREACHABLE' | 'API_TIMEOUT' | 'API_ANSWER_INVALID' | 'API_FAILED';

/** What an {@link ApiError} carries. */
export interface ApiErrorParts {
  /** A problem code of the API, or one of {@link ClientErrorCode}. */
  readonly code: string;
  /** HTTP status; `null` if there was no answer. */
  readonly status: number | null;
  /** The API's name for the request, with which its logs can be searched; `null` if it gave none. */
  readonly requestId: string | null;
  /** The `detail` of the problem; `null` if there is none. */
  readonly detail?: string | null;
  /** What is wrong with the request, by pointer. */
  readonly errors?: readonly InputError[];
  /** Whole problem details, for members of single codes such as `position`. */
  readonly problem?: Readonly<Record<string, unknown>>;
  /** How long the API asked to wait, in milliseconds; `null` if it did not. */
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
}

/**
 * Thrown by every method of a client for whatever is not one of the operation's responses. Decide by `code`, not by
 * class: copies of a class differ. The message names method, path template, status and code, and never a key.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly detail: string | null;
  readonly errors: readonly InputError[];
  readonly problem: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | null;
  /** Whether the same request may succeed later: no answer, 429, or 5xx. Whether it may be sent again is another question. */
  readonly retryable: boolean;

  constructor(message: string, parts: ApiErrorParts) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = parts.code;
    this.status = parts.status;
    this.requestId = parts.requestId;
    this.detail = parts.detail ?? null;
    this.errors = parts.errors ?? [];
    this.problem = parts.problem ?? {};
    this.retryAfterMs = parts.retryAfterMs ?? null;
    this.retryable =
      parts.code !== 'API_ANSWER_INVALID' &&
      (parts.status === null || parts.status === 429 || parts.status >= 500);
  }
}
