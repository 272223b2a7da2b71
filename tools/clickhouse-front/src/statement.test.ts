import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  formatOf,
  insertFromFile,
  isInsertOfBody,
  isRead,
  isSingleStatement,
  maskLiterals,
  quoteName,
  quoteText,
  withoutFormat,
} from './statement.ts';

describe('one statement', () => {
  test.each([
    ['select 1', true],
    ['select 1;', true],
    ['select 1 ; ; \n', true],
    ['select 1; -- done', true],
    ["select ';'", true],
    ["select 'it''s;'", true],
    [String.raw`select 'it\';'`, true],
    ['select 1 as `a;b`', true],
    ['select /* ; */ 1', true],
    ['select $$;$$', true],
    ['select 1; select 2', false],
    ["select ';'; select 2", false],
    ['select 1 -- ;\n; drop table t', false],
    ["insert into t values (1, 'a;b')", true],
    ['insert into t values (1); drop table t', false],
    ['insert into t format JSONEachRow {"a": "x;y\'"}', true],
    ['drop table u; insert into t format JSONEachRow {"a": 1}', false],
    ['insert into t select 1; select 2 format CSV', false],
  ])('%j: %s', (sql, single) => {
    expect(isSingleStatement(sql)).toBe(single);
  });
});

describe('the format of a statement', () => {
  test.each([
    ['select 1 format JSON', 'JSON'],
    ['select 1 FORMAT CSV;', 'CSV'],
    ['select 1 format CSV settings max_threads = 1', 'CSV'],
    ['select 1 format CSV -- format JSON', 'CSV'],
    ["select 'format JSON'", undefined],
    ["select format('{}', 1)", undefined],
    ['select 1 as format', undefined],
  ])('of %j is %s', (sql, format) => {
    expect(formatOf(sql)).toBe(format);
  });

  test.each([
    ['select 1 format JSON ;', 'select 1 '],
    ['select 1;\n', 'select 1'],
    ['select 1 format CSV settings max_threads = 1', 'select 1  settings max_threads = 1'],
  ])('is taken off %j', (sql, rest) => {
    expect(withoutFormat(sql)).toBe(rest);
  });
});

test.each([
  ['select 1', true],
  ['/* a */ WITH 1 as a select a', true],
  ['(select 1) union all (select 2)', true],
  ['insert into t select 1', false],
  ['create table t as select 1', false],
])('%j reads rows: %s', (sql, expected) => {
  expect(isRead(sql)).toBe(expected);
});

describe('an INSERT of the body', () => {
  test.each([
    ['insert into t format JSONEachRow', true],
    ['INSERT INTO t (a, b) FORMAT CSV;\n', true],
    ['insert into t format JSONEachRow {"a":1}', false],
    ['insert into t values', false],
    ['select 1 format JSON', false],
    ["select 'insert into t format CSV' format CSV", false],
  ])('%j: %s', (sql, expected) => {
    expect(isInsertOfBody(sql)).toBe(expected);
  });

  test.each([
    ['insert into t format CSV', "insert into t FROM INFILE '/f' COMPRESSION 'none' FORMAT CSV"],
    [
      'insert into `format` (a) FORMAT CSV;',
      "insert into `format` (a) FROM INFILE '/f' COMPRESSION 'none' FORMAT CSV",
    ],
    [
      "insert into t settings a = 'x' format CSV",
      "insert into t FROM INFILE '/f' COMPRESSION 'none' settings a = 'x' FORMAT CSV",
    ],
  ])('%j reads a file', (sql, rewritten) => {
    expect(insertFromFile(sql, '/f')).toBe(rewritten);
  });
});

test('a quoted text is masked as a whole, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const quoted = quoteText(text);
      expect(maskLiterals(quoted)).toBe('_'.repeat(quoted.length));
      expect(isSingleStatement(`select ${quoted}`)).toBe(true);
    }),
  );
});

test('a quoted name is masked as a whole, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const quoted = quoteName(name);
      expect(maskLiterals(quoted)).toBe('_'.repeat(quoted.length));
    }),
  );
});

test('a mask keeps every length', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("'", '"', '`', '\\', '-', '/', '*', '$', '#', ' ', '\n', 'a', ';') }),
      (sql) => {
        expect(maskLiterals(sql)).toHaveLength(sql.length);
      },
    ),
  );
});
