import { expect, test } from '@jest/globals';
import { ERROR_TABLE } from '../policies/error-table.ts';
import { CancelledFailure } from '@temporalio/common';
import { activityFailure, failureOf, toActivityFailure } from './activity-failure.ts';

test.each(ERROR_TABLE)('$type says itself whether it is retried', ({ type, isRetryable }) => {
  expect(activityFailure(type, 'order 17')).toMatchObject({
    type,
    message: 'order 17',
    nonRetryable: !isRetryable,
  });
});

const NOW = Date.parse('2026-01-31T12:00:00Z');
test.each([
  [429, '7', 'RATE_LIMITED', 7000],
  [503, 'Sat, 31 Jan 2026 12:01:00 GMT', 'UNAVAILABLE', 60_000],
  [429, 'Sat, 31 Jan 2026 11:59:00 GMT', 'RATE_LIMITED', undefined],
  [429, 'soon', 'RATE_LIMITED', undefined],
  [429, '0', 'RATE_LIMITED', undefined],
  [429, '999999999', 'RATE_LIMITED', 86_400_000],
  [422, null, 'INVALID_INPUT', undefined],
])('%d with Retry-After %s', (status, retryAfter, type, delay) => {
  const headers = new Headers(retryAfter === null ? {} : { 'retry-after': retryAfter });
  const failure = failureOf({ status, headers }, 'charge of order 17', NOW);
  expect(failure).toMatchObject({ type, message: 'charge of order 17' });
  expect(failure?.nextRetryDelay).toBe(delay);
});

test('success is no failure', () => {
  expect(failureOf({ status: 201, headers: new Headers() }, 'charge of order 17')).toBeNull();
});

test('an error that knows whether it is retryable tells the server', () => {
  const error = Object.assign(new Error('execution k was started'), { code: 'EXECUTION_IN_DOUBT' });
  expect(toActivityFailure(Object.assign(error, { retryable: false }))).toMatchObject({
    type: 'EXECUTION_IN_DOUBT',
    nonRetryable: true,
    message: 'execution k was started',
  });
  expect(toActivityFailure(Object.assign(error, { retryable: true }))).toMatchObject({ nonRetryable: false });
});

test.each([
  new Error('any'),
  new CancelledFailure('CANCELLED'),
  Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
  'text',
])('%s stays as it is', (error) => {
  expect(toActivityFailure(error)).toBe(error);
});
