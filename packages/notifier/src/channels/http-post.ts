import { Agent, request } from 'undici';
import type { Outcome } from '../contract.ts';
import { isPublicAddress, publicOnlyLookup } from './allowed-address.ts';
import { parseWait } from './retry-after.ts';

/** How a process posts to providers. */
export interface HttpPosterOptions {
  /** Allows loopback, private and link-local receivers; default false, since settings come from users. */
  readonly allowPrivateAddresses?: boolean | undefined;
  /** Most connections to one receiver; default 64. */
  readonly maxConnectionsPerOrigin?: number | undefined;
}

/** One POST. */
export interface HttpPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Longest time for connecting, sending and reading together, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a provider answered. */
export interface HttpAnswer {
  readonly kind: 'answered';
  readonly status: number;
  /** The first value of a header, by its name in lower case. */
  header(name: string): string | undefined;
  /** The body as text; empty where it is longer than 64 KiB or broke off. */
  readonly text: string;
  /** What the attempt comes to for a channel that needs the body, where it broke off; else null. */
  readonly brokenOff: Uncertain | null;
}

/** An outcome that leaves open whether the request arrived. */
export type Uncertain = Extract<Outcome, { readonly kind: 'uncertain' }>;

/** Posts to providers over kept connections. */
export interface HttpPoster {
  /** Posts once, follows no redirect and never throws for what a provider or a network does. */
  post(post: HttpPost): Promise<HttpAnswer | { readonly kind: 'failed'; readonly outcome: Outcome }>;
  close(): Promise<void>;
}

/** Wait after a 429 that names no time, in milliseconds. */
const DEFAULT_RETRY_AFTER_MS = 1000;
/** Most that is read of an answer, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Makes what channels over HTTP share: kept connections, one deadline, refused addresses, errors as outcomes. */
export function createHttpPoster(options: HttpPosterOptions): HttpPoster {
  const allowPrivate = options.allowPrivateAddresses ?? false;
  const agent = new Agent({
    connections: options.maxConnectionsPerOrigin ?? 64,
    keepAliveTimeout: 10_000,
    connect: { timeout: 5000, ...(allowPrivate ? {} : { lookup: publicOnlyLookup }) },
  });
  return {
    async post(given) {
      // A literal address is connected to without a lookup, so it is checked here.
      const { hostname } = new URL(given.url);
      if (!allowPrivate && isLiteralAddress(hostname) && !isPublicAddress(hostname)) {
        return { kind: 'failed', outcome: ADDRESS_NOT_ALLOWED };
      }
      return post(agent, given);
    },
    close: () => agent.close(),
  };
}

async function post(
  agent: Agent,
  { url, headers, body, timeoutMs, signal }: HttpPost,
): ReturnType<HttpPoster['post']> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const ended = () => ({ timedOut: deadline.aborted, aborted: signal?.aborted === true });
  try {
    const answer = await request(url, {
      method: 'POST',
      dispatcher: agent,
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      headers: { 'content-type': 'application/json', 'user-agent': 'heliograph', ...headers },
      body,
    });
    let text = '';
    let brokenOff: Uncertain | null = null;
    try {
      text = await readAtMost(answer.body, MAX_ANSWER_BYTES);
    } catch (error) {
      brokenOff = uncertainOutcome(error, ended());
    }
    return {
      kind: 'answered',
      status: answer.statusCode,
      header: (name) => firstOf(answer.headers[name]),
      text,
      brokenOff,
    };
  } catch (error) {
    return { kind: 'failed', outcome: failureOutcome(error, ended()) };
  }
}

/** What a status means where the provider's words say nothing more; `now` is in milliseconds since the epoch. */
export function outcomeOfStatus(
  { status, header }: Pick<HttpAnswer, 'status' | 'header'>,
  now: number,
  bodySeconds?: unknown,
): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', externalId: null, status };
  if (status === 429) return rateLimited({ status, header }, now, bodySeconds);
  // Many send a reset with every answer: only Retry-After makes a 503 a limit.
  const retryAfterMs = status === 503 ? parseWait({ retryAfter: header('retry-after') }, now) : null;
  if (retryAfterMs !== null) return { kind: 'rate-limited', retryAfterMs, status };
  const rejected = { kind: 'rejected', status } as const;
  if (status === 408 || status === 425 || status >= 500)
    return { ...rejected, retryable: true, code: 'HTTP_STATUS' };
  if (status >= 300 && status < 400) return { ...rejected, retryable: false, code: 'REDIRECT_REFUSED' };
  if (status === 410) return { ...rejected, retryable: false, code: 'GONE' };
  if (status === 401 || status === 403) return { ...rejected, retryable: false, code: 'UNAUTHORIZED' };
  return { ...rejected, retryable: false, code: 'HTTP_STATUS' };
}

/** The outcome of a limit, with the wait that header or body name, else 1,000 ms. */
export function rateLimited(
  { status, header }: Pick<HttpAnswer, 'status' | 'header'>,
  now: number,
  bodySeconds?: unknown,
): Outcome {
  const waitMs = parseWait(
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

const BEFORE_ANYTHING_WAS_SENT = new Set([
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

interface Ended {
  readonly timedOut: boolean;
  readonly aborted: boolean;
}

function failureOutcome(error: unknown, ended: Ended): Outcome {
  const code = errorCode(error);
  if (code === 'ADDRESS_NOT_ALLOWED') return ADDRESS_NOT_ALLOWED;
  if (code !== undefined && BEFORE_ANYTHING_WAS_SENT.has(code)) {
    return { kind: 'rejected', retryable: true, code: 'CONNECT_FAILED', status: null };
  }
  return uncertainOutcome(error, ended);
}

function uncertainOutcome(error: unknown, { timedOut, aborted }: Ended): Uncertain {
  // Whatever reason an abort was given, it is an abort: the error alone does not tell.
  if (aborted) return { kind: 'uncertain', code: 'ABORTED' };
  const code = errorCode(error);
  if (timedOut || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return { kind: 'uncertain', code: 'TIMEOUT' };
  }
  return { kind: 'uncertain', code: 'CONNECTION_LOST' };
}

/** The first code in an error and its causes, by shape: an error of another realm is no `instanceof Error`. */
function errorCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 4; depth++) {
    if ('errors' in at && Array.isArray(at.errors) && at.errors.length > 0) return errorCode(at.errors[0]);
    if ('code' in at && typeof at.code === 'string') return at.code;
    at = 'cause' in at ? at.cause : undefined;
  }
  return undefined;
}

async function readAtMost(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early destroys the stream, and with it the connection: no endless answer is read.
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limitBytes) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function isLiteralAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d+(?:\.\d+){3}$/.test(hostname);
}
