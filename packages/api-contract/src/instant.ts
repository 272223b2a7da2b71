import * as v from 'valibot';

/** In UTC, because a zone can move an instant of year 1 into year 0, which ClickHouse reads as another date. */
const FIRST_INSTANT = Date.parse('0001-01-01T00:00:00Z');
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

/** An instant in a request: ISO 8601 with its zone, of a day that exists, in the years 1 to 9999 of UTC. */
export const instantInput = v.pipe(
  v.string(),
  v.isoTimestamp('Expected an instant such as 2026-01-31T12:00:00Z.'),
  v.check(isInstant, 'Expected an instant that exists.'),
  v.check(
    (given) => !(Date.parse(given) < FIRST_INSTANT || Date.parse(given) > LAST_INSTANT),
    'Expected an instant that is in the years 0001 to 9999 in UTC.',
  ),
);

/** An instant in an answer: ISO 8601 in UTC. */
export const instant = v.pipe(v.string(), v.isoTimestamp());

/** `Date.parse` takes the 31st of February for the 3rd of March. */
function isInstant(given: string): boolean {
  const [year = 0, month = 0, day = 0] = given.slice(0, 10).split('-').map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCDate() === day && !Number.isNaN(Date.parse(given));
}
