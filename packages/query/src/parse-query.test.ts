import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { QueryError } from './errors.ts';
import { formatQuery } from './format-query.ts';
import { MAX_QUERY_DEPTH, MAX_QUERY_LENGTH, MAX_QUERY_TERMS, parseQuery } from './parse-query.ts';
import { listFields } from './query.ts';
import { stripPositions } from './testing/arbitrary-query.ts';

describe('a query text is parsed by precedence', () => {
  test.each([
    ['', '*'],
    ['*', '*'],
    ['a:1', 'a:"1"'],
    ['a:1 b:2', 'a:"1" AND b:"2"'],
    ['a:1 AND b:2 OR c:3', '(a:"1" AND b:"2") OR c:"3"'],
    ['a:1 OR b:2 c:3', 'a:"1" OR (b:"2" AND c:"3")'],
    ['NOT a:1 b:2', 'NOT a:"1" AND b:"2"'],
    ['NOT (a:1 b:2)', 'NOT (a:"1" AND b:"2")'],
    ['NOT NOT a:1', 'NOT NOT a:"1"'],
    ['((a:1))', 'a:"1"'],
    ['a:"x y" b:web-*', 'a:"x y" AND b:web-*'],
    ['a:http://host:80/x', 'a:"http://host:80/x"'],
    ['label.app_kubernetes.io/name:api', 'label.app_kubernetes.io/name:"api"'],
    ['a:"say \\"hi\\" \\\\ *"', 'a:"say \\"hi\\" \\\\ *"'],
    ['a:""', 'a:""'],
    ['a:**', 'a:*'],
    ['a:\\*x*', 'a:\\*x*'],
    ['and:or', 'and:"or"'],
    ['a:>5', 'a:>5'],
    ['a:>=+5.50', 'a:>=5.5'],
    ['a:<-0', 'a:<0'],
    ['a:<=1E3', 'a:<=1000'],
    ['a:>1e21', 'a:>1e+21'],
    ['a:">5"', 'a:">5"'],
    ['a:\\>5', 'a:">5"'],
    ['a:\\>5*', 'a:\\>5*'],
    ['a:=5', 'a:"=5"'],
    ['a:[1 TO 5]', 'a:[1 TO 5]'],
    ['a:{1 TO 5]', 'a:{1 TO 5]'],
    ['a:[ 1\tTO\n5 }', 'a:[1 TO 5}'],
    ['a:[* TO 5}', 'a:<5'],
    ['a:[1 TO *}', 'a:>=1'],
    ['a:{* TO *}', 'a:[* TO *]'],
    ['(a:[1 TO 5] OR b:>1)c:1', '(a:[1 TO 5] OR b:>1) AND c:"1"'],
    ['a:~Value', 'a:~"value"'],
    ['a:~"A É"', 'a:~"a É"'],
    ['a:~W*', 'a:~w*'],
    ['a:~*', 'a:*'],
    ['a:~>5', 'a:~">5"'],
    ['a:~~x', 'a:~"~x"'],
    ['a:~""', 'a:~""'],
    ['a:(x)', 'a:"x"'],
    ['a:(x OR "y z" OR >5 OR ~W? OR [1 TO 2])', 'a:("x" OR "y z" OR >5 OR ~w? OR [1 TO 2])'],
    ['a:( x\nOR y )', 'a:("x" OR "y")'],
    ['a:("OR" OR "(" OR *)', 'a:("OR" OR "(" OR *)'],
    ['a:1 OR a:2', 'a:("1" OR "2")'],
    ['NOT a:(1 OR 2) b:3', 'NOT a:("1" OR "2") AND b:"3"'],
    ['b:1 OR a:(1 OR 2)', 'b:"1" OR a:("1" OR "2")'],
  ])('%s', (text, canonical) => {
    expect(formatQuery(parseQuery(text))).toBe(canonical);
  });
});

