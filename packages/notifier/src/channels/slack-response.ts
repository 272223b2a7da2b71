import type { Outcome, OutcomeCode } from '../contract.ts';
import { classifyStatus, createRateLimitOutcome, type HttpResponse } from './http-poster.ts';

type ErrorMeaning =
  | { readonly kind: 'rejected'; readonly retryable: boolean; readonly code: OutcomeCode }
  | { readonly kind: 'rate-limited' }
  | { readonly kind: 'uncertain' };

const refusedPayload: ErrorMeaning = { kind: 'rejected', retryable: false, code: 'PAYLOAD_REFUSED' };
const gone: ErrorMeaning = { kind: 'rejected', retryable: false, code: 'GONE' };
const unauthorized: ErrorMeaning = { kind: 'rejected', retryable: false, code: 'UNAUTHORIZED' };
const transient: ErrorMeaning = { kind: 'rejected', retryable: true, code: 'PROVIDER_ERROR' };
const rateLimited: ErrorMeaning = { kind: 'rate-limited' };

/** The error codes of incoming webhooks and, for a 200 with `ok: false`, of the Web API. */
const ERROR_CODES: ReadonlyMap<string, ErrorMeaning> = new Map<string, ErrorMeaning>([
  ['invalid_payload', refusedPayload],
  ['no_text', refusedPayload],
  ['invalid_blocks', refusedPayload],
  ['invalid_attachments', refusedPayload],
  ['msg_too_long', refusedPayload],
  ['msg_blocks_too_long', refusedPayload],
  ['too_many_attachments', refusedPayload],
  ['user_not_found', gone],
  ['channel_not_found', gone],
  ['channel_is_archived', gone],
  ['is_archived', gone],
  ['no_service', gone],
  ['no_service_id', gone],
  ['no_active_hooks', gone],
  ['no_team', gone],
  ['team_disabled', gone],
  ['action_prohibited', unauthorized],
  ['posting_to_general_channel_denied', unauthorized],
  ['invalid_token', unauthorized],
  ['invalid_auth', unauthorized],
  ['not_authed', unauthorized],
  ['token_revoked', unauthorized],
  ['token_expired', unauthorized],
  ['account_inactive', unauthorized],
  ['missing_scope', unauthorized],
  ['no_permission', unauthorized],
  ['not_in_channel', unauthorized],
  ['restricted_action', unauthorized],
  ['rollup_error', transient],
  ['internal_error', transient],
  ['service_unavailable', transient],
  ['request_timeout', transient],
  ['ratelimited', rateLimited],
  ['rate_limited', rateLimited],
  ['message_limit_exceeded', rateLimited],
  ['fatal_error', { kind: 'uncertain' }],
]);

/**
 * Derives the outcome from the response of an incoming webhook. `ok` is delivered; a known error code takes precedence
 * over the status, except over a 429; otherwise the status decides. A 2xx with neither `ok` nor an error is `uncertain`,
 * because a proxy may have answered instead of Slack. `now` is in milliseconds since the epoch.
 */
export function classifySlackResponse(response: HttpResponse, now: number): Outcome {
  const { status, text, bodyError } = response;
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && bodyError !== null) return bodyError;
  const reply = parseReply(text);
  if (isSuccess && reply.isOk) return { kind: 'delivered', externalId: null, status };
  const meaning = reply.error === null || status === 429 ? undefined : ERROR_CODES.get(reply.error);
  if (reply.error === null || meaning === undefined) {
    if (!isSuccess) return classifyStatus(response, now, reply.retryAfter);
    // An error with an unknown code is still an error.
    return reply.isRefused
      ? { kind: 'rejected', retryable: false, code: 'PROVIDER_ERROR', status }
      : { kind: 'uncertain', code: 'UNEXPECTED_ANSWER' };
  }
  switch (meaning.kind) {
    case 'rejected':
      return { ...meaning, status, providerCode: reply.error };
    case 'rate-limited':
      return createRateLimitOutcome(response, now, reply.retryAfter);
    case 'uncertain':
      return { kind: 'uncertain', code: 'PARTIAL_FAILURE' };
  }
}

interface SlackReply {
  readonly isOk: boolean;
  readonly isRefused: boolean;
  readonly error: string | null;
  /** Not validated; seconds if it is a number. */
  readonly retryAfter: unknown;
}

function parseReply(text: string): SlackReply {
  const trimmed = text.trim();
  const plain: SlackReply = { isOk: trimmed === 'ok', isRefused: false, error: null, retryAfter: undefined };
  if (ERROR_CODES.has(trimmed)) return { ...plain, isRefused: true, error: trimmed };
  const parsed = parseObject(trimmed);
  if (parsed === null) return plain;
  const error = 'error' in parsed && typeof parsed.error === 'string' ? parsed.error : null;
  const ok = 'ok' in parsed ? parsed.ok : undefined;
  return {
    isOk: ok === true,
    isRefused: ok === false,
    error: ok === true ? null : error,
    retryAfter: 'retry_after' in parsed ? parsed.retry_after : undefined,
  };
}

function parseObject(text: string): object | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' ? parsed : null;
  } catch {
    return null;
  }
}
