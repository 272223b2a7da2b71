import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foldAscii } from './fold-ascii.ts';
import { matchPattern } from './match-pattern.ts';
import { MAX_QUERY_LENGTH, parseQuery } from './parse-query.ts';
import type { Pattern } from './query.ts';
import { StepMeter } from './step-meter.ts';
import { arbitraryPattern, arbitraryText } from './testing/arbitrary-query.ts';

function parsePattern(value: string): Pattern {
  const query = parseQuery(`f:${value}`);
  if (query.kind !== 'term') throw new Error('expected one term');
  return query.pattern;
}

/** Matches and counts the steps. */
function matchAndCount(
  pattern: Pattern,
  value: string,
): { readonly matched: boolean; readonly steps: number } {
  const meter = new StepMeter(Infinity);
  return { matched: matchPattern(pattern, value, { meter }), steps: meter.steps };
}

/** Each character of the value and of the pattern once for each 32 of the pattern, and each of the pattern twice. */
const computeMaxSteps = (pattern: Pattern, value: string): number => {
  const length = pattern.reduce((sum, part) => sum + (part.kind === 'literal' ? part.text.length : 1), 0);
  return 2 + 2 * length + (value.length + length) * Math.ceil(length / 32);
};

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

describe('the number of steps is at most value length × pattern length / 32', () => {
  const fill = (start: string, text: string, end: string, length = 1000): string =>
    start + text.repeat(Math.floor((length - start.length - end.length) / text.length)) + end;
  const repeat = (text: string, length = 8192): string => text.repeat(length / text.length);

  test.each([
    ['runs and single characters', fill('*', 'a?', 'b*'), repeat('a')],
    ['runs and single characters before an end', fill('*', 'a?', 'b'), repeat('a')],
    ['many runs', fill('', '*a', '*b*'), repeat('a')],
    ['many single characters', fill('*', '?', 'b*'), repeat('a')],
    ['the same character', fill('*', 'a', 'b*'), repeat('a')],
    ['the same character after another', fill('*b', 'a', '*'), repeat('a')],
    ['a mismatch at the end of every part', fill('', '*aaaaaaaab', '*c*'), repeat('a')],
    ['a mismatch beyond 32 characters', fill('', `*${'a?'.repeat(16)}b`, '*'), repeat('a')],
    ['a period of 32', fill('*', `${'a'.repeat(31)}?`, 'b*'), repeat(`${'a'.repeat(31)}b`)],
    ['characters of two UTF-16 units', fill('*', '😀?', 'b*'), repeat('😀')],
    ['an occurrence of all but the last character', fill('*a', '*a', 'c'), repeat('ab')],
  ])('with %s', (_, text, value) => {
    const pattern = parsePattern(text);
    const { matched, steps } = matchAndCount(pattern, value);
    expect(matched).toBe(false);
    expect(steps).toBeGreaterThan(0);
    expect(steps).toBeLessThanOrEqual(computeMaxSteps(pattern, value));
  });

  test('and the costliest pattern of maximum length takes 4 million steps for a value of 32 KiB', () => {
    const pattern = parsePattern(fill('*', 'a?', 'b*', MAX_QUERY_LENGTH - 'f:'.length));
    // 32,768 characters × 128 words, less those that the first 4,096 characters cannot have reached yet.
    expect(matchAndCount(pattern, repeat('a', 32_768)).steps).toBe(3_942_622);
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

describe('what is before one `*` and after another does not overlap', () => {
  test.each([
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['😀*😀', '😀', false],
    ['a*b*a', 'aba', true],
    ['a*ba*a', 'aba', false],
    ['a*a*a', 'aa', false],
    ['*ab*b', 'ab', false],
    ['*ab*', 'ab', true],
    ['*ab*ab*', 'aab', false],
    ['*ab*ab*', 'xababx', true],
    ['*ab*ab*', 'xxab', false],
    ['*ba*a', 'xba', false],
    ['?*?', 'a', false],
    ['?*?', 'ab', true],
  ])('%s with %s: %s', (text, value, expected) => {
    expect(matchPattern(parsePattern(text), value)).toBe(expected);
  });
});

describe('long values and segments', () => {
  /** The plain algorithm, as a reference: which prefixes of the value the pattern read so far matches. */
  const matchByTable = (pattern: Pattern, value: string, ignoreCase: boolean): boolean => {
    const characters = Array.from(ignoreCase ? foldAscii(value) : value);
    const units = pattern.flatMap((part) =>
      part.kind === 'literal' ? Array.from(part.text) : [part.kind === 'any-run' ? null : undefined],
    );
    let reached = [true, ...characters.map(() => false)];
    for (const unit of units) {
      let any = false;
      reached = reached.map((isReached, index) => {
        any ||= isReached;
        if (unit === null) return any;
        const before = index > 0 && reached[index - 1] === true;
        return before && (unit === undefined || unit === characters[index - 1]);
      });
    }
    return reached.at(-1) === true;
  };

  const letter = fc.constantFrom('a', 'a', 'a', 'b', 'B', 'é', '😀');
  const pieces = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.string({ unit: letter, minLength: 1, maxLength: 12 }) },
      { weight: 2, arbitrary: fc.nat({ max: 40 }).map((count) => 'a'.repeat(count)) },
      { weight: 2, arbitrary: fc.constantFrom('?', '??', '?'.repeat(31)) },
      { weight: 1, arbitrary: fc.constant('*') },
    ),
    { maxLength: 30 },
  );
  const value = fc
    .array(
      fc.oneof(
        fc.string({ unit: letter, maxLength: 20 }),
        fc.nat({ max: 90 }).map((count) => 'a'.repeat(count)),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(''));
  /** A pattern that often matches: a value with parts of it replaced by wildcards. */
  const patternAndValue = fc.oneof(
    fc.tuple(
      pieces.map((parts) => `*${parts.join('')}*`),
      value,
    ),
    fc
      .tuple(
        value,
        fc.array(fc.tuple(fc.nat(), fc.constantFrom('?', '*', 'x'), fc.nat({ max: 60 })), { maxLength: 6 }),
      )
      .map(([text, changes]): [string, string] => {
        const characters = Array.from(text);
        for (const [at, change, count] of changes) {
          const from = at % (characters.length + 1);
          const removed = characters.splice(from, change === '*' ? count : 1).length;
          if (removed > 0) characters.splice(from, 0, change);
        }
        return [`*${characters.join('').slice(0, 2000)}*`, `ab${text}ba`];
      }),
  );

  test.each([false, true])('agree with a reference (ignoring case: %s)', (ignoreCase) => {
    const results: [number, number] = [0, 0];
    fc.assert(
      fc.property(patternAndValue, ([text, one]) => {
        const query = parseQuery(`f:${ignoreCase ? '~' : ''}${text}`);
        if (query.kind !== 'term') throw new Error('expected one term');
        const expected = matchByTable(query.pattern, one, ignoreCase);
        results[expected ? 1 : 0] += 1;
        expect(matchPattern(query.pattern, one, { ignoreCase })).toBe(expected);
      }),
      { numRuns: 800 },
    );
    expect(Math.min(...results)).toBeGreaterThan(80);
  });
});

test.each([
  ['*ab*', '\uFFFFab', true],
  [`*${'a'.repeat(32)}*`, `\uFFFF${'a'.repeat(32)}`, true],
  [`*${'a'.repeat(33)}*`, `\uFFFF${'a'.repeat(33)}`, true],
  ['*ab*', '\u{10000}ab', true],
  ['*?ab*', '\uFFFFab', true],
  ['*??ab*', '\uFFFFab', false],
  ['*??ab*', '\u{10000}ab', false],
])('U+FFFF is one UTF-16 unit, U+10000 is two: %j with %j: %s', (text, value, expected) => {
  expect(matchPattern(parsePattern(text), value)).toBe(expected);
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
    ['??*', '😀', false],
    ['*??', '😀', false],
    ['*?', '😀', true],
    ['*??', 'a😀', true],
    ['*?😀', 'a😀', true],
    ['*\uDE00b', '😀b', false],
    ['*\uD83D', '😀', false],
    ['*\uD83D*', 'a\uD83Db', true],
    ['*\uD83D?*', 'a😀b', false],
  ])('%j with %j: %s', (text, value, expected) => {
    expect(matchPattern(parsePattern(text), value)).toBe(expected);
  });
});
