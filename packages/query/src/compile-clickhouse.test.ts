import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClickHouseColumn } from './compile-column.ts';
import { compileClickHouse } from './compile-clickhouse.ts';
import { parseQuery } from './parse-query.ts';
import { arbitraryQuery } from './testing/arbitrary-query.ts';

const COLUMNS: Readonly<Record<string, ClickHouseColumn>> = {
  severity: { kind: 'text', sql: 'severity' },
  code: { kind: 'text', sql: 'toString(code)' },
  note: { kind: 'nullable', sql: 'note' },
  team: { kind: 'map', sql: 'labels', key: 'team' },
  tag: { kind: 'texts', sql: 'tags' },
  joined: { kind: 'text', sql: 'a || b' },
};
const columns = (field: string): ClickHouseColumn | null => COLUMNS[field] ?? null;

describe('a query compiles to a condition with bound parameters', () => {
  test.each<[string, string, readonly unknown[]]>([
    ['*', '1', []],
    ['severity:a', 'severity = {p0:String}', ['a']],
    ['severity:""', 'severity = {p0:String}', ['']],
    ['code:5', '(toString(code)) = {p0:String}', ['5']],
    ['severity:*', '1', []],
    ['severity:a*b?', 'severity LIKE {p0:String}', ['a%b_']],
    ['severity:50%_\\\\*', 'severity LIKE {p0:String}', ['50\\%\\_\\\\%']],
    ['severity:~A', 'lower(severity) LIKE {p0:String}', ['a']],
    [
      'severity:(a OR b OR c*)',
      '(severity IN {p0:Array(String)} OR severity LIKE {p1:String})',
      [['a', 'b'], 'c%'],
    ],
    ['note:a', 'ifNull(note = {p0:String}, 0)', ['a']],
    ['note:*', 'isNotNull(note)', []],
    ['team:*', 'mapContains(labels, {p0:String})', ['team']],
    ['team:a', '(mapContains(labels, {p0:String}) AND labels[{p0:String}] = {p1:String})', ['team', 'a']],
    ['tag:*', 'notEmpty(tags)', []],
    ['tag:a', 'has(tags, {p0:String})', ['a']],
    ['tag:(a OR b)', 'hasAny(tags, {p0:Array(String)})', [['a', 'b']]],
    ['tag:a*', 'arrayExists(v -> v LIKE {p0:String}, tags)', ['a%']],
    ['gone:*', '0', []],
    ['NOT gone:a', 'NOT (0)', []],
    ['gone:(a OR b)', '0', []],
    ['gone:(a OR b*)', '(0 OR 0)', []],
    ['severity:*a', 'severity LIKE {p0:String}', ['%a']],
    ['joined:a', '(a || b) = {p0:String}', ['a']],
    ['NOT severity:a note:b', '(NOT (severity = {p0:String}) AND ifNull(note = {p1:String}, 0))', ['a', 'b']],
    [
      'severity:a (note:a OR tag:a)',
      '(severity = {p0:String} AND (ifNull(note = {p0:String}, 0) OR has(tags, {p0:String})))',
      ['a'],
    ],
  ])('%s', (text, sql, values) => {
    const compiled = compileClickHouse(parseQuery(text), columns);
    expect(compiled.sql).toBe(sql);
    expect(compiled.params).toEqual(Object.fromEntries(values.map((value, index) => [`p${index}`, value])));
  });

  const json = String.raw`concat(replaceRegexpOne(note, '^[+]?(-?)0*([0-9])', '\\1\\2'), if(match(note, '[eE]'), '', 'e0'))`;
  const number = `JSONExtract(${json}, 'Nullable(Float64)')`;
  test.each([
    ['[1 TO 2.5}', `ifNull(${number} >= {p0:Float64} AND ${number} < {p1:Float64}, 0)`, { p0: 1, p1: 2.5 }],
    ['{1 TO 2.5]', `ifNull(${number} > {p0:Float64} AND ${number} <= {p1:Float64}, 0)`, { p0: 1, p1: 2.5 }],
    ['>-1', `ifNull(${number} > {p0:Float64}, 0)`, { p0: -1 }],
    ['<=1e9', `ifNull(${number} <= {p0:Float64}, 0)`, { p0: 1e9 }],
    ['[* TO *]', `isNotNull(${number})`, {}],
  ])('with numbers bound as doubles: %s', (range, condition, params) => {
    const compiled = compileClickHouse(parseQuery(`note:${range}`), () => ({ kind: 'text', sql: 'note' }));
    const isNumber = "length(note) <= 100 AND match(note, '^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$')";
    expect(compiled).toEqual({ sql: `(${isNumber} AND ${condition})`, params });
  });

  test('that never holds for a lone surrogate, which no stored text contains', () => {
    const never = { sql: '0', params: {} };
    for (const text of ['severity:\uD83D', 'severity:\uD83D*', 'tag:"\uDE00"'])
      expect(compileClickHouse(parseQuery(text), columns)).toEqual(never);
    expect(compileClickHouse(parseQuery('severity:(a OR \uD83D)'), columns).params).toEqual({ p0: 'a' });
    const labels = (key: string): ClickHouseColumn => ({ kind: 'map', sql: 'labels', key });
    for (const text of ['"\uD83D":*', '"a\uDE00":a', '"\uD83D":>1'])
      expect(compileClickHouse(parseQuery(text), labels)).toEqual(never);
  });

  test('that is true for an AND and false for an OR without operands, which the parser never produces', () => {
    expect(compileClickHouse({ kind: 'and', operands: [] }, columns).sql).toBe('1');
    expect(compileClickHouse({ kind: 'or', operands: [] }, columns).sql).toBe('0');
  });
});

test('a name in quotes is the key of a map, as a bound parameter', () => {
  const labels = (key: string): ClickHouseColumn => ({ kind: 'map', sql: 'labels', key });
  expect(compileClickHouse(parseQuery(`"host 'name'":x`), labels)).toEqual({
    sql: '(mapContains(labels, {p0:String}) AND labels[{p0:String}] = {p1:String})',
    params: { p0: "host 'name'", p1: 'x' },
  });
});

test('the SQL text never contains values of the query', () => {
  fc.assert(
    fc.property(arbitraryQuery(['severity', 'code', 'note', 'team', 'tag', 'gone']), (query) => {
      const { sql, params } = compileClickHouse(query, columns);
      const known = sql
        .replaceAll(/\{p\d+:(?:String|Float64|Array\(String\))\}/g, '')
        .replaceAll(/'[^']*'/g, (literal) => (FIXED.has(literal) ? '' : literal));
      expect(known).toMatch(/^[\w\s()[\],=<>-]*$/);
      for (const name of sql.match(/(?<=\{)p\d+/g) ?? []) expect(params).toHaveProperty(name);
    }),
    { numRuns: 1000 },
  );
});

const FIXED: ReadonlySet<string> = new Set([
  "'^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$'",
  "'^[+]?(-?)0*([0-9])'",
  String.raw`'\\1\\2'`,
  "'[eE]'",
  "''",
  "'e0'",
  "'Nullable(Float64)'",
]);
