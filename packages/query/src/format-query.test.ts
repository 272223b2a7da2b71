import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatQuery } from './format-query.ts';
import { MAX_QUERY_DEPTH, MAX_QUERY_LENGTH, parseQuery } from './parse-query.ts';
import type { Query } from './query.ts';
import { arbitraryQuery, stripPositions } from './testing/arbitrary-query.ts';

/** Names as a monitor may store them; each character is special to the syntax or to some engine. */
const NAMES = [
  'monitor',
  'label.x',
  'a_b',
  'host name',
  'größe',
  '@timestamp',
  'label.a:b',
  'label.',
  '',
  '.',
  'a."b',
];
const query = arbitraryQuery(['a', ...NAMES]);

test('a formatted query parses to an equal query, which formats to the same text', () => {
  fc.assert(
    fc.property(query, (node) => {
      const text = formatQuery(node);
      fc.pre(text.length <= MAX_QUERY_LENGTH);
      const again = parseQuery(text, { strict: true });
      expect(stripPositions(again)).toEqual(node);
      expect(formatQuery(again)).toBe(text);
    }),
    { numRuns: 3000 },
  );
});

test('any name of a field can be written', () => {
  const unit = fc.constantFrom(
    ...String.raw`a 1 _ . / - : " \ ( ) * ? ~ > é 😀 `.split(' '),
    '\uD83D',
    ' ',
    '\n',
    '\0',
    '\uDE00',
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit, maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 8 })),
      (field) => {
        const term: Query = { kind: 'term', field, pattern: [{ kind: 'any-run' }], position: 0 };
        expect(parseQuery(formatQuery(term), { strict: true })).toEqual(term);
        const set: Query = { kind: 'or', operands: [term, term] };
        expect(stripPositions(parseQuery(formatQuery(set), { strict: true }))).toEqual(set);
      },
    ),
    { numRuns: 1000 },
  );
});

describe('a query of maximum depth still parses after formatting', () => {
  const deepest = MAX_QUERY_DEPTH;
  test.each([
    ['NOT', `${'NOT '.repeat(deepest)}a:1`],
    ['AND in OR', `${'NOT '.repeat(deepest - 1)}(a:1 b:2 OR c:3)`],
    ['OR in AND in OR', `${'NOT '.repeat(deepest - 2)}(a:1 (b:2 OR c:3) OR d:4)`],
    ['a value set', `${'NOT '.repeat(deepest)}a:(1 OR 2)`],
    ['AND in OR at every level', `${'(x:1 OR y:1 '.repeat(deepest)}a:1${')'.repeat(deepest)}`],
  ])('%s', (_, text) => {
    const node = stripPositions(parseQuery(text));
    expect(stripPositions(parseQuery(formatQuery(node)))).toEqual(node);
  });
});
