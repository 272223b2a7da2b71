import * as v from 'valibot';
import type { Outcome } from '../contract.ts';
import type { Channel, DeliveryRequest } from './channel.ts';
import { createHttpPoster, classifyStatus, type HttpPoster, type HttpPosterOptions } from './http-poster.ts';
import { renderWebhookBody } from './webhook-body.ts';
import { parseWebhookSecret, signWebhook } from './webhook-signature.ts';

/** Settings of a generic webhook. */
export const webhookSettings = v.strictObject({
  /** The URL to post to: http or https, without credentials. */
  url: v.pipe(
    v.string(),
    v.maxLength(2048),
    v.url(),
    v.check(isPlainHttpUrl, 'an http or https URL without credentials'),
  ),
  /** The body format. Default `heliograph/v1`. */
  format: v.optional(v.picklist(['heliograph/v1', 'alertmanager/v4']), 'heliograph/v1'),
});

/** Options of the generic webhook channel. */
export interface WebhookChannelOptions extends HttpPosterOptions {
  /** Returns milliseconds since the epoch. Default: the system clock. */
  readonly now?: () => number;
}

/**
 * Creates the generic webhook channel: one signed POST per delivery attempt, with the Standard Webhooks headers and
 * `idempotency-key`, both carrying the notification id. Any 2xx is delivered; a JSON response may contain `externalId`.
 * Redirects are not followed.
 */
export function createWebhookChannel(options: WebhookChannelOptions = {}): Channel<typeof webhookSettings> {
  const poster = createHttpPoster(options);
  const now = options.now ?? Date.now;
  return {
    provider: 'webhook',
    settings: webhookSettings,
    bodySettings: ['format'],
    checkSecret(secret) {
      const keys = parseWebhookSecret(secret);
      return typeof keys === 'string' ? keys : null;
    },
    reserve: ({ settings, waitMs, signal }) => poster.reserve(settings.url, { waitMs, signal }),
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
    permit,
  }: DeliveryRequest<v.InferOutput<typeof webhookSettings>>,
  poster: HttpPoster,
  now: () => number,
): Promise<Outcome> {
  const keys = parseWebhookSecret(secret);
  if (typeof keys === 'string')
    return { kind: 'rejected', retryable: false, code: 'SETTINGS_INVALID', status: null };
  const body = renderWebhookBody(notification, settings.format);
  const timestamp = Math.floor(now() / 1000);
  const response = await poster.post({
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
    permit,
  });
  if (response.kind === 'failed') return response.outcome;
  // The status decides: a body that cannot be read does not undo the delivery.
  const outcome = classifyStatus(response, now());
  return outcome.kind === 'delivered' ? { ...outcome, externalId: parseExternalId(response.text) } : outcome;
}

function parseExternalId(text: string): string | null {
  try {
    const parsed = v.safeParse(
      // A receiver must not be able to store characters that a database rejects or a terminal interprets.
      v.object({ externalId: v.pipe(v.string(), v.minLength(1), v.maxLength(256), v.regex(/^[^\p{C}]+$/u)) }),
      JSON.parse(text),
    );
    return parsed.success ? parsed.output.externalId : null;
  } catch {
    return null;
  }
}

function isPlainHttpUrl(text: string): boolean {
  // URL silently drops or escapes these characters; the stored setting must be the URL that is used.
  if (/[\s\p{Control}\p{Surrogate}]/u.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === ''
  );
}
