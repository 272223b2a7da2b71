import type { InputError } from '@heliograph/api-contract';

/** What a problem response may carry beyond status, code and detail. */
export interface ProblemExtras {
  readonly errors?: readonly InputError[];
  /** Seconds; becomes the Retry-After header, rounded up. */
  readonly retryAfterSeconds?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Additional members of the problem object, for example the position of a syntax error. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** A code that logs and audits hear, and the caller does not. */
  readonly reason?: string;
}

/** Thrown by handlers to answer with problem details (RFC 9457); `detail` is shown to the caller. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryable: boolean;
  readonly extras: ProblemExtras;

  constructor(status: number, code: string, detail: string, extras: ProblemExtras = {}) {
    super(detail, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.retryable = status === 429 || status === 503;
    this.extras = extras;
  }
}

/** Creates a {@link Problem}: `throw problem(404, 'ROUTE_NOT_FOUND', 'There is no route r1.')`. */
export function problem(status: number, code: string, detail: string, extras?: ProblemExtras): Problem {
  return new Problem(status, code, detail, extras);
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Writes a problem as the JSON of its response: type, title, status, detail, instance, code and request id. */
export function problemJson(found: Problem, instance: string, requestId: string): string {
  const { errors, members } = found.extras;
  return JSON.stringify({
    ...members,
    type: 'about:blank',
    title: titleOf(found.status),
    status: found.status,
    detail: found.message,
    instance,
    code: found.code,
    requestId,
    ...(errors === undefined ? {} : { errors }),
  });
}

/** The reason phrase of a status. */
export function titleOf(status: number): string {
  return TITLES[status] ?? 'Error';
}

/** Turns a problem into its response of type `application/problem+json`. */
export function problemResponse(found: Problem, instance: string, requestId: string): Response {
  const { retryAfterSeconds, headers } = found.extras;
  return new Response(problemJson(found, instance, requestId), {
    status: found.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(retryAfterSeconds === undefined
        ? {}
        : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) }),
      ...headers,
    },
  });
}
