import type { Outcome } from '../contract.ts';
import type { Channel, DeliveryRequest } from './channel.ts';
import { createHttpPoster, type HttpPoster, type HttpPosterOptions } from './http-post.ts';
import { slackOutcome } from './slack-answer.ts';
import { renderSlackMessage, slackWebhookSettings, type SlackWebhookSettings } from './slack-message.ts';

/** How a process runs its Slack incoming webhooks. */
export interface SlackWebhookChannelOptions extends HttpPosterOptions {
  /** Hosts, each with its port unless that is 443, that a webhook may be on besides Slack's own; https only; default none. */
  readonly allowedHosts?: readonly string[];
  /** Milliseconds since the epoch; default the system's clock. */
  readonly now?: () => number;
}

const SLACK_HOSTS = ['hooks.slack.com', 'hooks.slack-gov.com'];
const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);
const WEBHOOK_PATH = /^\/services(?:\/[A-Za-z0-9_-]+){3}$/;
const MAX_URL = 512;

/**
 * Slack's incoming webhooks: one POST per notification to the address that is the secret. Slack names no message, so
 * updates and resolves are messages of their own, a resend after an `uncertain` outcome may show twice, and there is
 * no `lookUp`. With `allowPrivateAddresses` a webhook may also be on loopback, there also over http.
 */
export function createSlackWebhookChannel(
  options: SlackWebhookChannelOptions = {},
): Channel<typeof slackWebhookSettings> {
  const poster = createHttpPoster(options);
  const now = options.now ?? Date.now;
  const places: AllowedPlaces = {
    hosts: new Set([...SLACK_HOSTS, ...(options.allowedHosts ?? []).map((host) => host.toLowerCase())]),
    loopback: options.allowPrivateAddresses ?? false,
  };
  return {
    provider: 'slack-webhook',
    settings: slackWebhookSettings,
    checkSecret: (secret) =>
      webhookUrlIn(secret, places) === null
        ? 'the secret of a Slack webhook is its address, written https://hooks.slack.com/services/T…/B…/…'
        : null,
    deliver: (attempt) => deliver(attempt, places, poster, now),
    close: () => poster.close(),
  };
}

async function deliver(
  { notification, settings, secret, timeoutMs, signal }: DeliveryRequest<SlackWebhookSettings>,
  places: AllowedPlaces,
  poster: HttpPoster,
  now: () => number,
): Promise<Outcome> {
  const url = webhookUrlIn(secret, places);
  if (url === null) return { kind: 'rejected', retryable: false, code: 'SETTINGS_INVALID', status: null };
  const body = JSON.stringify(renderSlackMessage(notification, settings));
  const answer = await poster.post({ url, headers: {}, body, timeoutMs, signal });
  return answer.kind === 'failed' ? answer.outcome : slackOutcome(answer, now());
}

interface AllowedPlaces {
  readonly hosts: ReadonlySet<string>;
  /** Whether a webhook may be on this machine. */
  readonly loopback: boolean;
}

/** The address in a secret, or null: whoever has it may post, so nothing that fails is ever quoted. */
function webhookUrlIn(secret: string, { hosts, loopback }: AllowedPlaces): string | null {
  const text = secret.trim();
  // A URL drops these silently; what is stored has to be what is meant.
  if (text.length > MAX_URL || /[\s\p{Control}\p{Surrogate}\\]/u.test(text) || !URL.canParse(text))
    return null;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return null;
  if (!WEBHOOK_PATH.test(url.pathname)) return null;
  if (url.protocol === 'https:' && hosts.has(url.host)) return url.href;
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  return isHttp && loopback && LOOPBACK_HOSTS.has(url.hostname) ? url.href : null;
}
