import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { FrontCase } from '../front-case.ts';

export const insertCases: readonly FrontCase[] = [
  {
    name: 'objects as JSONEachRow',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32, s Nullable(String)');
      await client.insert({
        table: name,
        values: [
          { a: 1, s: "it's" },
          { a: 2, s: null },
        ],
        format: 'JSONEachRow',
      });
      assert.deepEqual(await rows(`select a, s from ${name} order by a`), [
        [1, "it's"],
        [2, null],
      ]);
    },
  },
  {
    name: 'arrays as JSONCompactEachRow, into chosen columns',
    run: async ({ client, table, rows }) => {
      const name = await table("a UInt32, s String default 'none'");
      await client.insert({ table: name, values: [[1], [2]], columns: ['a'], format: 'JSONCompactEachRow' });
      assert.deepEqual(await rows(`select a, s from ${name} order by a`), [
        [1, 'none'],
        [2, 'none'],
      ]);
    },
  },
  {
    name: 'all columns except some',
    run: async ({ client, table, rows }) => {
      const name = await table("a UInt32, s String default 'none'");
      await client.insert({
        table: name,
        values: [{ a: 1 }],
        columns: { except: ['s'] },
        format: 'JSONEachRow',
      });
      assert.deepEqual(await rows(`select a, s from ${name}`), [[1, 'none']]);
    },
  },
  {
    name: 'JSONCompactEachRowWithNames',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32, b UInt32');
      await client.insert({
        table: name,
        values: [
          ['b', 'a'],
          [1, 2],
        ],
        format: 'JSONCompactEachRowWithNames',
      });
      assert.deepEqual(await rows(`select a, b from ${name}`), [[2, 1]]);
    },
  },
  {
    name: 'one JSON document',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt8');
      await client.insert({
        table: name,
        values: { meta: [{ name: 'a', type: 'UInt8' }], data: [{ a: 1 }, { a: 2 }] },
        format: 'JSON',
      });
      assert.deepEqual(await rows(`select a from ${name} order by a`), [[1], [2]]);
    },
  },
  {
    name: 'CSV from a byte stream',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32, s String');
      await client.insert({
        table: name,
        values: Readable.from(['1,"x;y"\n', '2,"it\'s"\n'], { objectMode: false }),
        format: 'CSV',
      });
      assert.deepEqual(await rows(`select a, s from ${name} order by a`), [
        [1, 'x;y'],
        [2, "it's"],
      ]);
    },
  },
  {
    name: 'CSVWithNames and TabSeparated from byte streams',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32, s String');
      await client.insert({
        table: name,
        values: Readable.from(['s,a\nx,1\n'], { objectMode: false }),
        format: 'CSVWithNames',
      });
      await client.insert({
        table: name,
        values: Readable.from(['2\ty\n'], { objectMode: false }),
        format: 'TabSeparated',
      });
      assert.deepEqual(await rows(`select a, s from ${name} order by a`), [
        [1, 'x'],
        [2, 'y'],
      ]);
    },
  },
  {
    name: 'objects from a stream',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32');
      const values = Readable.from(Array.from({ length: 5000 }, (_, a) => ({ a })));
      await client.insert({ table: name, values, format: 'JSONEachRow' });
      assert.deepEqual(await rows(`select count(), sum(a) from ${name}`), [['5000', '12497500']]);
    },
  },
  {
    name: 'an INSERT of nothing stores nothing',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32');
      await client.insert({
        table: name,
        values: Readable.from([], { objectMode: false }),
        format: 'TabSeparated',
      });
      assert.deepEqual(await rows(`select count() from ${name}`), [['0']]);
    },
  },
  {
    name: '200,000 rows in one body',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32, s String');
      const values = Readable.from(numberedRows(200_000));
      await client.insert({ table: name, values, format: 'JSONEachRow' });
      assert.deepEqual(await rows(`select count(), max(a), uniqExact(s) from ${name}`), [
        ['200000', 199_999, '200000'],
      ]);
    },
  },
  {
    name: 'INSERT … VALUES as a command',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32, s String');
      await client.command({ query: `insert into ${name} values (1, 'a;b'), (2, 'it''s')` });
      assert.deepEqual(await rows(`select s from ${name} order by a`), [['a;b'], ["it's"]]);
    },
  },
  {
    name: 'INSERT … FORMAT with the data in the same text',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32, s String');
      await client.command({
        query: `insert into ${name} format JSONEachRow {"a":1,"s":"x;y"} {"a":2,"s":"'"}`,
      });
      assert.deepEqual(await rows(`select a, s from ${name} order by a`), [
        [1, 'x;y'],
        [2, "'"],
      ]);
    },
  },
  {
    name: 'INSERT … SELECT and the summary of its rows',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt64');
      await client.command({ query: `insert into ${name} select number from numbers(10)` });
      assert.deepEqual(await rows(`select sum(a) from ${name}`), [['45']]);
    },
  },
  {
    name: 'settings in the statement of an INSERT of the body',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32');
      await client
        .exec({
          query: `insert into ${name} settings input_format_skip_unknown_fields = 1 format JSONEachRow`,
          values: Readable.from(['{"a":1,"unknown":2}\n'], { objectMode: false }),
        })
        .then(({ stream }) => stream.resume());
      assert.deepEqual(await rows(`select a from ${name}`), [[1]]);
    },
  },
  {
    name: 'a summary counts the rows of an INSERT',
    run: async ({ client, table }) => {
      const name = await table('a UInt32');
      const { summary, executed } = await client.insert({
        table: name,
        values: [{ a: 1 }, { a: 2 }, { a: 3 }],
        format: 'JSONEachRow',
      });
      assert.equal(executed, true);
      assert.equal(summary?.written_rows, '3');
    },
  },
  {
    name: 'one bad row refuses the whole INSERT',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32');
      const values = Readable.from(['1\nno number\n3\n'], { objectMode: false });
      await assert.rejects(client.insert({ table: name, values, format: 'CSV' }), (error: { code: string }) =>
        ['6', '26', '27', '72', '117'].includes(error.code),
      );
      assert.deepEqual(await rows(`select count() from ${name}`), [['0']]);
    },
  },
  {
    name: 'one bad object refuses the whole INSERT',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32');
      const values = [{ a: 1 }, { a: 'no number' }, { a: 3 }];
      await assert.rejects(
        client.insert({ table: name, values, format: 'JSONEachRow' }),
        (error: { code: string }) => ['6', '26', '27', '72', '117'].includes(error.code),
      );
      assert.deepEqual(await rows(`select count() from ${name}`), [['0']]);
    },
  },
  {
    name: 'an unknown column is refused, and skipped by the setting',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32');
      const values = [{ a: 1, b: 2 }];
      const strict = { input_format_skip_unknown_fields: 0 } as const;
      await assert.rejects(
        client.insert({ table: name, values, format: 'JSONEachRow', clickhouse_settings: strict }),
        { code: '117' },
      );
      await client.insert({
        table: name,
        values,
        format: 'JSONEachRow',
        clickhouse_settings: { input_format_skip_unknown_fields: 1 },
      });
      assert.deepEqual(await rows(`select a from ${name}`), [[1]]);
    },
  },
  {
    name: 'the same deduplication token stores once',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32', 'settings non_replicated_deduplication_window = 100');
      for (let attempt = 0; attempt < 2; attempt++) {
        await client.insert({
          table: name,
          values: [{ a: 1 }],
          format: 'JSONEachRow',
          clickhouse_settings: { insert_deduplication_token: 'once', insert_deduplicate: 1 },
        });
      }
      assert.deepEqual(await rows(`select count() from ${name}`), [['1']]);
    },
  },
  {
    name: 'an asynchronous INSERT that is waited for is there',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32');
      await client.insert({
        table: name,
        values: [{ a: 1 }],
        format: 'JSONEachRow',
        clickhouse_settings: { async_insert: 1, wait_for_async_insert: 1 },
      });
      assert.deepEqual(await rows(`select a from ${name}`), [[1]]);
    },
  },
  {
    name: 'instants as ISO texts by best effort',
    run: async ({ client, table, rows }) => {
      const name = await table("at DateTime64(3, 'UTC')");
      await client.insert({
        table: name,
        values: [{ at: '2026-01-02T03:04:05.678Z' }],
        format: 'JSONEachRow',
        clickhouse_settings: { date_time_input_format: 'best_effort' },
      });
      assert.deepEqual(await rows(`select at from ${name}`), [['2026-01-02 03:04:05.678']]);
    },
  },
  {
    name: 'concurrent INSERTs all arrive',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32');
      const inserts = Array.from({ length: 40 }, (_, a) =>
        client.insert({ table: name, values: [{ a }], format: 'JSONEachRow' }),
      );
      await Promise.all(inserts);
      assert.deepEqual(await rows(`select count(), sum(a) from ${name}`), [['40', '780']]);
    },
  },
];

function* numberedRows(count: number) {
  for (let a = 0; a < count; a++) yield { a, s: `row ${a}` };
}
