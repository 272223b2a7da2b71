import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matchesPattern } from './matches-pattern.ts';

test.each([
  ['production', 'production', true],
  ['production', 'production2', false],
  ['prod*', 'production', true],
  ['prod*', 'prod', true],
  ['prod*', 'preprod', false],
  ['*prod', 'preprod', true],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c', false],
  ['a*bc*c', 'abc', false],
  ['*', '', true],
  ['*', 'anything', true],
  ['', '', true],
  ['a.c', 'abc', false],
])('%j matches %j: %s', (pattern, text, matches) => {
  expect(matchesPattern(pattern, text)).toBe(matches);
});

test('a pattern matches what a regular expression of the same meaning matches', () => {
  const short = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
  fc.assert(
    fc.property(short, text, (pattern, value) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(value);
      expect(matchesPattern(pattern, value)).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

test('a namespace that somebody made up for the purpose takes no time', () => {
  const startedAt = performance.now();
  expect(matchesPattern('a*a*a*a*a*a*a*a*b', 'a'.repeat(1_000_000))).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(1000);
});
