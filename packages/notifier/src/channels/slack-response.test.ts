import { expect, test } from '@jest/globals';
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
