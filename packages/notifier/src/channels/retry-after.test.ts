import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRetryAfter, parseRetryDelay } from './retry-after.ts';

const now = Date.UTC(2026, 0, 1, 12, 0, 0);

test.each<[string | undefined, number | null]>([
  [undefined, null],
  ['', null],
  ['0', 0],
  ['1', 1000],
  [' 120 ', 120_000],
  ['999999999', 999_999_999_000],
  ['9999999999', null],
  ['-1', null],
  ['1.5', null],
  ['1e3', null],
  ['soon', null],
  ['on Thu, 01 Jan 2026 12:00:30 GMT', null],
  ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
  ['Thursday, 01-Jan-26 12:00:30 GMT', 30_000],
  ['Thu Jan  1 12:00:30 2026 GMT', 30_000],
  ['Thu, 01 Jan 2026 11:59:00 GMT', 0],
  ['Thu, 99 Foo 2026 12:00:30 GMT', null],
  ['2026-01-01T12:00:30Z', null],
  ['1 2026', null],
])('Retry-After %j is %j ms', (header, waitMs) => {
  expect(parseRetryAfter(header, now)).toBe(waitMs);
});

test('any header parses to a non-negative number or null, and never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      ),
      (header) => {
        const waitMs = parseRetryAfter(header, now);
        expect(waitMs === null || (Number.isFinite(waitMs) && waitMs >= 0)).toBe(true);
      },
    ),
  );
});

const inHalfAMinute = String(now / 1000 + 30);

test.each<[Parameters<typeof parseRetryDelay>[0], number | null]>([
  [{ retryAfter: '2', bodySeconds: 5, rateLimitReset: inHalfAMinute }, 2000],
  [{ retryAfter: 'Thu, 01 Jan 2026 12:00:09 GMT', bodySeconds: 5 }, 9000],
  [{ retryAfter: 'soon', bodySeconds: 5, rateLimitReset: inHalfAMinute }, 5000],
  [{ retryAfter: undefined, bodySeconds: '5' }, 5000],
  [{ retryAfter: undefined, bodySeconds: '120' }, 120_000],
  [{ retryAfter: undefined, bodySeconds: '12.345' }, 12_345],
  [{ retryAfter: undefined, bodySeconds: '999999999' }, 999_999_999_000],
  [{ retryAfter: undefined, bodySeconds: '1000000000' }, null],
  [{ retryAfter: undefined, bodySeconds: 1e9 }, null],
  [{ retryAfter: undefined, bodySeconds: 0.25 }, 250],
  [{ retryAfter: undefined, bodySeconds: 0 }, 0],
  [{ retryAfter: undefined, bodySeconds: -1, rateLimitReset: inHalfAMinute }, 30_000],
  [{ retryAfter: undefined, bodySeconds: Number.NaN, rateLimitReset: inHalfAMinute }, 30_000],
  [{ retryAfter: undefined, bodySeconds: null, rateLimitReset: ` ${inHalfAMinute} ` }, 30_000],
  [{ retryAfter: undefined, bodySeconds: { seconds: 5 } }, null],
  [{ retryAfter: undefined, bodySeconds: '1e3' }, null],
  [{ retryAfter: undefined, rateLimitReset: String(now / 1000 - 30) }, 0],
  [{ retryAfter: undefined, rateLimitReset: '30' }, null],
  [{ retryAfter: undefined, rateLimitReset: String(now) }, null],
  [{ retryAfter: undefined, rateLimitReset: 'soon' }, null],
  [{ retryAfter: undefined }, null],
])('of %j the first valid source is the delay: %j ms', (sources, waitMs) => {
  expect(parseRetryDelay(sources, now)).toBe(waitMs);
});
