import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matchPattern } from './match-pattern.ts';
import { parseQuery } from './parse-query.ts';
import type { Pattern } from './query.ts';
import { arbitraryPattern, arbitraryText } from './testing/arbitrary-query.ts';

function parsePattern(value: string): Pattern {
  const query = parseQuery(`f:${value}`);
  if (query.kind !== 'term') throw new Error('expected one term');
  return query.pattern;
}

/** Matches and counts the steps; each step reads one part of the pattern. */
function matchAndCount(
  pattern: Pattern,
  value: string,
): { readonly matched: boolean; readonly steps: number } {
  let steps = 0;
  const counted = new Proxy(pattern, {
    get(target, key): unknown {
      if (typeof key === 'string' && /^\d+$/.test(key)) steps++;
      return Reflect.get(target, key) as unknown;
    },
  });
  return { matched: matchPattern(counted, value), steps };
}

/** The initial read, one step for each part at each start, and the step that reaches the end. */
const computeMaxSteps = (pattern: Pattern, value: string): number =>
  1 + (pattern.length + 1) * (value.length + 2);

test('wildcards agree with the equivalent regular expression', () => {
  fc.assert(
    fc.property(arbitraryPattern, arbitraryText, (parts, value) => {
      const source = parts
        .map((part) => {
          if (part.kind === 'any-run') return '[^]*';
          return part.kind === 'any-one'
            ? '[^]'
            : part.text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
        })
        .join('');
      expect(matchPattern(parts, value)).toBe(new RegExp(`^${source}$`, 'u').test(value));
    }),
    { numRuns: 3000 },
  );
});

describe('the number of steps is at most parts × value length', () => {
  test.each([
    ['many runs', '*a'.repeat(200) + '*b', 'a'.repeat(5000)],
    ['runs and single characters', '*a?'.repeat(200) + 'b', 'a'.repeat(5000)],
    ['many single characters', '*' + '?'.repeat(500) + 'b', 'a'.repeat(2000)],
    ['a mismatch at the end of every part', '*aaaaaaaab'.repeat(50), 'a'.repeat(5000)],
    ['characters of two UTF-16 units', '?*'.repeat(1000) + 'b', '😀'.repeat(2000)],
    ['a mismatch at the very end', '*a*'.repeat(300) + 'a', 'ab'.repeat(3000)],
  ])('with %s', (_, text, value) => {
    const pattern = parsePattern(text);
    const { matched, steps } = matchAndCount(pattern, value);
    expect(matched).toBe(false);
    expect(steps).toBeGreaterThan(0);
    expect(steps).toBeLessThanOrEqual(computeMaxSteps(pattern, value));
  });

  test('for random patterns', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('*', '?', 'a', 'b', '*a', 'aab'), { minLength: 1, maxLength: 40 }),
        fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 80 }),
        (parts, value) => {
          const pattern = parsePattern(parts.join(''));
          expect(matchAndCount(pattern, value).steps).toBeLessThanOrEqual(computeMaxSteps(pattern, value));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('a lone surrogate does not match half of a surrogate pair', () => {
  test.each([
    ['\uD83D*', '😀', false],
    ['*\uDE00', '😀', false],
    ['*\uDE00*', 'a😀', false],
    ['\uD83D*', '\uD83Da', true],
    ['*\uDE00', 'a\uDE00', true],
    ['?', '😀', true],
    ['??', '😀', false],
    ['*😀', '😀😀', true],
  ])('%j with %j: %s', (text, value, expected) => {
    expect(matchPattern(parsePattern(text), value)).toBe(expected);
  });
});
