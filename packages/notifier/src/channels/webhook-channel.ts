import * as v from 'valibot';
import type { Outcome } from '../contract.ts';
import type { Channel, DeliveryRequest } from './channel.ts';
import { createHttpPoster, outcomeOfStatus, type HttpPoster, type HttpPosterOptions } from './http-post.ts';
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
export interface WebhookChannelOptions extends HttpPosterOptions {
  /** Milliseconds since the epoch; default the system's clock. */
  readonly now?: () => number;
}

/**
 * The generic webhook: one signed POST per notification (Standard Webhooks headers, and `idempotency-key` with
 * the same stable id). Any 2xx is delivered, and a JSON answer may name `externalId`. Redirects are refused.
 */
export function createWebhookChannel(options: WebhookChannelOptions = {}): Channel<typeof webhookSettings> {
  const poster = createHttpPoster(options);
  const now = options.now ?? Date.now;
  return {
    provider: 'webhook',
    settings: webhookSettings,
    checkSecret(secret) {
      const keys = parseWebhookSecret(secret);
      return typeof keys === 'string' ? keys : null;
    },
    deliver: (attempt) => deliver(attempt, poster, now),
    close: () => poster.close(),
  };
}

async function deliver(
  {
    notification,
    settings,
    secret,
    timeoutMs,
    signal,
  }: DeliveryRequest<v.InferOutput<typeof webhookSettings>>,
  poster: HttpPoster,
  now: () => number,
): Promise<Outcome> {
  const keys = parseWebhookSecret(secret);
  if (typeof keys === 'string')
    return { kind: 'rejected', retryable: false, code: 'SETTINGS_INVALID', status: null };
  const body = renderWebhookBody(notification, settings.format);
  const timestamp = Math.floor(now() / 1000);
  const answer = await poster.post({
    url: settings.url,
    headers: {
      'webhook-id': notification.id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signWebhook(keys, notification.id, timestamp, body),
      'idempotency-key': notification.id,
    },
    body,
    timeoutMs,
    signal,
  });
  if (answer.kind === 'failed') return answer.outcome;
  // The status is the answer: a body that breaks off afterwards cannot take a delivery back.
  const outcome = outcomeOfStatus(answer, now());
  return outcome.kind === 'delivered' ? { ...outcome, externalId: externalIdIn(answer.text) } : outcome;
}

function externalIdIn(text: string): string | null {
  try {
    const parsed = v.safeParse(
      // A receiver must not put into our rows what a database does not take, or a terminal obeys.
      v.object({ externalId: v.pipe(v.string(), v.minLength(1), v.maxLength(256), v.regex(/^[^\p{C}]+$/u)) }),
      JSON.parse(text),
    );
    return parsed.success ? parsed.output.externalId : null;
  } catch {
    return null;
  }
}

function isPlainHttpUrl(text: string): boolean {
  // A URL drops or escapes these silently; what is stored has to be what is meant.
  if (/[\s\p{Control}\p{Surrogate}]/u.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === ''
  );
}
