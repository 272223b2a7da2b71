import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { explainMatch } from './explain-match.ts';
import { formatQuery } from './format-query.ts';
import { matchQuery } from './match-query.ts';
import { parseQuery } from './parse-query.ts';
import { arbitraryQuery, arbitraryText } from './testing/arbitrary-query.ts';

const issue: Readonly<Record<string, string>> = { severity: 'critical', pod: 'web-1', count: '7' };

describe('the clause that decided is returned', () => {
  test.each([
    ['*', true, '*'],
    ['severity:critical', true, 'severity:"critical"'],
    ['severity:info', false, 'severity:"info"'],
    ['severity:critical pod:web-*', true, 'severity:"critical" AND pod:web-*'],
    ['severity:critical pod:db-* team:x', false, 'pod:db-*'],
    ['severity:info OR pod:web-* OR count:>5', true, 'pod:web-*'],
    ['severity:info OR count:>7', false, 'severity:"info" OR count:>7'],
    ['severity:(info OR CRITICAL OR ~CRIT*)', true, 'severity:~crit*'],
    ['NOT severity:info', true, 'NOT severity:"info"'],
    ['pod:* NOT (severity:critical OR pod:x)', false, 'NOT (severity:"critical" OR pod:"x")'],
    [
      '(severity:critical (team:a OR team:b)) OR count:[1 TO 3]',
      false,
      '(severity:"critical" AND team:("a" OR "b")) OR count:[1 TO 3]',
    ],
    ['severity:critical (team:a OR team:b)', false, 'team:("a" OR "b")'],
    ['team:a OR (severity:critical count:7)', true, 'severity:"critical" AND count:"7"'],
  ])('%s: %s because of %s', (text, matched, clause) => {
    const explanation = explainMatch(parseQuery(text), (field) => issue[field]);
    expect(explanation.matched).toBe(matched);
    expect(formatQuery(explanation.clause)).toBe(clause);
  });
});

test('an explanation agrees with matchQuery, and so does its clause', () => {
  const values = fc.oneof(fc.constant(undefined), arbitraryText, fc.array(arbitraryText, { maxLength: 3 }));
  fc.assert(
    fc.property(arbitraryQuery(['a', 'b']), values, values, (query, a, b) => {
      const lookup = (field: string) => (field === 'a' ? a : b);
      const { matched, clause } = explainMatch(query, lookup);
      expect(matched).toBe(matchQuery(query, lookup));
      expect(matchQuery(clause, lookup)).toBe(matched);
    }),
    { numRuns: 3000 },
  );
});

test('explainMatch looks up fields exactly as often as matchQuery', () => {
  fc.assert(
    fc.property(arbitraryQuery(['a', 'b']), arbitraryText, (query, value) => {
      const countLookups = (run: (lookup: () => string) => unknown): number => {
        let lookups = 0;
        run(() => {
          lookups++;
          return value;
        });
        return lookups;
      };
      expect(countLookups((lookup) => explainMatch(query, lookup))).toBe(
        countLookups((lookup) => matchQuery(query, lookup)),
      );
    }),
  );
});
