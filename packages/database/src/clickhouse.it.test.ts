import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import {
  type FreshClickHouse,
  type FreshPostgres,
  freshClickHouse,
  freshPostgres,
} from '@heliograph/testkit';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { withAdvisoryLock } from './advisory-lock.ts';
import { toDatabaseError } from './classify-error.ts';
import {
  type ClickHouseNotice,
  connectClickHouse,
  createClickHouseDatabase,
  pingClickHouse,
} from './clickhouse.ts';
import { migrateClickHouse } from './migrate-clickhouse.ts';
import { connectPostgres } from './postgres.ts';

let fresh: FreshClickHouse;
let client: ClickHouseClient;
let folder = '';
let notices: ClickHouseNotice[] = [];

beforeEach(async () => {
  notices = [];
  fresh = await freshClickHouse('database');
  client = connectClickHouse({
    url: fresh.url,
    application: 'database-test',
    onNotice: (notice) => notices.push(notice),
  });
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  await put(
    '0001_issues.sql',
    'CREATE TABLE IF NOT EXISTS issues (id String, at DateTime64(3)) ENGINE = MergeTree ORDER BY id;\n--> statement-breakpoint\n-- a second one\nALTER TABLE issues ADD COLUMN IF NOT EXISTS labels Map(String, String);',
  );
});
afterEach(async () => {
  await client.close();
  await fresh.drop();
  await rm(folder, { recursive: true });
});

const put = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
const migrate = (): ReturnType<typeof migrateClickHouse> =>
  migrateClickHouse(client, { name: 'dispatch', folder });
const rows = async (query: string): Promise<unknown[]> =>
  (await client.query({ query, format: 'JSONEachRow' })).json();
const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('connectClickHouse', () => {
  test('answers a ping and reads ISO instants', async () => {
    await pingClickHouse(client);
    await migrate();
    await client.insert({
      table: 'issues',
      values: [{ id: 'i1', at: '2026-01-02T03:04:05.678Z' }],
      format: 'JSONEachRow',
    });
    await expect(rows('select at from issues')).resolves.toEqual([{ at: '2026-01-02 03:04:05.678' }]);
  });

  test('neither the mapped error nor the notice has the text of the server, which quotes values', async () => {
    const error = await caught(rows("select toInt32('hunter2')"));
    const mapped = toDatabaseError(error, 'count issues');
    expect(mapped).toMatchObject({ code: 'DATABASE_FAILED', driverCode: '6' });
    expect([mapped.message, mapped.stack, String(mapped.cause)].join()).not.toContain('hunter2');
    expect(JSON.stringify(notices)).not.toContain('hunter2');
    expect(notices).toContainEqual(expect.objectContaining({ level: 'error', code: '6' }));
  });

  test('a server that is not there is "unavailable"', async () => {
    const away = connectClickHouse({ url: 'http://127.0.0.1:1', application: 'x' });
    await expect(pingClickHouse(away)).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      retryable: true,
    });
    await away.close();
  });

  test('a request over its time is a timeout', async () => {
    const hasty = connectClickHouse({ url: fresh.url, application: 'x', requestTimeoutMs: 100 });
    const error = toDatabaseError(await caught(hasty.command({ query: 'select sleep(2)' })), 'wait');
    expect(error).toMatchObject({ code: 'DATABASE_TIMEOUT', retryable: true });
    await hasty.close();
  });

  test('creates the database that the URL names', async () => {
    const url = new URL(fresh.url);
    url.pathname = `/${fresh.database}_more`;
    const options = { url: url.href, application: 'x' };
    await createClickHouseDatabase(options);
    await createClickHouseDatabase(options);
    const more = connectClickHouse(options);
    await expect(pingClickHouse(more)).resolves.toBeUndefined();
    await more.command({ query: `drop database ${fresh.database}_more` });
    await more.close();
  });
});

describe('migrateClickHouse', () => {
  test('applies in order, records, and does nothing the second time', async () => {
    await expect(migrate()).resolves.toEqual({ applied: ['0001_issues'], alreadyApplied: [] });
    await expect(migrate()).resolves.toEqual({ applied: [], alreadyApplied: ['0001_issues'] });
    await put('0002_more.sql', 'CREATE TABLE IF NOT EXISTS more (id String) ENGINE = MergeTree ORDER BY id');
    await expect(migrate()).resolves.toEqual({ applied: ['0002_more'], alreadyApplied: ['0001_issues'] });
    await expect(
      rows('select owner, version, name from schema_migrations order by version'),
    ).resolves.toEqual([
      { owner: 'dispatch', version: 1, name: '0001_issues' },
      { owner: 'dispatch', version: 2, name: '0002_more' },
    ]);
  });

  test('two at once under the lock apply a file once', async () => {
    const postgres: FreshPostgres = await freshPostgres('clickhouse_lock');
    const pg = connectPostgres({ url: postgres.url, applicationName: 'lock' });
    const lock = <T>(run: () => Promise<T>): Promise<T> => withAdvisoryLock(pg, 'clickhouse:dispatch', run);
    const results = await Promise.all(
      [1, 2, 3].map(() => migrateClickHouse(client, { name: 'dispatch', folder, lock })),
    );
    expect(results.flatMap(({ applied }) => applied)).toEqual(['0001_issues']);
    await pg.close();
    await postgres.drop();
  });

  test('a failing file is not recorded and begins again once mended', async () => {
    await put(
      '0002_bad.sql',
      "CREATE TABLE IF NOT EXISTS more (id String) ENGINE = MergeTree ORDER BY id;\n--> statement-breakpoint\nSELECT toInt32('hunter2');",
    );
    const error = await caught(migrate());
    expect(error).toMatchObject({
      code: 'DATABASE_MIGRATION_FAILED',
      message: expect.stringMatching(/0002_bad .* statement 2/),
    });
    expect(String(error)).not.toContain('hunter2');
    await put('0002_bad.sql', 'CREATE TABLE IF NOT EXISTS more (id String) ENGINE = MergeTree ORDER BY id;');
    await expect(migrate()).resolves.toMatchObject({ applied: ['0002_bad'] });
  });

  test('a changed file and a newer database are refused', async () => {
    await migrate();
    await put('0001_issues.sql', 'SELECT 1');
    await expect(migrate()).rejects.toMatchObject({ code: 'DATABASE_MIGRATION_CHANGED' });
    await rm(join(folder, '0001_issues.sql'));
    await expect(migrate()).rejects.toMatchObject({ code: 'DATABASE_MIGRATION_AHEAD' });
  });
});
