import { Agent, request } from 'undici';
import type { Outcome } from '../contract.ts';
import { isPublicAddress, lookUpPublicAddress } from './is-public-address.ts';
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
  /** The maximum total time to connect, send and read the response, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
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
  /** Sends one request and follows no redirect. Provider and network failures are outcomes, never exceptions. */
  post(post: HttpPost): Promise<HttpResponse | { readonly kind: 'failed'; readonly outcome: Outcome }>;
  close(): Promise<void>;
}

/** The wait after a 429 without a usable delay, in milliseconds. */
const DEFAULT_RETRY_AFTER_MS = 1000;
/** The maximum size of a response body, in bytes. */
const MAX_RESPONSE_BYTES = 64 * 1024;

/** Creates what all HTTP channels share: a connection pool, one deadline per attempt, address checks, errors as outcomes. */
export function createHttpPoster(options: HttpPosterOptions): HttpPoster {
  const allowPrivate = options.allowPrivateAddresses ?? false;
  const agent = new Agent({
    connections: options.maxConnectionsPerOrigin ?? 64,
    keepAliveTimeout: 10_000,
    connect: { timeout: 5000, ...(allowPrivate ? {} : { lookup: lookUpPublicAddress }) },
  });
  return {
    async post(attempt) {
      // A literal address is connected to without a DNS lookup, so it is checked here.
      const { hostname } = new URL(attempt.url);
      if (!allowPrivate && isLiteralAddress(hostname) && !isPublicAddress(hostname)) {
        return { kind: 'failed', outcome: ADDRESS_NOT_ALLOWED };
      }
      return sendPost(agent, attempt);
    },
    close: () => agent.close(),
  };
}

async function sendPost(
  agent: Agent,
  { url, headers, body, timeoutMs, signal }: HttpPost,
): ReturnType<HttpPoster['post']> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const describeInterruption = () => ({ isTimeout: deadline.aborted, isAborted: signal?.aborted === true });
  try {
    const response = await request(url, {
      method: 'POST',
      dispatcher: agent,
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      headers: { 'content-type': 'application/json', 'user-agent': 'heliograph', ...headers },
      body,
    });
    let text = '';
    let bodyError: UncertainOutcome | null = null;
    try {
      text = await readAtMost(response.body, MAX_RESPONSE_BYTES);
    } catch (error) {
      bodyError = classifyInterruption(error, describeInterruption());
    }
    return {
      kind: 'response',
      status: response.statusCode,
      header: (name) => readFirst(response.headers[name]),
      text,
      bodyError,
    };
  } catch (error) {
    return { kind: 'failed', outcome: classifyFailure(error, describeInterruption()) };
  }
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

const CONNECT_ERROR_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

interface Interruption {
  readonly isTimeout: boolean;
  readonly isAborted: boolean;
}

function classifyFailure(error: unknown, interruption: Interruption): Outcome {
  const code = findErrorCode(error);
  if (code === 'ADDRESS_NOT_ALLOWED') return ADDRESS_NOT_ALLOWED;
  if (code !== undefined && CONNECT_ERROR_CODES.has(code)) {
    return { kind: 'rejected', retryable: true, code: 'CONNECT_FAILED', status: null };
  }
  return classifyInterruption(error, interruption);
}

function classifyInterruption(error: unknown, { isTimeout, isAborted }: Interruption): UncertainOutcome {
  // The error is whatever reason the caller aborted with, so only the signal identifies an abort.
  if (isAborted) return { kind: 'uncertain', code: 'ABORTED' };
  const code = findErrorCode(error);
  if (isTimeout || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return { kind: 'uncertain', code: 'TIMEOUT' };
  }
  return { kind: 'uncertain', code: 'CONNECTION_LOST' };
}

/** Finds the first code in an error and its causes by shape, because `instanceof Error` fails across realms. */
function findErrorCode(error: unknown): string | undefined {
  for (
    let current = error, depth = 0;
    typeof current === 'object' && current !== null && depth < 4;
    depth++
  ) {
    if ('errors' in current && Array.isArray(current.errors) && current.errors.length > 0)
      return findErrorCode(current.errors[0]);
    if ('code' in current && typeof current.code === 'string') return current.code;
    current = 'cause' in current ? current.cause : undefined;
  }
  return undefined;
}

async function readAtMost(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Returning early destroys the stream and closes the connection, so an endless body is never read.
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limitBytes) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readFirst(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function isLiteralAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d+(?:\.\d+){3}$/.test(hostname);
}
