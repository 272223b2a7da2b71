import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { slackOutcome } from './slack-answer.ts';

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

test('any answer is one outcome: delivered only for ok under a 2xx, and in no words but known ones', () => {
  fc.assert(
    fc.property(status, text, header, (given, body, retryAfter) => {
      const outcome = slackOutcome(
        { kind: 'answered', status: given, header: () => retryAfter, text: body, brokenOff: null },
        0,
      );
      if (outcome.kind === 'delivered') {
        expect(given).toBeLessThan(300);
        expect(body.trim() === 'ok' || (JSON.parse(body) as { ok: unknown }).ok === true).toBe(true);
      }
      if (outcome.kind === 'rate-limited') expect(outcome.retryAfterMs).toBeGreaterThanOrEqual(0);
      if (outcome.kind === 'rejected' && outcome.providerCode !== undefined)
        expect(outcome.providerCode).toMatch(/^[a-z_]{5,40}$/);
    }),
    { numRuns: 500 },
  );
});

test('an answer that broke off is what the break stands for only where its words would have counted', () => {
  const answer = { kind: 'answered', header: () => undefined, text: '' } as const;
  const brokenOff = { kind: 'uncertain', code: 'CONNECTION_LOST' } as const;
  expect(slackOutcome({ ...answer, status: 200, brokenOff }, 0)).toEqual(brokenOff);
  expect(slackOutcome({ ...answer, status: 503, brokenOff }, 0)).toMatchObject({
    kind: 'rejected',
    retryable: true,
  });
});
