import { writeFile } from 'node:fs/promises';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TcpProxy, startTcpProxy, startTcpServer } from '@heliograph/simulators';
import { eventually, freshPostgres, type FreshPostgres } from '@heliograph/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { isUnavailable } from './classify-error.ts';
import { type PostgresOptions, type Sql, connectPostgres } from './postgres.ts';

let fresh: FreshPostgres;
let proxy: TcpProxy;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  fresh = await freshPostgres('pool');
  proxy = await startTcpProxy(Number(new URL(fresh.url).port));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(async () => {
  await proxy.close();
  await fresh.drop();
});

/** A pool through the proxy. */
function openPool(options: Partial<PostgresOptions> = {}): Sql {
  const url = new URL(fresh.url);
  url.host = `127.0.0.1:${proxy.port}`;
  const pg = connectPostgres({ url: url.href, applicationName: 'pool', maxConnections: 2, ...options });
  closers.push(() => pg.close(100));
  return pg.sql;
}
const caught = (work: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    (value) => ({ value }),
    (error: unknown) => error,
  );

describe('connections that went silent', () => {
  const TIMEOUT = { code: 'DATABASE_TIMEOUT', retryable: true };

  test('by default, queries reject and the pool works again in less than 15 s', async () => {
    const sql = openPool();
    await Promise.all([sql`select pg_sleep(0.05)`, sql`select pg_sleep(0.05)`]);
    proxy.silenceOpenConnections();
    const started = performance.now();
    const answers = await Promise.all(Array.from({ length: 6 }, () => caught(sql`select 1 as one`)));
    for (const answer of answers)
      expect((answer as { retryable?: boolean }).retryable ?? isUnavailable(answer)).toBe(true);
    await expect(sql`select 1 as one`).resolves.toEqual([{ one: 1 }]);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test.each<[string, (sql: Sql) => PromiseLike<unknown>]>([
    [
      'a statement of a transaction',
      (sql) =>
        sql.begin(async (tx) => {
          await tx`select 1`;
          proxy.silenceOpenConnections();
          await tx`select 2`;
        }),
    ],
    [
      'a statement whose error the work swallows',
      (sql) =>
        sql.begin(async (tx) => {
          proxy.silenceOpenConnections();
          await caught(tx`select 2`);
        }),
    ],
    [
      'the commit',
      (sql) =>
        sql.begin(async (tx) => {
          await tx`select 1`;
          proxy.silenceOpenConnections();
        }),
    ],
    [
      'a savepoint',
      (sql) =>
        sql.begin(async (tx) => {
          await tx`select 1`;
          proxy.silenceOpenConnections();
          await tx.savepoint((inner) => inner`select 2`);
        }),
    ],
    [
      'the begin',
      async (sql) => {
        await sql`select 1`;
        proxy.silenceOpenConnections();
        await sql.begin((tx) => tx`select 1`);
      },
    ],
    [
      'a cursor between two pages',
      async (sql) => {
        for await (const rows of sql`select * from generate_series(1, 3)`.cursor(1)) {
          if (rows.length > 0) proxy.silenceOpenConnections();
        }
      },
    ],
  ])('%s rejects, and the pool works again', async (_, work) => {
    const sql = openPool({ queryTimeoutMs: 500, maxConnections: 1 });
    await expect(work(sql)).rejects.toMatchObject(TIMEOUT);
    await expect(sql`select 1 as one`).resolves.toEqual([{ one: 1 }]);
  });

  test('a query that waits for a connection has the same deadline', async () => {
    const sql = openPool({ queryTimeoutMs: 500, maxConnections: 1 });
    await sql.begin(async () => {
      await expect(sql`select 1`).rejects.toMatchObject(TIMEOUT);
    });
  });
});

test('a query that is asked as soon as another was rejected by a reset is answered or rejected, and so is the next', async () => {
  const clients: Socket[] = [];
  const server = await startTcpServer((client) => {
    const target = connect(Number(new URL(fresh.url).port), '127.0.0.1');
    clients.push(client);
    client.pipe(target).pipe(client);
    for (const socket of [client, target]) socket.on('error', () => target.destroy());
    client.on('close', () => target.destroy());
  });
  closers.push(() => server.close());
  const url = new URL(fresh.url);
  url.host = `127.0.0.1:${server.port}`;
  const pg = connectPostgres({ url: url.href, applicationName: 'reset', maxConnections: 1 });
  closers.unshift(() => pg.close(100));
  await pg.ping();
  const running = caught(pg.sql`select pg_sleep(0.5)`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  clients[0]?.resetAndDestroy();
  expect(isUnavailable(await running)).toBe(true);
  const started = performance.now();
  await caught(pg.sql`select 1`);
  await expect(pg.sql`select 2 as two`).resolves.toEqual([{ two: 2 }]);
  expect(performance.now() - started).toBeLessThan(5000);
});

describe('what the driver documents works through the pool', () => {
  test('a transaction and a savepoint of a list of queries', async () => {
    const sql = openPool();
    await sql`create table forms (n integer primary key)`;
    await expect(
      sql.begin((tx) => [tx`insert into forms values (1)`, tx`insert into forms values (2) returning n`]),
    ).resolves.toEqual([[], [{ n: 2 }]]);
    await sql.begin(async (tx) => {
      await tx.savepoint((inner) => [
        inner`insert into forms values (3)`,
        inner`insert into forms values (4)`,
      ]);
    });
    await expect(
      sql.begin((tx) => [tx`insert into forms values (5)`, tx`insert into forms values (5)`]),
    ).rejects.toMatchObject({ code: '23505' });
    await expect(sql`select n from forms order by n`).resolves.toEqual([1, 2, 3, 4].map((n) => ({ n })));
  });

  test('a savepoint with a name, and its failure', async () => {
    const sql = openPool();
    await expect(
      sql.begin('read write', async (tx) => {
        await caught(tx.savepoint('inner', (inner) => inner`select 1 / 0`));
        const [row] = await tx`select 1 as one`;
        return row;
      }),
    ).resolves.toEqual({ one: 1 });
  });

  test('helpers, fragments, dynamic columns, raw, values, describe, forEach, simple, cancel', async () => {
    const sql = openPool();
    await sql`create table people (name text, age integer)`;
    const people = [
      { name: 'Murray', age: 68 },
      { name: 'Walter', age: 80 },
    ];
    await sql`insert into people ${sql(people, 'name', 'age')}`;
    const older = (age: number) => sql`and age > ${age}`;
    await expect(sql`select ${sql(['name'])} from ${sql('people')} where true ${older(70)}`).resolves.toEqual(
      [{ name: 'Walter' }],
    );
    await expect(sql`select age from people where name in ${sql(['Murray'])}`.values()).resolves.toEqual([
      [68],
    ]);
    await expect(sql`select age from people limit 1`.raw()).resolves.toHaveLength(1);
    await expect(sql`select age from people`.describe()).resolves.toMatchObject({
      columns: [{ name: 'age' }],
    });
    const seen: unknown[] = [];
    await sql`select name from people`.forEach((row) => seen.push(row));
    expect(seen).toHaveLength(2);
    await expect(sql`select 1 as a; select 2 as b`.simple()).resolves.toEqual([[{ a: 1 }], [{ b: 2 }]]);
    await expect(sql.unsafe('select $1::integer as n', [3])).resolves.toEqual([{ n: 3 }]);
    const sleeping = sql`select pg_sleep(30)`.execute();
    const rejected = caught(sleeping);
    await new Promise((resolve) => setTimeout(resolve, 200));
    sleeping.cancel();
    await expect(rejected).resolves.toMatchObject({ code: '57014' });
    await expect(sql`select 1 as one`).resolves.toEqual([{ one: 1 }]);
  });

  test('cursors', async () => {
    const sql = openPool({ maxConnections: 1 });
    const pages: number[] = [];
    for await (const rows of sql`select * from generate_series(1, 5)`.cursor(2)) pages.push(rows.length);
    await sql`select * from generate_series(1, 5)`.cursor(2, (rows) => {
      pages.push(rows.length);
      return sql.CLOSE;
    });
    for await (const rows of sql`select * from generate_series(1, 5)`.cursor(2)) {
      pages.push(rows.length);
      break;
    }
    expect(pages).toEqual([2, 2, 1, 2, 2]);
    await expect(sql`select 1 as one`).resolves.toEqual([{ one: 1 }]);
  });

  test('COPY in both directions', async () => {
    const sql = openPool({ maxConnections: 1 });
    await sql`create table copied (n integer)`;
    const writable = await sql`copy copied from stdin`.writable();
    writable.end('1\n2\n');
    await new Promise((resolve) => writable.once('close', resolve));
    const readable = await sql`copy copied to stdout`.readable();
    let text = '';
    for await (const chunk of readable) text += String(chunk);
    expect(text).toBe('1\n2\n');
    await expect(sql`select count(*)::integer as n from copied`).resolves.toEqual([{ n: 2 }]);
  });

  test('notify, listen and files', async () => {
    const sql = openPool();
    const heard: string[] = [];
    await sql.listen('news', (payload) => heard.push(payload));
    await sql.notify('news', 'hello');
    await eventually('the payload arrives', () => heard.length === 1);
    const file = join(tmpdir(), `pool-${process.pid}.sql`);
    await writeFile(file, 'select $1::integer as n');
    await expect(sql.file(file, [4])).resolves.toEqual([{ n: 4 }]);
    await expect(sql.file(`${file}.none`)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
