import { isIPv4 } from 'node:net';
import type { Outcome } from '../contract.ts';
import { createConnectionPool, type ConnectionPermit, type PermitWait } from './connection-pool.ts';
import { exchange, type NoResponse } from './http-exchange.ts';
import { AddressNotAllowedError, isPublicAddress, lookUpPublicAddress } from './is-public-address.ts';
import { parseRetryDelay } from './retry-after.ts';

/** Options for posting to providers. */
export interface HttpPosterOptions {
  /** Allow receivers on loopback, private and link-local addresses. Default false, because users write the settings. */
  readonly allowPrivateAddresses?: boolean | undefined;
  /** The maximum number of connections to one receiver. Default 64. */
  readonly maxConnectionsPerOrigin?: number | undefined;
}

/** One POST request. */
export interface HttpPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The maximum total time to connect, send and read the response, in milliseconds. It starts with a connection. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** From `reserve`, for this origin. Without one, the post waits for a permit itself, for at most 500 ms. */
  readonly permit?: ConnectionPermit | undefined;
}

/** A provider's response. */
export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  /** Returns the first value of a header. `name` is lowercase. */
  header(name: string): string | undefined;
  /** The body as text; empty if it is longer than 64 KiB or could not be read completely. */
  readonly text: string;
  /** The outcome for a channel that needs the body, if the body could not be read completely; otherwise null. */
  readonly bodyError: UncertainOutcome | null;
}

/** An outcome in doubt: the request may or may not have arrived. */
export type UncertainOutcome = Extract<Outcome, { readonly kind: 'uncertain' }>;

/** Posts to providers over pooled connections. */
export interface HttpPoster {
  /**
   * Waits for a permit to post to the origin of `url`. Null if none was free in time, if `signal` was aborted, or if the
   * poster was closed.
   */
  reserve(url: string, wait: PermitWait): Promise<ConnectionPermit | null>;
  /**
   * Sends one request and follows no redirect. Provider and network failures are outcomes, never exceptions: `uncertain`
   * only if the first byte of this request was written, otherwise `rejected`.
   */
  post(post: HttpPost): Promise<HttpResponse | { readonly kind: 'failed'; readonly outcome: Outcome }>;
  /** Posts nothing more, waits for the posts under way and closes the connections. */
  close(): Promise<void>;
}

/** The wait after a 429 without a usable delay, in milliseconds. */
const DEFAULT_RETRY_AFTER_MS = 1000;
/** The maximum size of a response body, in bytes. */
const MAX_RESPONSE_BYTES = 64 * 1024;
/** The maximum time for name lookup, TCP and TLS, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5000;
/** The maximum wait of a post that comes without a permit, in milliseconds. */
const MAX_UNRESERVED_WAIT_MS = 500;

/** Creates what all HTTP channels share: a connection pool, one deadline per attempt, address checks, errors as outcomes. */
export function createHttpPoster(options: HttpPosterOptions): HttpPoster {
  const allowPrivate = options.allowPrivateAddresses ?? false;
  const pool = createConnectionPool({
    maxConnectionsPerOrigin: options.maxConnectionsPerOrigin ?? 64,
    lookup: allowPrivate ? undefined : lookUpPublicAddress,
  });
  return {
    reserve: (url, wait) => pool.acquire(new URL(url).origin, wait),
    async post({ url, headers, body, timeoutMs, signal, permit: given }) {
      const { hostname, origin, pathname, search } = new URL(url);
      // A literal address is connected to without a DNS lookup, so it is checked here.
      if (!allowPrivate && isLiteralAddress(hostname) && !isPublicAddress(hostname)) {
        return { kind: 'failed', outcome: ADDRESS_NOT_ALLOWED };
      }
      const isReserved = given !== undefined && pool.isValid(given, origin);
      const permit = isReserved
        ? given
        : await pool.acquire(origin, { waitMs: MAX_UNRESERVED_WAIT_MS, signal });
      if (permit === null) return { kind: 'failed', outcome: NOT_SENT };
      const connection = pool.take(origin);
      try {
        const result = await exchange(connection, {
          path: pathname + search,
          headers: { 'content-type': 'application/json', 'user-agent': 'heliograph', ...headers },
          body,
          timeoutMs,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
          maxResponseBytes: MAX_RESPONSE_BYTES,
          signal,
        });
        if (result.kind === 'no-response') return { kind: 'failed', outcome: classifyFailure(result) };
        const { status, headers: answered, text, interruption } = result;
        return {
          kind: 'response',
          status,
          header: (name) => readFirst(answered[name]),
          text,
          bodyError: interruption === null ? null : { kind: 'uncertain', code: interruption },
        };
      } finally {
        pool.giveBack(origin, connection);
        if (!isReserved) permit.release();
      }
    },
    close: () => pool.close(),
  };
}

