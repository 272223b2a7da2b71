import type { Outcome, OutcomeCode } from '../contract.ts';
import { outcomeOfStatus, rateLimited, type HttpAnswer } from './http-post.ts';

type WordMeaning =
  | { readonly kind: 'rejected'; readonly retryable: boolean; readonly code: OutcomeCode }
  | { readonly kind: 'rate-limited' }
  | { readonly kind: 'uncertain' };

const refusedPayload: WordMeaning = { kind: 'rejected', retryable: false, code: 'PAYLOAD_REFUSED' };
const gone: WordMeaning = { kind: 'rejected', retryable: false, code: 'GONE' };
const unauthorized: WordMeaning = { kind: 'rejected', retryable: false, code: 'UNAUTHORIZED' };
const passing: WordMeaning = { kind: 'rejected', retryable: true, code: 'PROVIDER_ERROR' };
const limited: WordMeaning = { kind: 'rate-limited' };

/** The error words of incoming webhooks and, where a 200 carries `ok: false`, of the Web API. */
const WORDS: ReadonlyMap<string, WordMeaning> = new Map<string, WordMeaning>([
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
  ['rollup_error', passing],
  ['internal_error', passing],
  ['service_unavailable', passing],
  ['request_timeout', passing],
  ['ratelimited', limited],
  ['rate_limited', limited],
  ['message_limit_exceeded', limited],
  ['fatal_error', { kind: 'uncertain' }],
]);

/**
 * What an answer of an incoming webhook means: `ok` is delivered, a known error word decides whatever the status is,
 * an unknown one leaves it to the status. A 2xx that says neither is `uncertain`: something in between may have
 * answered. `now` is in milliseconds since the epoch.
 */
export function slackOutcome(answer: HttpAnswer, now: number): Outcome {
  const { status, text, brokenOff } = answer;
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && brokenOff !== null) return brokenOff;
  const said = readAnswer(text);
  if (isSuccess && said.ok) return { kind: 'delivered', externalId: null, status };
  const meaning = said.word === null || status === 429 ? undefined : WORDS.get(said.word);
  if (said.word === null || meaning === undefined) {
    if (!isSuccess) return outcomeOfStatus(answer, now, said.retryAfter);
    // A refusal in a word that is not known stays a refusal.
    return said.refused
      ? { kind: 'rejected', retryable: false, code: 'PROVIDER_ERROR', status }
      : { kind: 'uncertain', code: 'UNEXPECTED_ANSWER' };
  }
  switch (meaning.kind) {
    case 'rejected':
      return { ...meaning, status, providerCode: said.word };
    case 'rate-limited':
      return rateLimited(answer, now, said.retryAfter);
    case 'uncertain':
      return { kind: 'uncertain', code: 'PARTIAL_FAILURE' };
  }
}

interface Said {
  readonly ok: boolean;
  readonly refused: boolean;
  readonly word: string | null;
  /** Seconds, if it is a number at all. */
  readonly retryAfter: unknown;
}

function readAnswer(text: string): Said {
  const trimmed = text.trim();
  const plain: Said = { ok: trimmed === 'ok', refused: false, word: null, retryAfter: undefined };
  if (WORDS.has(trimmed)) return { ...plain, refused: true, word: trimmed };
  const parsed = parseObject(trimmed);
  if (parsed === null) return plain;
  const error = 'error' in parsed && typeof parsed.error === 'string' ? parsed.error : null;
  const ok = 'ok' in parsed ? parsed.ok : undefined;
  return {
    ok: ok === true,
    refused: ok === false,
    word: ok === true ? null : error,
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
