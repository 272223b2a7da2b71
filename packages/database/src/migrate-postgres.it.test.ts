import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshPostgres, type FreshPostgres } from '@heliograph/testkit';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migratePostgres } from './migrate-postgres.ts';
import { type Postgres, connectPostgres } from './postgres.ts';

let fresh: FreshPostgres;
let pg: Postgres;
let folder = '';

beforeEach(async () => {
  fresh = await freshPostgres('migrate');
  pg = connectPostgres({ url: fresh.url, applicationName: 'migrate-test' });
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  await put(
    '0000_init.sql',
    'CREATE SCHEMA "dispatch";\n--> statement-breakpoint\nCREATE TABLE "dispatch"."routes" (id text primary key);\n--> statement-breakpoint\nINSERT INTO routes VALUES (\'r1\');',
  );
  await put('0001_more.sql', 'ALTER TABLE dispatch.routes ADD COLUMN name text;');
});
afterEach(async () => {
  await pg.close();
  await fresh.drop();
  await rm(folder, { recursive: true });
});

const put = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
const migrate = (): ReturnType<typeof migratePostgres> => migratePostgres(pg, { schema: 'dispatch', folder });
const recorded = async (): Promise<readonly string[]> =>
  (await pg.sql<{ name: string }[]>`select name from dispatch.schema_migrations order by version`).map(
    ({ name }) => name,
  );

describe('migratePostgres', () => {
  test('applies in order, records, and does nothing the second time', async () => {
    await expect(migrate()).resolves.toEqual({ applied: ['0000_init', '0001_more'], alreadyApplied: [] });
    await expect(migrate()).resolves.toEqual({ applied: [], alreadyApplied: ['0000_init', '0001_more'] });
    await expect(pg.sql`select * from dispatch.routes`).resolves.toEqual([{ id: 'r1', name: null }]);
    const [row] = await pg.sql`select checksum, applied_at from dispatch.schema_migrations limit 1`;
    expect(row).toEqual({
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      applied_at: expect.stringMatching(/^20/),
    });
  });

  test('a role that may only read what was applied finds nothing to do, and is refused where there is something', async () => {
    await migrate();
    const role = `reader_${fresh.database}`;
    await pg.sql.unsafe(`create role "${role}" login password 'x'`);
    await pg.sql.unsafe(`grant usage on schema dispatch to "${role}"`);
    await pg.sql.unsafe(`grant select on dispatch.schema_migrations to "${role}"`);
    const url = new URL(fresh.url);
    url.username = role;
    url.password = 'x';
    const limited = connectPostgres({ url: url.href, applicationName: 'limited' });
    const migrateLimited = () => migratePostgres(limited, { schema: 'dispatch', folder });
    try {
      await expect(migrateLimited()).resolves.toEqual({
        applied: [],
        alreadyApplied: ['0000_init', '0001_more'],
      });
      await put('0002_later.sql', 'create table later (id text);');
      await expect(migrateLimited()).rejects.toMatchObject({ driverCode: '42501' });
    } finally {
      await limited.close();
      await pg.sql.unsafe(`drop owned by "${role}"`);
      await pg.sql.unsafe(`drop role "${role}"`);
    }
  });

  test('many migrators at once apply every file once', async () => {
    const results = await Promise.all(Array.from({ length: 6 }, () => migrate()));
    expect(results.flatMap(({ applied }) => applied).toSorted()).toEqual(['0000_init', '0001_more']);
    await expect(pg.sql`select * from dispatch.routes`).resolves.toHaveLength(1);
  });

  test('two packages keep their own accounts', async () => {
    await migrate();
    await put('0000_init.sql', 'create table nodes (id text);');
    await put('0001_more.sql', 'create table events (id text);');
    await expect(migratePostgres(pg, { schema: 'health', folder })).resolves.toMatchObject({
      applied: ['0000_init', '0001_more'],
    });
    await expect(
      pg.sql`select to_regclass('health.nodes') is not null as own, to_regclass('public.nodes') as public`,
    ).resolves.toEqual([{ own: true, public: null }]);
  });

  test('a changed file is refused', async () => {
    await migrate();
    await put('0001_more.sql', 'ALTER TABLE dispatch.routes ADD COLUMN other text;');
    await expect(migrate()).rejects.toMatchObject({
      code: 'DATABASE_MIGRATION_CHANGED',
      message: expect.stringContaining('0001_more'),
    });
  });

  test('a database newer than the code is refused, and nothing is applied', async () => {
    await migrate();
    await rm(join(folder, '0001_more.sql'));
    await expect(migrate()).rejects.toMatchObject({
      code: 'DATABASE_MIGRATION_AHEAD',
      retryable: false,
      message: expect.stringContaining('0001_more'),
    });
  });

  test('a failing file leaves nothing behind, names its statement, and runs once mended', async () => {
    await put(
      '0002_bad.sql',
      "create table dispatch.extra (id text);\n--> statement-breakpoint\ninsert into dispatch.extra select 'hunter2'::integer;",
    );
    const error: unknown = await migrate().catch((failure: unknown) => failure);
    expect(error).toMatchObject({
      code: 'DATABASE_MIGRATION_FAILED',
      driverCode: '22P02',
      message: expect.stringMatching(/0002_bad .* statement 2/),
    });
    expect(String(error)).not.toContain('hunter2');
    await expect(recorded()).resolves.toEqual(['0000_init', '0001_more']);
    await expect(pg.sql`select to_regclass('dispatch.extra') as extra`).resolves.toEqual([{ extra: null }]);
    await put('0002_bad.sql', 'create table dispatch.extra (id text);');
    await expect(migrate()).resolves.toMatchObject({ applied: ['0002_bad'] });
  });

  test('a migrator that dies in the middle leaves the file to the next one', async () => {
    await put(
      '0002_slow.sql',
      'create table dispatch.slow (id text);\n--> statement-breakpoint\nselect pg_sleep(30);',
    );
    const dying = migrate().catch((failure: unknown) => failure);
    for (;;) {
      const killed =
        await pg.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'select pg_sleep%' and pid <> pg_backend_pid()`;
      if (killed.length > 0) break;
    }
    await expect(dying).resolves.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
    await expect(recorded()).resolves.toEqual(['0000_init', '0001_more']);
    await put('0002_slow.sql', 'create table dispatch.slow (id text);');
    await expect(migrate()).resolves.toMatchObject({ applied: ['0002_slow'] });
  });

  test('a lock that is not free in time is a retryable timeout', async () => {
    await migrate();
    await put('0002_later.sql', 'create table later (id text);');
    const holder = pg.separate();
    await holder`select pg_advisory_lock(hashtextextended('migrate:dispatch', 0))`;
    await expect(migratePostgres(pg, { schema: 'dispatch', folder, lockWaitMs: 50 })).rejects.toMatchObject({
      code: 'DATABASE_TIMEOUT',
      retryable: true,
    });
    await holder.end();
  });

  test.each(['Public', 'a-b', '1a', 'a"; drop schema public; --'])(
    'the schema name %s is refused',
    async (schema) => {
      await expect(migratePostgres(pg, { schema, folder })).rejects.toMatchObject({
        code: 'DATABASE_MIGRATION_INVALID',
      });
    },
  );
});
