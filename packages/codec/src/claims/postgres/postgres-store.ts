import type postgres from 'postgres';
import type { ObjectStore } from '../object-store.ts';
import { assertSize, guardStore } from '../stores/store-error.ts';

/**
 * Stores objects in the table `claims.objects` of PostgreSQL. Give it a connection pool of postgres.js with a statement
 * timeout, and apply `CLAIMS_MIGRATIONS` first.
 */
export function createPostgresStore({ sql }: { readonly sql: postgres.Sql }): ObjectStore {
  return {
    type: 'postgres',
    put: (name, bytes) =>
      guardStore('store an object', async () => {
        const rows = await sql`
          insert into claims.objects (name, data) values (${name}, ${Buffer.from(bytes)})
          on conflict (name) do nothing returning 1`;
        return rows.length > 0;
      }),
    get: (name, maxBytes) =>
      guardStore('read an object', async () => {
        const [row] = await sql<{ size: number; data: Uint8Array | null; version: string | null }[]>`
          select octet_length(data) as size,
            case when octet_length(data) <= ${maxBytes}::bigint then data end as data,
            case when octet_length(data) <= ${maxBytes}::bigint then encode(sha256(data), 'hex') end as version
          from claims.objects where name = ${name}`;
        if (row === undefined) return null;
        assertSize(name, row.size, maxBytes);
        return { bytes: row.data ?? new Uint8Array(), version: row.version ?? '' };
      }),
    replace: (name, { bytes, version }) =>
      guardStore('replace an object', async () => {
        const rows = await sql`
          update claims.objects set data = ${Buffer.from(bytes)}
          where name = ${name} and encode(sha256(data), 'hex') = ${version} returning 1`;
        return rows.length > 0;
      }),
    remove: (name) =>
      guardStore('delete an object', async () => {
        await sql`delete from claims.objects where name = ${name}`;
      }),
    list: ({ after, limit }) =>
      guardStore('list objects', async () => {
        const rows = await sql<{ name: string }[]>`
          select name from claims.objects where name > ${after ?? ''} order by name limit ${limit}`;
        return rows.map(({ name }) => name);
      }),
  };
}
