import assert from 'node:assert/strict';
import type { FrontCase } from '../front-case.ts';

const TWO_ROWS = "select number as n, concat('a', toString(number)) as s from numbers(2) order by n";

export const formatCases: readonly FrontCase[] = [
  {
    name: 'JSON carries names, types, rows and their number',
    run: async ({ client }) => {
      const answer = await (await client.query({ query: TWO_ROWS, format: 'JSON' })).json();
      assert.deepEqual(answer.meta, [
        { name: 'n', type: 'UInt64' },
        { name: 's', type: 'String' },
      ]);
      assert.equal(answer.rows, 2);
      assert.equal(answer.data.length, 2);
    },
  },
  {
    name: 'JSONCompact carries rows as arrays',
    run: async ({ client }) => {
      const answer = (await (
        await client.query({ query: 'select 1 as a, 2 as b', format: 'JSONCompact' })
      ).json()) as { data: unknown };
      assert.deepEqual(answer.data, [[1, 2]]);
    },
  },
  {
    name: 'JSONEachRow',
    query: 'select 1 as a, null as b',
    format: 'JSONEachRow',
    json: [{ a: 1, b: null }],
  },
  { name: 'JSONCompactEachRow', query: "select 1, 'x'", format: 'JSONCompactEachRow', json: [[1, 'x']] },
  { name: 'JSONStringsEachRow', query: 'select 1 as a', format: 'JSONStringsEachRow', json: [{ a: '1' }] },
  {
    name: 'JSONCompactEachRowWithNamesAndTypes has its two header rows once',
    query: 'select number as n from numbers(3)',
    format: 'JSONCompactEachRowWithNamesAndTypes',
    settings: { output_format_json_quote_64bit_integers: 0, max_block_size: '1' },
    json: [['n'], ['UInt64'], [0], [1], [2]],
  },
  {
    name: 'JSONColumnsWithMetadata',
    run: async ({ client }) => {
      const answer = await (
        await client.query({ query: 'select 1 as a', format: 'JSONColumnsWithMetadata' })
      ).json();
      assert.deepEqual((answer as { data: unknown }).data, { a: [1] });
    },
  },
  {
    name: 'JSONObjectEachRow',
    query: 'select 1 as a',
    format: 'JSONObjectEachRow',
    json: { row_1: { a: 1 } },
  },
  {
    name: 'JSONEachRow as an array of rows',
    query: 'select number as n from numbers(2)',
    settings: {
      output_format_json_array_of_rows: 1,
      output_format_json_quote_64bit_integers: 0,
      max_block_size: '1',
    },
    format: 'JSONEachRow',
    text: '[\n{"n":0},\n{"n":1}\n]\n',
  },
  { name: 'CSV quotes texts', query: `select 1, 'a"b'`, format: 'CSV', text: '1,"a""b"\n' },
  {
    name: 'CSVWithNames has its header once over many blocks',
    query: 'select number as n from numbers(3)',
    settings: { max_block_size: '1' },
    format: 'CSVWithNames',
    text: '"n"\n0\n1\n2\n',
  },
  {
    name: 'CSVWithNamesAndTypes',
    query: 'select 1 as a',
    format: 'CSVWithNamesAndTypes',
    text: '"a"\n"UInt8"\n1\n',
  },
  {
    name: 'TabSeparated escapes tabs',
    query: String.raw`select 'a\tb', 2`,
    format: 'TabSeparated',
    text: 'a\\tb\t2\n',
  },
  {
    name: 'TabSeparatedRaw does not',
    query: String.raw`select 'a\tb'`,
    format: 'TabSeparatedRaw',
    text: 'a\tb\n',
  },
  {
    name: 'TabSeparatedWithNames of no rows has a header',
    query: 'select 1 as a where 0',
    format: 'TabSeparatedWithNames',
    text: 'a\n',
  },
  {
    name: 'a FORMAT in the text of a statement wins over the default',
    run: async ({ client }) => {
      const { stream } = await client.exec({ query: 'select 1 as a format Values' });
      assert.equal(await textOf(stream), '(1)');
    },
  },
  {
    name: 'FORMAT before SETTINGS and a comment are understood',
    run: async ({ client }) => {
      const { stream } = await client.exec({
        query: "select 'format CSV' as a -- format JSON\n format JSONEachRow settings max_threads = 1",
      });
      assert.equal(await textOf(stream), '{"a":"format CSV"}\n');
    },
  },
  {
    name: 'without any format an answer is TabSeparated',
    run: async ({ client }) => {
      const { stream } = await client.exec({ query: "select 1, 'x'" });
      assert.equal(await textOf(stream), '1\tx\n');
    },
  },
  {
    name: 'Parquet out and in again',
    run: async ({ client, table, rows }) => {
      const name = await table('n UInt64, s Nullable(String)');
      const { stream } = await client.exec({
        query: "select number as n, if(n = 1, null, 'x') as s from numbers(1000) format Parquet",
      });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      const parquet = Buffer.concat(chunks);
      assert.equal(parquet.subarray(0, 4).toString(), 'PAR1');
      const { Readable } = await import('node:stream');
      await client.insert({
        table: name,
        values: Readable.from([parquet], { objectMode: false }),
        format: 'Parquet',
      });
      assert.deepEqual(await rows(`select count(), sum(n), countIf(s is null) from ${name}`), [
        ['1000', '499500', '1'],
      ]);
    },
  },
  {
    name: 'values keep their precision: 64 bit as texts, decimals, dates, arrays, maps',
    query: `select toUInt64(18446744073709551615), toDecimal64('1.10', 2), toDateTime64('2026-01-02 03:04:05.678', 3, 'UTC'),
      [1, 2], map('a', 1), (1, 'x')`,
    json: [['18446744073709551615', 1.1, '2026-01-02 03:04:05.678', [1, 2], { a: 1 }, [1, 'x']]],
  },
  { name: 'not-a-number and infinity are null in JSON', query: 'select nan, inf', json: [[null, null]] },
];

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
