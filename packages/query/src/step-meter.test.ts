import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createFieldLookup, MAX_OBJECT_ELEMENTS } from './create-field-lookup.ts';
import { explainMatch } from './explain-match.ts';
import { matchQuery } from './match-query.ts';
import { parseQuery } from './parse-query.ts';
import type { Query } from './query.ts';
import { StepLimitError, StepMeter } from './step-meter.ts';
import { arbitraryQuery, arbitraryText } from './testing/arbitrary-query.ts';

const countSteps = (query: Query, data: unknown): number => {
  const meter = new StepMeter(Infinity);
  matchQuery(query, createFieldLookup(data), meter);
  return meter.steps;
};

describe('a match ends at the limit of its meter', () => {
  const query = parseQuery('a:x OR b:*y* OR c:>5');
  const data = { a: ['1', '2'], b: 'zzz', c: '7' };

  test('with an error that says so, and not before', () => {
    const steps = countSteps(query, data);
    expect(matchQuery(query, createFieldLookup(data), new StepMeter(steps))).toBe(true);
    const meter = new StepMeter(steps - 1);
    const match = (): boolean => matchQuery(query, createFieldLookup(data), meter);
    expect(match).toThrow(StepLimitError);
    expect(match).toThrow(
      `the match was given up after ${steps - 1} steps: the query is too complex for values of this size`,
    );
    expect(match).toThrow(
      expect.objectContaining({ name: 'StepLimitError', code: 'QUERY_STEP_LIMIT', maxSteps: steps - 1 }),
    );
    expect(meter).toMatchObject({ steps: steps - 1, stepsLeft: 0, maxSteps: steps - 1 });
  });

  test('which several matches may share', () => {
    const steps = countSteps(query, data);
    const meter = new StepMeter(2 * steps);
    matchQuery(query, createFieldLookup(data), meter);
    expect(meter).toMatchObject({ steps, stepsLeft: steps });
    matchQuery(query, createFieldLookup(data), meter);
    expect(() => matchQuery(query, createFieldLookup(data), meter)).toThrow(StepLimitError);
  });

  test('always at the same step, with matchQuery and explainMatch alike', () => {
    const values = fc.oneof(arbitraryText, fc.array(arbitraryText, { maxLength: 3 }));
    fc.assert(
      fc.property(arbitraryQuery(['a', 'b']), values, values, fc.nat({ max: 60 }), (one, a, b, maxSteps) => {
        const run = (match: (meter: StepMeter) => boolean): unknown => {
          const meter = new StepMeter(maxSteps);
          try {
            return { matched: match(meter), steps: meter.steps };
          } catch (error) {
            if (!(error instanceof StepLimitError)) throw error;
            return 'limit';
          }
        };
        const lookup = createFieldLookup({ a, b });
        const result = run((meter) => matchQuery(one, lookup, meter));
        expect(run((meter) => matchQuery(one, lookup, meter))).toEqual(result);
        expect(run((meter) => explainMatch(one, lookup, meter).matched)).toEqual(result);
        expect(result === 'limit').toBe(countSteps(one, { a, b }) > maxSteps);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('every part of a match takes steps', () => {
  const long = 'a'.repeat(32_768);
  test.each<[string, string, unknown, number]>([
    ['the query itself', '*', {}, 1],
    ['each term', '(f:1 OR f:2) NOT f:3', {}, 12],
    ['a text of the same length', `f:${'a'.repeat(320)}`, { f: 'a'.repeat(319) + 'b' }, 17],
    ['a text of another length', `f:${'a'.repeat(320)}`, { f: long }, 7],
    ['each element of a list', 'f:b', { f: Array.from({ length: MAX_OBJECT_ELEMENTS }, () => 'a') }, 2006],
    ['each number', 'f:>1', { f: ['1', '1'.repeat(64), long] }, 13],
    ['each character of a long value', 'f:*b*', { f: long }, long.length + 11],
    ['each character of a short value', 'f:*b*', { f: 'aaaa' }, 4 + 8],
    ['each character of a value and each 32 of a pattern', `f:*${'a'.repeat(64)}b*`, { f: long }, 98_352],
    ['each character that begins no long pattern', `f:*b${'a'.repeat(64)}c*`, { f: long }, 32_854],
    [
      'a long pattern as far as it goes on matching',
      `f:*${'a'.repeat(40)}b*`,
      { f: `${'a'.repeat(32)}c`.repeat(9) },
      640,
    ],
    ['no value that is shorter than its pattern', 'f:*aaaaa*', { f: 'aaaa' }, 7],
    ['no rest that is shorter than what has to follow', 'f:*ab*ab*', { f: 'xxaba' }, 12],
    ['what is before and after a `*`', 'f:abc*def', { f: 'abcdef' }, 13],
    ['each key that is tried', 'a.b.c.d:1', { a: { b: { c: {} } } }, 26],
  ])('%s', (_, text, data, steps) => {
    expect(countSteps(parseQuery(text), data)).toBe(steps);
  });

  test('so that the costliest lookup is bounded as well', () => {
    let item: unknown = 'x';
    for (let depth = 0; depth < 31; depth++) item = { a: item };
    const data = { a: Array.from({ length: MAX_OBJECT_ELEMENTS }, () => item) };
    const field = Array.from({ length: 32 }, () => 'a').join('.');
    const query = parseQuery(Array.from({ length: 60 }, () => `${field}:*`).join(' '));
    const meter = new StepMeter(100_000);
    expect(() => matchQuery(query, createFieldLookup(data), meter)).toThrow(StepLimitError);
  });
});
