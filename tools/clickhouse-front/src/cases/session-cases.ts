import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { FrontCase } from '../front-case.ts';

export const sessionCases: readonly FrontCase[] = [
  {
    name: 'a temporary table lives in its session',
    run: async ({ connect, client }) => {
      const session = connect({ session_id: randomUUID(), max_open_connections: 1 });
      await session.command({ query: 'create temporary table kept (a UInt8)' });
      await session.insert({ table: 'kept', values: [{ a: 1 }], format: 'JSONEachRow' });
      assert.equal(
        await (await session.query({ query: 'select a from kept', format: 'TabSeparated' })).text(),
        '1\n',
      );
      await assert.rejects(client.query({ query: 'select a from kept' }), { code: '60' });
    },
  },
  {
    name: 'SET holds in its session and nowhere else',
    run: async ({ connect, client }) => {
      const session = connect({ session_id: randomUUID(), max_open_connections: 1 });
      const threads = "select value from system.settings where name = 'max_block_size'";
      await session.command({ query: 'set max_block_size = 123' });
      assert.equal(await (await session.query({ query: threads, format: 'TabSeparated' })).text(), '123\n');
      assert.notEqual(await (await client.query({ query: threads, format: 'TabSeparated' })).text(), '123\n');
    },
  },
  {
    name: 'a setting of one request in a session ends with it',
    run: async ({ connect }) => {
      const session = connect({ session_id: randomUUID(), max_open_connections: 1 });
      const query = "select value from system.settings where name = 'max_block_size'";
      await session.command({ query: 'set max_block_size = 123' });
      const inside = await session.query({
        query,
        format: 'TabSeparated',
        clickhouse_settings: { max_block_size: '77' },
      });
      assert.equal(await inside.text(), '77\n');
      assert.equal(await (await session.query({ query, format: 'TabSeparated' })).text(), '123\n');
    },
  },
  {
    name: 'USE holds in its session',
    run: async ({ connect, url }) => {
      const session = connect({ url, database: '', session_id: randomUUID(), max_open_connections: 1 });
      await session.command({ query: 'use system' });
      assert.equal(
        await (await session.query({ query: 'select currentDatabase()', format: 'TabSeparated' })).text(),
        'system\n',
      );
    },
    frontOnly: 'the client always names a database, which a server prefers to USE',
  },
  {
    name: 'a busy session refuses a second request',
    run: async ({ connect }) => {
      const session = connect({ session_id: randomUUID(), max_open_connections: 2 });
      const slow = session.query({ query: 'select sleep(0.7)', format: 'TabSeparated' });
      await new Promise((resolve) => setTimeout(resolve, 200));
      await assert.rejects(session.query({ query: 'select 1' }), { code: '373' });
      await (await slow).text();
      assert.equal(await (await session.query({ query: 'select 1', format: 'TabSeparated' })).text(), '1\n');
    },
  },
  {
    name: 'an unknown session is refused when it must exist',
    run: async ({ url }) => {
      const address = new URL(url);
      const authorization = `Basic ${Buffer.from(`${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}`).toString('base64')}`;
      const response = await fetch(
        `${address.origin}/?session_id=${randomUUID()}&session_check=1&query=select%201`,
        { headers: { authorization } },
      );
      assert.equal(response.headers.get('x-clickhouse-exception-code'), '372');
      await response.text();
    },
  },
];
