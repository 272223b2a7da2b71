import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { FrontCase } from '../front-case.ts';

export const transportCases: readonly FrontCase[] = [
  {
    name: 'ping answers without and with a query',
    run: async ({ client }) => {
      assert.equal((await client.ping()).success, true);
      assert.equal((await client.ping({ select: true })).success, true);
    },
  },
  {
    name: 'ping with a query fails for a wrong password',
    run: async ({ connect, url }) => {
      const wrong = new URL(url);
      wrong.password = 'wrong';
      assert.equal((await connect({ url: wrong }).ping({ select: true })).success, false);
    },
  },
  {
    name: 'a query id comes back',
    run: async ({ client }) => {
      const id = randomUUID();
      const result = await client.query({ query: 'select 1', query_id: id });
      assert.equal(result.query_id, id);
      await result.text();
      assert.equal((await client.command({ query: 'select 1', query_id: `${id}-2` })).query_id, `${id}-2`);
    },
  },
  {
    name: 'headers name format, time zone and query',
    run: async ({ client }) => {
      const result = await client.query({ query: 'select 1', format: 'CSV' });
      assert.equal(result.response_headers['x-clickhouse-format'], 'CSV');
      assert.match(String(result.response_headers['content-type']), /^text\/csv/);
      assert.ok(result.response_headers['x-clickhouse-timezone']);
      assert.ok(result.response_headers['x-clickhouse-query-id']);
      await result.text();
    },
  },
  {
    name: 'settings of one request do not reach the next',
    run: async ({ connect }) => {
      const client = connect({ max_open_connections: 1 });
      const query = "select value from system.settings where name = 'max_block_size'";
      const first = await (
        await client.query({ query, format: 'TabSeparated', clickhouse_settings: { max_block_size: '77' } })
      ).text();
      const second = await (await client.query({ query, format: 'TabSeparated' })).text();
      assert.equal(first, '77\n');
      assert.notEqual(second, '77\n');
    },
  },
  {
    name: 'SET without a session ends with its request',
    run: async ({ client }) => {
      await client.command({ query: 'set max_block_size = 77' });
      const result = await client.query({
        query: "select value from system.settings where name = 'max_block_size'",
        format: 'TabSeparated',
      });
      assert.notEqual(await result.text(), '77\n');
    },
  },
  {
    name: 'compressed answers',
    run: async ({ connect }) => {
      const client = connect({ compression: { response: true, request: false } });
      const streamed = await client.query({
        query: 'select number from numbers(100000)',
        format: 'JSONCompactEachRow',
      });
      assert.equal((await streamed.json()).length, 100_000);
      const whole = await client.query({ query: 'select number from numbers(1000)', format: 'JSON' });
      assert.equal((await whole.json()).rows, 1000);
    },
  },
  {
    name: 'compressed requests',
    run: async ({ connect, table, rows }) => {
      const name = await table('a UInt32');
      const client = connect({ compression: { response: false, request: true } });
      await client.insert({
        table: name,
        values: Array.from({ length: 10_000 }, (_, a) => ({ a })),
        format: 'JSONEachRow',
      });
      assert.deepEqual(await rows(`select count() from ${name}`), [['10000']]);
    },
  },
  {
    name: 'compressed both ways with an error',
    run: async ({ connect }) => {
      const client = connect({ compression: { response: true, request: true } });
      await assert.rejects(client.query({ query: 'select * from nowhere' }), { code: '60' });
    },
  },
  {
    name: 'a body that is not what its encoding says stores nothing',
    run: async ({ url, database, table, rows }) => {
      const name = await table('a UInt32');
      const address = new URL(url);
      const query = encodeURIComponent(`insert into ${database}.${name} format JSONEachRow`);
      const response = await fetch(`${address.origin}/?query=${query}`, {
        method: 'POST',
        body: 'this is no gzip',
        headers: { authorization: basic(address), 'content-encoding': 'gzip' },
      });
      assert.equal(response.ok, false);
      await response.text();
      assert.deepEqual(await rows(`select count() from ${name}`), [['0']]);
    },
  },
  {
    name: 'a deflated query in the body, and one in the URL of a GET',
    run: async ({ url }) => {
      const address = new URL(url);
      const deflated = await fetch(`${address.origin}/`, {
        method: 'POST',
        body: zlib.deflateSync('select 1 + 1'),
        headers: { authorization: basic(address), 'content-encoding': 'deflate' },
      });
      assert.equal(await deflated.text(), '2\n');
      const got = await fetch(`${address.origin}/?query=select%202%2B2`, {
        headers: { authorization: basic(address) },
      });
      assert.equal(await got.text(), '4\n');
    },
  },
  {
    name: 'a GET changes nothing',
    run: async ({ url, database, table, rows }) => {
      const name = await table('a UInt8');
      const address = new URL(url);
      const query = encodeURIComponent(`insert into ${database}.${name} select 1`);
      const response = await fetch(`${address.origin}/?query=${query}`, {
        headers: { authorization: basic(address) },
      });
      assert.equal(response.headers.get('x-clickhouse-exception-code'), '164');
      await response.text();
      assert.deepEqual(await rows(`select count() from ${name}`), [['0']]);
    },
  },
  {
    name: 'credentials in X-ClickHouse headers and in the URL',
    run: async ({ url }) => {
      const address = new URL(url);
      const user = decodeURIComponent(address.username);
      const password = decodeURIComponent(address.password);
      const byHeader = await fetch(`${address.origin}/?query=select%201`, {
        headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password },
      });
      assert.equal(await byHeader.text(), '1\n');
      const parameters = new URLSearchParams({ user, password, query: 'select 1' });
      const byUrl = await fetch(`${address.origin}/?${parameters.toString()}`);
      assert.equal(await byUrl.text(), '1\n');
    },
  },
  {
    name: 'an unknown path is 404',
    run: async ({ url }) => {
      const address = new URL(url);
      const response = await fetch(`${address.origin}/nothing/here`, {
        headers: { authorization: basic(address) },
      });
      assert.equal(response.status, 404);
      await response.text();
    },
  },
  {
    name: 'a statement begun in the URL and continued in the body',
    run: async ({ url }) => {
      const address = new URL(url);
      const response = await fetch(`${address.origin}/?query=${encodeURIComponent('select')}`, {
        method: 'POST',
        body: "'x' as a format JSONEachRow",
        headers: { authorization: basic(address) },
      });
      assert.equal(await response.text(), '{"a":"x"}\n');
    },
  },
  {
    name: 'wait_end_of_query turns a late error into a plain one',
    run: async ({ client }) => {
      const failing = client.query({
        query: 'select throwIf(number = 300000) from numbers(1000000)',
        format: 'JSONEachRow',
        clickhouse_settings: { wait_end_of_query: 1, max_block_size: '10000' },
      });
      await assert.rejects(failing, { code: '395' });
    },
  },
  {
    name: 'a large read streams, also to a slow reader',
    run: async ({ client }) => {
      const result = await client.query({
        query: "select number, repeat('x', 100) from numbers(300000)",
        format: 'JSONCompactEachRow',
      });
      let count = 0;
      let batches = 0;
      for await (const batch of result.stream()) {
        count += batch.length;
        batches++;
        if (batches % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.equal(count, 300_000);
      assert.ok(batches > 1);
    },
  },
  {
    name: 'a reader that goes away leaves the server well',
    run: async ({ client, rows }) => {
      const stop = new AbortController();
      const result = await client.query({
        query: 'select number from numbers(50000000)',
        format: 'JSONEachRow',
        abort_signal: stop.signal,
      });
      const stream = result.stream();
      stream.on('error', () => {});
      await new Promise((resolve) => stream.once('data', resolve));
      stop.abort();
      stream.destroy();
      assert.deepEqual(await rows('select 1'), [[1]]);
    },
  },
  {
    name: 'slow statements do not stop quick ones',
    run: async ({ connect }) => {
      const client = connect({ max_open_connections: 20 });
      let slowOnes = 8;
      const slow = Array.from({ length: slowOnes }, async () => {
        await (await client.query({ query: 'select sleep(1.5)', format: 'TabSeparated' })).text();
        slowOnes--;
      });
      await (await client.query({ query: 'select 1', format: 'TabSeparated' })).text();
      assert.equal(slowOnes, 8);
      await Promise.all(slow);
    },
  },
  {
    name: 'a command and its DDL',
    run: async ({ client, rows, database }) => {
      await client.command({ query: 'create table made (a UInt8) engine = MergeTree order by a' });
      await client.command({ query: 'alter table made add column b String' });
      assert.deepEqual(
        await rows(
          `select name from system.columns where database = '${database}' and table = 'made' order by position`,
        ),
        [['a'], ['b']],
      );
      await client.command({ query: 'drop table made' });
    },
  },
  {
    name: 'views, mutations and replacing tables',
    run: async ({ client, rows }) => {
      await client.command({
        query: 'create table versions (k UInt8, v UInt8) engine = ReplacingMergeTree(v) order by k',
      });
      await client.command({ query: 'create view latest as select k, max(v) as v from versions group by k' });
      await client.insert({
        table: 'versions',
        values: [
          { k: 1, v: 1 },
          { k: 1, v: 2 },
          { k: 2, v: 1 },
        ],
        format: 'JSONEachRow',
      });
      assert.deepEqual(await rows('select k, v from versions final order by k'), [
        [1, 2],
        [2, 1],
      ]);
      await client.command({
        query: 'alter table versions delete where k = 2',
        clickhouse_settings: { mutations_sync: '2' },
      });
      assert.deepEqual(await rows('select k, v from latest order by k'), [[1, 2]]);
    },
  },
  {
    name: 'another database by name, and by header of the client',
    run: async ({ connect, url }) => {
      const client = connect({ url, database: 'system' });
      assert.equal(
        await (await client.query({ query: 'select currentDatabase()', format: 'TabSeparated' })).text(),
        'system\n',
      );
    },
  },
  {
    name: 'exec with a stream of values answers with a stream',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt32');
      const { stream } = await client.exec({
        query: `insert into ${name} format CSV`,
        values: Readable.from(['1\n2\n'], { objectMode: false }),
      });
      for await (const chunk of stream) assert.equal(chunk.length, 0);
      assert.deepEqual(await rows(`select sum(a) from ${name}`), [['3']]);
    },
  },
];

function basic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
}
