import type { Outcome } from '../contract.ts';
import type { Channel, DeliveryRequest } from './channel.ts';
import { createHttpPoster, type HttpPoster, type HttpPosterOptions } from './http-poster.ts';
import { classifySlackResponse } from './slack-response.ts';
import { renderSlackMessage, slackWebhookSettings, type SlackWebhookSettings } from './slack-message.ts';

/** Options of the Slack incoming webhook channel. */
export interface SlackWebhookChannelOptions extends HttpPosterOptions {
  /**
   * Hosts that are allowed in addition to Slack's own, over https only. Include the port unless it is 443. Default none.
   */
  readonly allowedHosts?: readonly string[];
  /** Returns milliseconds since the epoch. Default: the system clock. */
  readonly now?: () => number;
}

const SLACK_HOSTS = ['hooks.slack.com', 'hooks.slack-gov.com'];
const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);
const WEBHOOK_PATH = /^\/services(?:\/[A-Za-z0-9_-]+){3}$/;
const MAX_URL_LENGTH = 512;

/**
 * Creates the channel for Slack incoming webhooks: one POST per notification to the webhook URL, which is the secret.
 * Slack returns no message id, so updates and resolves are new messages, a resend of a notification in doubt may appear
 * twice, and there is no `lookUp`. With `allowPrivateAddresses`, a webhook may also be on loopback, over http or https.
 */
export function createSlackWebhookChannel(
  options: SlackWebhookChannelOptions = {},
): Channel<typeof slackWebhookSettings> {
  const poster = createHttpPoster(options);
  const now = options.now ?? Date.now;
  const destinations: AllowedDestinations = {
    hosts: new Set([...SLACK_HOSTS, ...(options.allowedHosts ?? []).map((host) => host.toLowerCase())]),
    loopback: options.allowPrivateAddresses ?? false,
  };
  return {
    provider: 'slack-webhook',
    settings: slackWebhookSettings,
    bodySettings: ['labels', 'linkUrl'],
    checkSecret: (secret) =>
      parseWebhookUrl(secret, destinations) === null
        ? 'the secret of a Slack webhook must be its URL: https://hooks.slack.com/services/T…/B…/…'
        : null,
    async reserve({ secret, waitMs, signal }) {
      const url = parseWebhookUrl(secret, destinations);
      return url === null ? { release: () => undefined } : poster.reserve(url, { waitMs, signal });
    },
    deliver: (attempt) => deliver(attempt, destinations, poster, now),
    close: () => poster.close(),
  };
}

async function deliver(
  { notification, settings, secret, timeoutMs, signal, permit }: DeliveryRequest<SlackWebhookSettings>,
  destinations: AllowedDestinations,
  poster: HttpPoster,
  now: () => number,
): Promise<Outcome> {
  const url = parseWebhookUrl(secret, destinations);
  if (url === null) return { kind: 'rejected', retryable: false, code: 'SETTINGS_INVALID', status: null };
  const body = JSON.stringify(renderSlackMessage(notification, settings));
  const response = await poster.post({ url, headers: {}, body, timeoutMs, signal, permit });
  return response.kind === 'failed' ? response.outcome : classifySlackResponse(response, now());
}

interface AllowedDestinations {
  readonly hosts: ReadonlySet<string>;
  /** Whether a webhook may be on the local machine. */
  readonly loopback: boolean;
}

/** Parses the webhook URL; null if it is invalid. Anyone who has the URL can post, so errors must never quote it. */
function parseWebhookUrl(secret: string, { hosts, loopback }: AllowedDestinations): string | null {
  const text = secret.trim();
  // URL silently drops these characters; the stored secret must be the URL that is used.
  if (text.length > MAX_URL_LENGTH || /[\s\p{Control}\p{Surrogate}\\]/u.test(text) || !URL.canParse(text))
    return null;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return null;
  if (!WEBHOOK_PATH.test(url.pathname)) return null;
  if (url.protocol === 'https:' && hosts.has(url.host)) return url.href;
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  return isHttp && loopback && LOOPBACK_HOSTS.has(url.hostname) ? url.href : null;
}
