import assert from 'node:assert/strict';
import type { FrontCase } from '../front-case.ts';

const NO_SUCH_SETTING: Record<string, number> = { no_such_setting: 1 };

export const errorCases: readonly FrontCase[] = [
  { name: 'an unknown table', query: 'select * from nowhere', code: '60', type: 'UNKNOWN_TABLE' },
  { name: 'an unknown database', query: 'select * from nowhere.t', code: '81', type: 'UNKNOWN_DATABASE' },
  {
    name: 'an unknown column',
    query: 'select nothing from system.one',
    code: '47',
    type: 'UNKNOWN_IDENTIFIER',
  },
  { name: 'an unknown function', query: 'select no_such_function(1)', code: '46', type: 'UNKNOWN_FUNCTION' },
  { name: 'a syntax error', query: 'selec 1', code: '62', type: 'SYNTAX_ERROR' },
  {
    name: 'an unknown setting',
    query: 'select 1',
    settings: NO_SUCH_SETTING,
    code: '115',
    type: 'UNKNOWN_SETTING',
  },
  { name: 'a missing parameter', query: 'select {p:String}', code: '456', type: 'UNKNOWN_QUERY_PARAMETER' },
  {
    name: 'a parameter of the wrong type',
    query: 'select {p:UInt8}',
    params: { p: 'x' },
    code: '457',
    type: 'BAD_QUERY_PARAMETER',
  },
  {
    name: 'a table that is there already',
    query: 'create table system.one (a UInt8) engine = Memory',
    code: '57',
    type: 'TABLE_ALREADY_EXISTS',
  },
  {
    name: 'an exception that the query throws',
    query: "select throwIf(1, 'stop here')",
    code: '395',
    type: 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO',
  },
  {
    name: 'a time limit',
    query: 'select sleepEachRow(0.2) from numbers(20) settings max_block_size = 1',
    settings: { max_execution_time: 1 },
    code: '159',
    type: 'TIMEOUT_EXCEEDED',
  },
  {
    name: 'a memory limit',
    query: 'select groupArray(number) from numbers(10000000)',
    settings: { max_memory_usage: '1000000' },
    code: '241',
    type: 'MEMORY_LIMIT_EXCEEDED',
  },
  { name: 'two statements in one request', query: 'select 1; select 2', code: '62', type: 'SYNTAX_ERROR' },
  {
    name: 'of two statements none is run',
    run: async ({ client, rows, database }) => {
      await assert.rejects(
        client.command({ query: 'select 1; create table second (a UInt8) engine = Memory' }),
        { code: '62' },
      );
      assert.deepEqual(
        await rows(`select count() from system.tables where database = '${database}' and name = 'second'`),
        [['0']],
      );
    },
  },
  {
    name: 'a second statement after INSERT … VALUES',
    run: async ({ client, table, rows }) => {
      const name = await table('a UInt8');
      await assert.rejects(client.command({ query: `insert into ${name} values (1); drop table ${name}` }));
      assert.deepEqual(await rows(`select count() >= 0 from ${name}`), [[1]]);
    },
  },
  {
    name: 'semicolons in texts, comments and at the end are none',
    run: async ({ client }) => {
      const result = await client.query({ query: "select 'a;b' as s /* ; */ -- ;\n", format: 'JSONEachRow' });
      assert.deepEqual(await result.json(), [{ s: 'a;b' }]);
      await client.command({ query: 'select 1 ;' });
    },
  },
  {
    name: 'an empty statement',
    run: async ({ client }) => {
      await assert.rejects(client.command({ query: ' ' }), { code: '62' });
    },
  },
  {
    name: 'a wrong password',
    run: async ({ connect, url }) => {
      const wrong = new URL(url);
      wrong.password = 'wrong';
      await assert.rejects(connect({ url: wrong }).query({ query: 'select 1' }), { code: '516' });
    },
  },
  {
    name: 'an unknown user',
    run: async ({ connect, url }) => {
      const wrong = new URL(url);
      wrong.username = 'nobody';
      await assert.rejects(connect({ url: wrong }).query({ query: 'select 1' }), { code: '516' });
    },
  },
  {
    name: 'an error in mid-stream reaches the reader with its code',
    run: async ({ client }) => {
      const result = await client.query({
        query: 'select throwIf(number = 300000) as a, number from numbers(1000000)',
        format: 'JSONEachRow',
        clickhouse_settings: { max_threads: 1, max_block_size: '10000' },
      });
      let rows = 0;
      await assert.rejects(
        async () => {
          for await (const batch of result.stream()) rows += batch.length;
        },
        { code: '395' },
      );
      assert.ok(rows > 0 && rows <= 300_000, `${rows} rows before the error`);
    },
  },
  {
    name: 'an error message names no file of the server',
    run: async ({ client, table }) => {
      const name = await table('a UInt8');
      const failing = client.insert({ table: name, values: [{ a: 'x' }], format: 'JSONEachRow' });
      await assert.rejects(failing, (error: Error) => !error.message.includes('spool'));
    },
    frontOnly: 'a server reads the body from the socket',
  },
  {
    name: 'a connection remains usable after an error',
    run: async ({ connect }) => {
      const client = connect({ max_open_connections: 1 });
      for (let attempt = 0; attempt < 3; attempt++) {
        await assert.rejects(client.query({ query: 'select * from nowhere' }), { code: '60' });
        assert.equal(await (await client.query({ query: 'select 1', format: 'TabSeparated' })).text(), '1\n');
      }
    },
  },
];
