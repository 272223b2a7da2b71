/** Whether an error of this kind may be repeated, and why. */
export interface ErrorKind {
  /** The `type` of the ApplicationFailure. */
  readonly type: string;
  readonly isRetryable: boolean;
  /** What is meant. */
  readonly meaning: string;
  readonly because: string;
}

/**
 * The kinds of errors that activities tell their workflows. Whoever throws one of another type decides by
 * `ApplicationFailure.nonRetryable`; what says nothing is retried.
 */
export const ERROR_TABLE = [
  {
    type: 'INVALID_INPUT',
    isRetryable: false,
    meaning: 'the request does not fit its schema, or a provider answers 400, 413 or 422',
    because: 'the same request is as wrong the next time',
  },
  {
    type: 'NOT_AUTHORIZED',
    isRetryable: false,
    meaning: 'the credentials are missing, unknown or lack a permission; 401, 402 or 403',
    because: 'only a person can change that, and repeated attempts lock accounts',
  },
  {
    type: 'NOT_FOUND',
    isRetryable: false,
    meaning: 'what the request names does not exist; 404 or 410',
    because: 'it does not appear by asking again; who expects it later says UNAVAILABLE',
  },
  {
    type: 'BUSINESS_RULE',
    isRetryable: false,
    meaning: 'a rule forbids it: the card is declined, the limit is used up, the flight is full',
    because: 'it is an answer, not a failure: the workflow has to take another way',
  },
  {
    type: 'IDEMPOTENCY_MISMATCH',
    isRetryable: false,
    meaning: 'the idempotency key was used before with other content',
    because: 'one of both requests is a mistake in the code, and a repeat cannot tell which',
  },
  {
    type: 'IN_DOUBT',
    isRetryable: false,
    meaning: 'an earlier attempt may have had its effect, and the policy is to refuse a second one',
    because: 'a repeat might do twice what may happen once; a person has to look',
  },
  {
    type: 'UNAVAILABLE',
    isRetryable: true,
    meaning: 'nothing answers, or it answers 5xx other than 501; a connection was cut',
    because: 'it usually ends by itself',
  },
  {
    type: 'RATE_LIMITED',
    isRetryable: true,
    meaning: 'the provider asks to wait; 429, or 503 with Retry-After',
    because: 'it asked to be asked again; its Retry-After becomes the delay of the next attempt',
  },
  {
    type: 'TIMED_OUT',
    isRetryable: true,
    meaning: 'no answer in time; 408 or 504',
    because: 'the outcome is unknown, and an attempt with the same idempotency key finds it out',
  },
  {
    type: 'CONFLICT',
    isRetryable: true,
    meaning: 'somebody else changed it at the same time; 409, or a serialization failure',
    because: 'the next attempt reads the newer state',
  },
] as const satisfies readonly ErrorKind[];

/** A `type` of the table. */
export type ErrorType = (typeof ERROR_TABLE)[number]['type'];

/** What the standard classes never retry, in the order of the table. */
export const NON_RETRYABLE_TYPES: readonly string[] = ERROR_TABLE.filter(
  ({ isRetryable }) => !isRetryable,
).map(({ type }) => type);

/**
 * The kind of error that an HTTP status stands for; null for success, redirects and what says nothing. The body decides in
 * doubt: a balancer's HTML page with 503 is no word of the provider.
 */
export function errorTypeOf(status: number): ErrorType | null {
  switch (status) {
    case 401:
    case 402:
    case 403:
      return 'NOT_AUTHORIZED';
    case 404:
    case 410:
      return 'NOT_FOUND';
    case 408:
    case 504:
      return 'TIMED_OUT';
    case 409:
    case 412:
    case 423:
      return 'CONFLICT';
    case 425:
      return 'UNAVAILABLE';
    case 429:
      return 'RATE_LIMITED';
    case 501:
      return 'INVALID_INPUT';
    default:
      if (status >= 500) return 'UNAVAILABLE';
      return status >= 400 ? 'INVALID_INPUT' : null;
  }
}
