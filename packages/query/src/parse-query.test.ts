import { describe, expect, test } from '@jest/globals';
import { QueryError } from './errors.ts';
import { formatQuery } from './format-query.ts';
import { MAX_QUERY_DEPTH, MAX_QUERY_LENGTH, MAX_QUERY_TERMS, parseQuery } from './parse-query.ts';
import { fieldsOf } from './query.ts';

describe('a query text is read by precedence', () => {
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
  ])('%s', (text, canonical) => {
    expect(formatQuery(parseQuery(text))).toBe(canonical);
  });
});

describe('a text that is no query is refused with the position of the first misfit', () => {
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
  ])('%s', (text, code, position) => {
    expect(() => parseQuery(text)).toThrow(expect.objectContaining({ code, position }));
  });
});

test('length, depth and number of terms are bounded', () => {
  const codeOf = (text: string): string => {
    try {
      parseQuery(text);
      return 'parsed';
    } catch (error) {
      return error instanceof QueryError ? error.code : 'other';
    }
  };
  expect(codeOf(`a:${'x'.repeat(MAX_QUERY_LENGTH)}`)).toBe('QUERY_TOO_LONG');
  expect(codeOf(`${'('.repeat(MAX_QUERY_DEPTH)}a:1${')'.repeat(MAX_QUERY_DEPTH)}`)).toBe('parsed');
  expect(codeOf(`${'('.repeat(MAX_QUERY_DEPTH + 2)}a:1`)).toBe('QUERY_TOO_COMPLEX');
  expect(codeOf('a:1 '.repeat(MAX_QUERY_TERMS))).toBe('parsed');
  expect(codeOf('a:1 '.repeat(MAX_QUERY_TERMS + 1))).toBe('QUERY_TOO_COMPLEX');
});

test('the fields of a query are listed once', () => {
  expect(fieldsOf(parseQuery('b:1 (a:2 OR NOT b:3)'))).toEqual(['b', 'a']);
});
