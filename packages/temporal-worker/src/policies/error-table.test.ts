import { expect, test } from '@jest/globals';
import { ERROR_TABLE, errorTypeOf, NON_RETRYABLE_TYPES } from './error-table.ts';

test('what a repeat does not change is not retried, and what ends by itself is', () => {
  expect(NON_RETRYABLE_TYPES).toEqual([
    'INVALID_INPUT',
    'NOT_AUTHORIZED',
    'NOT_FOUND',
    'BUSINESS_RULE',
    'IDEMPOTENCY_MISMATCH',
    'IN_DOUBT',
  ]);
  expect(ERROR_TABLE.filter(({ isRetryable }) => isRetryable).map(({ type }) => type)).toEqual([
    'UNAVAILABLE',
    'RATE_LIMITED',
    'TIMED_OUT',
    'CONFLICT',
  ]);
});

test('every type is listed once, in the form of a code', () => {
  const types = ERROR_TABLE.map(({ type }) => type);
  expect(new Set(types).size).toBe(types.length);
  for (const type of types) expect(type).toMatch(/^[A-Z][A-Z_]+$/);
});

test.each([
  [200, null],
  [302, null],
  [400, 'INVALID_INPUT'],
  [401, 'NOT_AUTHORIZED'],
  [402, 'NOT_AUTHORIZED'],
  [403, 'NOT_AUTHORIZED'],
  [404, 'NOT_FOUND'],
  [408, 'TIMED_OUT'],
  [409, 'CONFLICT'],
  [410, 'NOT_FOUND'],
  [412, 'CONFLICT'],
  [413, 'INVALID_INPUT'],
  [422, 'INVALID_INPUT'],
  [423, 'CONFLICT'],
  [425, 'UNAVAILABLE'],
  [429, 'RATE_LIMITED'],
  [500, 'UNAVAILABLE'],
  [501, 'INVALID_INPUT'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'TIMED_OUT'],
] as const)('%d stands for %s', (status, type) => {
  expect(errorTypeOf(status)).toBe(type);
});
