import { createClient } from '@clickhouse/client';
import { describe, expect, test } from '@jest/globals';
import postgres from 'postgres';
import { freshClickHouse } from './fresh-clickhouse.ts';
import { freshPostgres } from './fresh-postgres.ts';
import { stackAddresses } from './stack-addresses.ts';

/** A pool that closes in bounded time whatever happened to its connections. */
async function withSql<T>(url: string, run: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connection: { application_name: 'suite' } });
  try {
    return await run(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

describe('a PostgreSQL database of a suite', () => {
  const exists = (database: string) =>
    withSql(stackAddresses().postgresUrl, async (sql) => {
      const rows = await sql`select from pg_database where datname = ${database}`;
      return rows.length === 1;
    });

  test('is empty, its own, and gone afterwards', async () => {
    const [first, second] = await Promise.all([freshPostgres('suite'), freshPostgres('suite')]);
    expect(first.database).not.toBe(second.database);
    await withSql(first.url, (sql) => sql`create table things (id int)`);
    const tables = await withSql(
      second.url,
      (sql) => sql`select from information_schema.tables where table_schema = 'public'`,
    );
    expect(tables).toHaveLength(0);
    await first.drop();
    await second.drop();
    await expect(exists(first.database)).resolves.toBe(false);
    await expect(exists(second.database)).resolves.toBe(false);
  });

  test('with a pool that was left open fails the drop by the name of who left it, and is gone all the same', async () => {
    const fresh = await freshPostgres('suite');
    const leaked = postgres(fresh.url, {
      max: 1,
      onnotice: () => undefined,
      connection: { application_name: 'leaky' },
    });
    await leaked`select 1`;
    await expect(fresh.drop()).rejects.toThrow(`${fresh.database}: 1 connection(s) left open by leaky`);
    await expect(exists(fresh.database)).resolves.toBe(false);
    await leaked.end({ timeout: 1 });
  });
});

describe('a ClickHouse database of a suite', () => {
  test('is empty, its own, and gone afterwards', async () => {
    const [first, second] = await Promise.all([freshClickHouse('suite'), freshClickHouse('suite')]);
    const client = createClient({ url: first.url });
    await client.command({ query: 'create table things (id UInt8) engine = Memory' });
    const names = async (database: string): Promise<readonly unknown[]> => {
      const found = await client.query({
        query: 'select name from system.tables where database = {database:String}',
        query_params: { database },
        format: 'JSONEachRow',
      });
      return found.json();
    };
    await expect(names(first.database)).resolves.toEqual([{ name: 'things' }]);
    await expect(names(second.database)).resolves.toEqual([]);
    await client.close();
    await first.drop();
    await second.drop();
    await expect(first.drop()).rejects.toThrow(/does not exist|doesn't exist|UNKNOWN_DATABASE/i);
  });
});
