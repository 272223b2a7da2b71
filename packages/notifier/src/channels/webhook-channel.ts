import * as v from 'valibot';
import { Agent, request } from 'undici';
import type { Outcome } from '../contract.ts';
import { isPublicAddress, publicOnlyLookup } from './allowed-address.ts';
import type { Channel, DeliveryRequest } from './channel.ts';
import { parseRetryAfter } from './retry-after.ts';
import { renderWebhookBody } from './webhook-body.ts';
import { parseWebhookSecret, signWebhook } from './webhook-signature.ts';

/** Settings of a generic webhook. */
export const webhookSettings = v.strictObject({
  /** Where notifications are posted: http or https, without user name and password. */
  url: v.pipe(
    v.string(),
    v.maxLength(2048),
    v.url(),
    v.check(isPlainHttpUrl, 'an http or https address without credentials'),
  ),
  /** The body; default `heliograph/v1`. */
  format: v.optional(v.picklist(['heliograph/v1', 'alertmanager/v4']), 'heliograph/v1'),
});

/** How a process runs its generic webhooks. */
export interface WebhookChannelOptions {
  /** Allows loopback, private and link-local receivers; default false, since settings come from users. */
  readonly allowPrivateAddresses?: boolean;
  /** Most connections to one receiver; default 64. */
  readonly maxConnectionsPerOrigin?: number;
  /** Milliseconds since the epoch; default the system's clock. */
  readonly now?: () => number;
}

/** Wait after a 429 or 503 that names no time, in milliseconds. */
const DEFAULT_RETRY_AFTER_MS = 1000;
/** Most that is read of an answer, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * The generic webhook: one signed POST per notification (Standard Webhooks headers, and `idempotency-key` with
 * the same stable id). Any 2xx is delivered, and a JSON answer may name `externalId`. Redirects are refused.
 */
export function createWebhookChannel(options: WebhookChannelOptions = {}): Channel<typeof webhookSettings> {
  const allowPrivate = options.allowPrivateAddresses ?? false;
  const now = options.now ?? Date.now;
  const agent = new Agent({
    connections: options.maxConnectionsPerOrigin ?? 64,
    keepAliveTimeout: 10_000,
    connect: { timeout: 5000, ...(allowPrivate ? {} : { lookup: publicOnlyLookup }) },
  });
  return {
    provider: 'webhook',
    settings: webhookSettings,
    checkSecret(secret) {
      const keys = parseWebhookSecret(secret);
      return typeof keys === 'string' ? keys : null;
    },
    deliver: (attempt) => deliver(attempt, { agent, allowPrivate, now }),
    close: () => agent.close(),
  };
}

interface Shell {
  readonly agent: Agent;
  readonly allowPrivate: boolean;
  readonly now: () => number;
}

async function deliver(
  {
    notification,
    settings,
    secret,
    timeoutMs,
    signal,
  }: DeliveryRequest<v.InferOutput<typeof webhookSettings>>,
  { agent, allowPrivate, now }: Shell,
): Promise<Outcome> {
  const keys = parseWebhookSecret(secret);
  if (typeof keys === 'string')
    return { kind: 'rejected', retryable: false, code: 'SETTINGS_INVALID', status: null };
  // A literal address is connected to without a lookup, so it is checked here.
  const { hostname } = new URL(settings.url);
  if (!allowPrivate && isLiteralAddress(hostname) && !isPublicAddress(hostname)) {
    return { kind: 'rejected', retryable: false, code: 'ADDRESS_NOT_ALLOWED', status: null };
  }
  const body = renderWebhookBody(notification, settings.format);
  const timestamp = Math.floor(now() / 1000);
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await request(settings.url, {
      method: 'POST',
      dispatcher: agent,
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'heliograph',
        'webhook-id': notification.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signWebhook(keys, notification.id, timestamp, body),
        'idempotency-key': notification.id,
      },
      body,
    });
    const outcome = outcomeOf(answer.statusCode, header(answer.headers['retry-after']), now());
    // The status is the answer: a body that breaks off afterwards cannot take a delivery back.
    const text = await readAtMost(answer.body, MAX_ANSWER_BYTES).catch(() => '');
    return outcome.kind === 'delivered' ? { ...outcome, externalId: externalIdIn(text) } : outcome;
  } catch (error) {
    return failureOutcome(error, { timedOut: deadline.aborted, aborted: signal?.aborted === true });
  }
}

function outcomeOf(status: number, retryAfter: string | undefined, now: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', externalId: null, status };
  const waitMs = parseRetryAfter(retryAfter, now);
  if (status === 429 || (status === 503 && waitMs !== null)) {
    return { kind: 'rate-limited', retryAfterMs: waitMs ?? DEFAULT_RETRY_AFTER_MS, status };
  }
  const rejected = { kind: 'rejected', status } as const;
  if (status === 408 || status === 425 || status >= 500)
    return { ...rejected, retryable: true, code: 'HTTP_STATUS' };
  if (status >= 300 && status < 400) return { ...rejected, retryable: false, code: 'REDIRECT_REFUSED' };
  if (status === 410) return { ...rejected, retryable: false, code: 'GONE' };
  if (status === 401 || status === 403) return { ...rejected, retryable: false, code: 'UNAUTHORIZED' };
  return { ...rejected, retryable: false, code: 'HTTP_STATUS' };
}

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

function failureOutcome(
  error: unknown,
  { timedOut, aborted }: { readonly timedOut: boolean; readonly aborted: boolean },
): Outcome {
  const code = errorCode(error);
  if (code === 'ADDRESS_NOT_ALLOWED') {
    return { kind: 'rejected', retryable: false, code: 'ADDRESS_NOT_ALLOWED', status: null };
  }
  if (code !== undefined && BEFORE_ANYTHING_WAS_SENT.has(code)) {
    return { kind: 'rejected', retryable: true, code: 'CONNECT_FAILED', status: null };
  }
  // Whatever reason an abort was given, it is an abort: the error alone does not tell.
  if (aborted) return { kind: 'uncertain', code: 'ABORTED' };
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

function externalIdIn(text: string): string | null {
  try {
    const parsed = v.safeParse(
      v.object({ externalId: v.pipe(v.string(), v.minLength(1), v.maxLength(256)) }),
      JSON.parse(text),
    );
    return parsed.success ? parsed.output.externalId : null;
  } catch {
    return null;
  }
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

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function isLiteralAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d+(?:\.\d+){3}$/.test(hostname);
}

function isPlainHttpUrl(text: string): boolean {
  // A URL drops or escapes these silently; what is stored has to be what is meant.
  if (/[\s\p{Control}\p{Surrogate}]/u.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === ''
  );
}