/** Derives the outcome from the HTTP status alone. `now` is in milliseconds since the epoch. */
export function classifyStatus(
  { status, header }: Pick<HttpResponse, 'status' | 'header'>,
  now: number,
  bodySeconds?: unknown,
): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', externalId: null, status };
  if (status === 429) return createRateLimitOutcome({ status, header }, now, bodySeconds);
  // Many providers send X-RateLimit-Reset with every response, so only Retry-After makes a 503 a rate limit.
  const retryAfterMs = status === 503 ? parseRetryDelay({ retryAfter: header('retry-after') }, now) : null;
  if (retryAfterMs !== null) return { kind: 'rate-limited', retryAfterMs, status };
  const rejected = { kind: 'rejected', status } as const;
  if (status === 408 || status === 425 || status >= 500)
    return { ...rejected, retryable: true, code: 'HTTP_STATUS' };
  if (status >= 300 && status < 400) return { ...rejected, retryable: false, code: 'REDIRECT_REFUSED' };
  if (status === 410) return { ...rejected, retryable: false, code: 'GONE' };
  if (status === 401 || status === 403) return { ...rejected, retryable: false, code: 'UNAUTHORIZED' };
  return { ...rejected, retryable: false, code: 'HTTP_STATUS' };
}

/** Creates the outcome of a rate limit, with the delay from the headers or the body; 1,000 ms if there is none. */
export function createRateLimitOutcome(
  { status, header }: Pick<HttpResponse, 'status' | 'header'>,
  now: number,
  bodySeconds?: unknown,
): Outcome {
  const waitMs = parseRetryDelay(
    { retryAfter: header('retry-after'), bodySeconds, rateLimitReset: header('x-ratelimit-reset') },
    now,
  );
  return { kind: 'rate-limited', retryAfterMs: waitMs ?? DEFAULT_RETRY_AFTER_MS, status };
}

const ADDRESS_NOT_ALLOWED: Outcome = {
  kind: 'rejected',
  retryable: false,
  code: 'ADDRESS_NOT_ALLOWED',
  status: null,
};

const NOT_SENT = { kind: 'rejected', retryable: true, code: 'NOT_SENT', status: null } as const;
const CONNECT_FAILED = { ...NOT_SENT, code: 'CONNECT_FAILED' } as const;

function classifyFailure({ phase, interruption, error }: NoResponse): Outcome {
  // An aborted attempt says nothing about the receiver, even if it was connecting.
  switch (phase) {
    case 'sent':
      return { kind: 'uncertain', code: interruption };
    case 'connecting':
      if (error instanceof AddressNotAllowedError) return ADDRESS_NOT_ALLOWED;
      return interruption === 'ABORTED' ? NOT_SENT : CONNECT_FAILED;
    case 'unsent':
      return NOT_SENT;
  }
}

function readFirst(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function isLiteralAddress(hostname: string): boolean {
  return hostname.startsWith('[') || isIPv4(hostname);
}
