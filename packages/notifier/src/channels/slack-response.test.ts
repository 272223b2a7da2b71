import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { classifySlackResponse } from './slack-response.ts';

const words = [
  'ok',
  'no_service',
  'invalid_token',
  'rollup_error',
  'fatal_error',
  'rate_limited',
  'toString',
];
const status = fc.integer({ min: 200, max: 599 });
const text = fc.oneof(
  fc.constantFrom(...words),
  fc.string(),
  fc.json(),
  fc
    .record({
      ok: fc.boolean(),
      error: fc.oneof(fc.constantFrom(...words), fc.string()),
      retry_after: fc.anything(),
    })
    .map((value) => JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? null : part))),
);
const header = fc.option(fc.string(), { nil: undefined });

/** A response without headers. */
const respond = (code: number, body: string) =>
  classifySlackResponse(
    { kind: 'response', status: code, header: () => undefined, text: body, bodyError: null },
    0,
  );

describe('an error code of Slack', () => {
  const meanings: Readonly<Record<string, readonly [object, string]>> = {
    'the payload is refused': [
      { kind: 'rejected', retryable: false, code: 'PAYLOAD_REFUSED' },
      `invalid_payload no_text invalid_blocks invalid_attachments msg_too_long msg_blocks_too_long
       too_many_attachments`,
    ],
    'the channel or the workspace is gone': [
      { kind: 'rejected', retryable: false, code: 'GONE' },
      `user_not_found channel_not_found channel_is_archived is_archived no_service no_service_id no_active_hooks
       no_team team_disabled`,
    ],
    'nobody may post': [
      { kind: 'rejected', retryable: false, code: 'UNAUTHORIZED' },
      `action_prohibited posting_to_general_channel_denied invalid_token invalid_auth not_authed token_revoked
       token_expired account_inactive missing_scope no_permission not_in_channel restricted_action`,
    ],
    'Slack is in trouble': [
      { kind: 'rejected', retryable: true, code: 'PROVIDER_ERROR' },
      'rollup_error internal_error service_unavailable request_timeout',
    ],
    'too many messages': [
      { kind: 'rate-limited', retryAfterMs: 1000 },
      'ratelimited rate_limited message_limit_exceeded',
    ],
    'a part may have been posted': [{ kind: 'uncertain', code: 'PARTIAL_FAILURE' }, 'fatal_error'],
  };
  const cases = Object.entries(meanings).flatMap(([meaning, [outcome, codes]]) =>
    codes.split(/\s+/).map((code): [string, string, object] => [code, meaning, outcome]),
  );

  test.each(cases)('%s: %s, as a text and as JSON', (code, _, outcome) => {
    const answers = [respond(400, `${code}\n`), respond(200, JSON.stringify({ ok: false, error: code }))];
    const isRejected = 'retryable' in outcome;
    for (const [index, answer] of answers.entries()) {
      const at = index === 0 ? 400 : 200;
      const more = isRejected
        ? { status: at, providerCode: code }
        : 'retryAfterMs' in outcome
          ? { status: at }
          : {};
      expect(answer).toEqual({ ...outcome, ...more });
    }
  });
});

test.each<[number, string, object]>([
  [200, ' ok\n', { kind: 'delivered', externalId: null, status: 200 }],
  [299, '{"ok":true}', { kind: 'delivered', externalId: null, status: 299 }],
  // What says ok is ok, whatever else it says.
  [200, '{"ok":true,"error":"no_service"}', { kind: 'delivered', externalId: null, status: 200 }],
  [300, 'ok', { kind: 'rejected', retryable: false, code: 'REDIRECT_REFUSED', status: 300 }],
  [199, 'ok', { kind: 'rejected', retryable: false, code: 'HTTP_STATUS', status: 199 }],
  // A 429 is a rate limit, whatever its text says.
  [429, 'no_service', { kind: 'rate-limited', retryAfterMs: 1000, status: 429 }],
  [429, '{"ok":false,"retry_after":7}', { kind: 'rate-limited', retryAfterMs: 7000, status: 429 }],
  [
    200,
    '{"ok":false,"error":"ratelimited","retry_after":7}',
    { kind: 'rate-limited', retryAfterMs: 7000, status: 200 },
  ],
  [200, '{"ok":false}', { kind: 'rejected', retryable: false, code: 'PROVIDER_ERROR', status: 200 }],
  [
    200,
    '{"ok":false,"error":7}',
    { kind: 'rejected', retryable: false, code: 'PROVIDER_ERROR', status: 200 },
  ],
  [200, '{"error":"new_word"}', { kind: 'uncertain', code: 'UNEXPECTED_ANSWER' }],
  [200, 'null', { kind: 'uncertain', code: 'UNEXPECTED_ANSWER' }],
  [200, '"ok"', { kind: 'uncertain', code: 'UNEXPECTED_ANSWER' }],
  [200, 'new_word', { kind: 'uncertain', code: 'UNEXPECTED_ANSWER' }],
])('%d %j is %j', (code, body, outcome) => {
  expect(respond(code, body)).toEqual(outcome);
});

test('any response has an outcome: delivered only for a 2xx with ok, and providerCode is a known code', () => {
  fc.assert(
    fc.property(status, text, header, (code, body, retryAfter) => {
      const outcome = classifySlackResponse(
        { kind: 'response', status: code, header: () => retryAfter, text: body, bodyError: null },
        0,
      );
      if (outcome.kind === 'delivered') {
        expect(code).toBeLessThan(300);
        expect(body.trim() === 'ok' || (JSON.parse(body) as { ok: unknown }).ok === true).toBe(true);
      }
      if (outcome.kind === 'rate-limited') expect(outcome.retryAfterMs).toBeGreaterThanOrEqual(0);
      if (outcome.kind === 'rejected' && outcome.providerCode !== undefined)
        expect(outcome.providerCode).toMatch(/^[a-z_]{5,40}$/);
    }),
    { numRuns: 500 },
  );
});

test('an interrupted body decides the outcome only if the body would have decided it', () => {
  const response = { kind: 'response', header: () => undefined, text: '' } as const;
  const bodyError = { kind: 'uncertain', code: 'CONNECTION_LOST' } as const;
  expect(classifySlackResponse({ ...response, status: 200, bodyError }, 0)).toEqual(bodyError);
  expect(classifySlackResponse({ ...response, status: 503, bodyError }, 0)).toMatchObject({
    kind: 'rejected',
    retryable: true,
  });
});