describe('an invalid query is rejected with the position of the first unexpected character', () => {
  test.each([
    ['a', 'QUERY_UNEXPECTED_END', 1],
    ['a b:1', 'QUERY_UNEXPECTED_TOKEN', 1],
    ['a:', 'QUERY_VALUE_EXPECTED', 2],
    ['a: b:1', 'QUERY_VALUE_EXPECTED', 2],
    [':1', 'QUERY_FIELD_EXPECTED', 0],
    ['a:1 AND', 'QUERY_UNEXPECTED_END', 7],
    ['a:1 OR OR b:2', 'QUERY_UNEXPECTED_TOKEN', 7],
    ['(a:1', 'QUERY_UNEXPECTED_END', 4],
    ['a:1)', 'QUERY_UNEXPECTED_TOKEN', 3],
    ['()', 'QUERY_UNEXPECTED_TOKEN', 1],
    ['a:"x', 'QUERY_UNTERMINATED_QUOTE', 2],
    ['a:"x"y', 'QUERY_UNEXPECTED_TOKEN', 5],
    ['a:x"y"', 'QUERY_UNEXPECTED_TOKEN', 3],
    ['a:x\\', 'QUERY_UNEXPECTED_END', 4],
    ['NOT', 'QUERY_UNEXPECTED_END', 3],
    ['a:1 && b:2', 'QUERY_FIELD_EXPECTED', 4],
    ['a:>', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>x', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>=', 'QUERY_NUMBER_EXPECTED', 4],
    ['a:> 5', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>"5"', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:<>5', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>5ms', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['a:>0x10', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['a:>5*', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['a:>1e400', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:>Infinity', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:[1 TO x]', 'QUERY_NUMBER_EXPECTED', 8],
    ['a:[x TO 1]', 'QUERY_NUMBER_EXPECTED', 3],
    ['a:[1x TO 1]', 'QUERY_UNEXPECTED_TOKEN', 4],
    ['a:[1 TO 5', 'QUERY_UNEXPECTED_END', 9],
    ['a:[1 TO 5)', 'QUERY_UNEXPECTED_TOKEN', 9],
    ['a:[1 TO', 'QUERY_NUMBER_EXPECTED', 7],
    ['a:[1 TO 5]x', 'QUERY_UNEXPECTED_TOKEN', 10],
    ['a:~', 'QUERY_VALUE_EXPECTED', 3],
    ['a:~"x', 'QUERY_UNTERMINATED_QUOTE', 3],
    ['a:()', 'QUERY_VALUE_EXPECTED', 3],
    ['a:(', 'QUERY_UNEXPECTED_END', 3],
    ['a:(x', 'QUERY_UNEXPECTED_END', 4],
    ['a:(x OR', 'QUERY_UNEXPECTED_END', 7],
    ['a:(x OR)', 'QUERY_VALUE_EXPECTED', 7],
    ['a:(x y)', 'QUERY_UNEXPECTED_TOKEN', 5],
    ['a:(x AND y)', 'QUERY_UNEXPECTED_TOKEN', 5],
    ['a:(NOT x)', 'QUERY_UNEXPECTED_TOKEN', 3],
    ['a:(x OR OR y)', 'QUERY_UNEXPECTED_TOKEN', 8],
    ['a:(x OR (y))', 'QUERY_VALUE_EXPECTED', 8],
    ['a:(x)y', 'QUERY_UNEXPECTED_TOKEN', 5],
    ['a:("x"y)', 'QUERY_UNEXPECTED_TOKEN', 6],
  ])('%s', (text, code, position) => {
    expect(() => parseQuery(text)).toThrow(expect.objectContaining({ code, position }));
  });
});

describe('a bracket that starts no range starts an ordinary value', () => {
  test.each([
    ['a:[warning]', 'a:"[warning]"'],
    ['a:{x}', 'a:"{x}"'],
    ['a:[', 'a:"["'],
    ['a:[1 b:2', 'a:"[1" AND b:"2"'],
    ['a:[1 TO:5', 'a:"[1" AND TO:"5"'],
    ['a:[1 TOTAL:5', 'a:"[1" AND TOTAL:"5"'],
    ['a:[x:1 TO.y:5', 'a:"[x:1" AND TO.y:"5"'],
    ['a:[ b:"x TO y"', 'a:"[" AND b:"x TO y"'],
    ['a:[\\ TO b:1', 'a:"[ TO" AND b:"1"'],
    ['a:[* b:1', 'a:[* AND b:"1"'],
    ['a:x~ b:a>5 c:x[1', 'a:"x~" AND b:"a>5" AND c:"x[1"'],
  ])('%s', (text, canonical) => {
    expect(formatQuery(parseQuery(text))).toBe(canonical);
  });
});

test('any text either parses or is rejected with a position inside it', () => {
  const word = fc.constantFrom(
    ' ',
    ...String.raw`a : ( ) " * \ AND NOT OR 1 > <= [ } TO ~ a: a:[`.split(' '),
  );
  fc.assert(
    fc.property(fc.string({ unit: word, maxLength: 12 }), (text) => {
      try {
        const query = parseQuery(text);
        expect(stripPositions(parseQuery(formatQuery(query)))).toEqual(stripPositions(query));
      } catch (error) {
        if (!(error instanceof QueryError)) throw error;
        expect(error.position).toBeLessThanOrEqual(text.length);
      }
    }),
    { numRuns: 5000 },
  );
});

test('a message names the position and what was expected', () => {
  const readMessage = (text: string): string => {
    try {
      parseQuery(text);
      return 'parsed';
    } catch (error) {
      return error instanceof QueryError ? error.message : 'other';
    }
  };
  expect(readMessage('severity:critical AND team:')).toBe(
    'the query does not parse at position 27: expected a value after ":"; write "" for an empty value',
  );
  expect(readMessage('a:1 OR')).toBe(
    'the query does not parse at position 6: expected field:value, NOT or "(", found the end of the query',
  );
  expect(readMessage('a:"x"y')).toBe(
    'the query does not parse at position 5: expected a space or ")" after the value, found "y"',
  );
  expect(readMessage(`a:${'x'.repeat(MAX_QUERY_LENGTH)}`)).toBe(
    `the query does not parse at position ${MAX_QUERY_LENGTH}: expected at most 4096 characters, found 4098`,
  );
});

test('length, nesting depth and number of terms are limited', () => {
  const readErrorCode = (text: string): string => {
    try {
      parseQuery(text);
      return 'parsed';
    } catch (error) {
      return error instanceof QueryError ? error.code : 'other';
    }
  };
  expect(readErrorCode(`a:${'x'.repeat(MAX_QUERY_LENGTH)}`)).toBe('QUERY_TOO_LONG');
  expect(readErrorCode(`${'('.repeat(MAX_QUERY_DEPTH)}a:1${')'.repeat(MAX_QUERY_DEPTH)}`)).toBe('parsed');
  expect(readErrorCode(`${'('.repeat(MAX_QUERY_DEPTH + 2)}a:1`)).toBe('QUERY_TOO_COMPLEX');
  expect(readErrorCode('a:1 '.repeat(MAX_QUERY_TERMS))).toBe('parsed');
  expect(readErrorCode('a:1 '.repeat(MAX_QUERY_TERMS + 1))).toBe('QUERY_TOO_COMPLEX');
  expect(readErrorCode(`a:(1${' OR 1'.repeat(MAX_QUERY_TERMS - 1)})`)).toBe('parsed');
  expect(readErrorCode(`a:(1${' OR 1'.repeat(MAX_QUERY_TERMS)})`)).toBe('QUERY_TOO_COMPLEX');
});

test('the fields of a query are listed without duplicates', () => {
  expect(listFields(parseQuery('b:1 (a:>2 OR NOT b:3)'))).toEqual(['b', 'a']);
});
