import { findUnusedPort, startTcpProxy } from '@heliograph/simulators';
import { eventually, freshPostgres, type FreshPostgres } from '@heliograph/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql as raw } from 'drizzle-orm';
import { integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { withAdvisoryLock } from './advisory-lock.ts';
import { classifyError, isUnavailable, toDatabaseError } from './classify-error.ts';
import { parseKeyRing } from './key-ring.ts';
import { type Postgres, connectPostgres } from './postgres.ts';
import { sealedColumns } from './sealed-columns.ts';
import { createSealer } from './sealer.ts';

let fresh: FreshPostgres;
let pg: Postgres;
const apps = pgTable('apps', { id: text('id').primaryKey(), ...sealedColumns('signingSecret') });

beforeAll(async () => {
  fresh = await freshPostgres('database');
  pg = connectPostgres({ url: fresh.url, applicationName: 'database-test', maxConnections: 3 });
  await pg.sql`create table apps (id text primary key, signing_secret_sealed bytea, signing_secret_key_id text)`;
});
afterAll(async () => {
  await pg.close();
  await fresh.drop();
});

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('connectPostgres', () => {
  test('answers a ping and names the application', async () => {
    await pg.ping();
    const [row] =
      await pg.sql`select current_setting('application_name') as name, current_setting('TimeZone') as zone`;
    expect(row).toEqual({ name: 'database-test', zone: 'UTC' });
  });

  test('a terminated backend is "unavailable", and the pool works again', async () => {
    const other = pg.separate();
    try {
      const [row] = await other<{ pid: number }[]>`select pg_backend_pid() as pid`;
      const sleeping = caught(other`select pg_sleep(30)`);
      await pg.sql`select pg_terminate_backend(${row?.pid ?? 0})`;
      const error = await sleeping;
      expect(isUnavailable(error)).toBe(true);
      expect(isUnavailable(new Error('wrapped', { cause: error }))).toBe(true);
      expect(toDatabaseError(error, 'wait')).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
      // The next query may still meet the dying connection; the pool recovers by itself.
      const again = await eventually('the pool works again', async () =>
        other`select 1 as one`.catch(() => undefined),
      );
      expect(again).toEqual([{ one: 1 }]);
    } finally {
      await other.end({ timeout: 1 });
    }
  });

  test('a database that does not exist is not "unavailable", a server that is not there is', async () => {
    const url = new URL(fresh.url);
    url.pathname = '/no_such_database';
    const lost = connectPostgres({ url: url.href, applicationName: 'x' });
    const error = await caught(lost.ping());
    expect(error).toMatchObject({ code: 'DATABASE_FAILED', driverCode: '3D000' });
    await lost.close();

    url.port = String(await findUnusedPort());
    const away = connectPostgres({ url: url.href, applicationName: 'x' });
    for (let attempt = 0; attempt < 4; attempt++) {
      await expect(away.ping()).rejects.toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        driverCode: 'ECONNREFUSED',
      });
    }
    await away.close();
  });

  test('a server that goes away and comes back is used again by the same pool', async () => {
    const url = new URL(fresh.url);
    const proxy = await startTcpProxy(Number(url.port));
    url.host = `127.0.0.1:${proxy.port}`;
    const through = connectPostgres({ url: url.href, applicationName: 'proxied', maxConnections: 2 });
    try {
      await through.ping();
      proxy.cutWhen(() => true);
      await expect(through.ping()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
      proxy.cutWhen(() => false);
      await expect(through.ping()).resolves.toBeUndefined();
    } finally {
      await through.close();
      await proxy.close();
    }
  });

  test('a statement over its time is a timeout', async () => {
    const hasty = pg.separate({ statementTimeoutMs: 50 });
    expect(classifyError(await caught(hasty`select pg_sleep(30)`))).toBe('timeout');
    await hasty.end();
  });

  test('notices are not printed', async () => {
    const seen: unknown[] = [];
    const noticing = connectPostgres({
      url: fresh.url,
      applicationName: 'n',
      onNotice: (notice) => seen.push(notice),
    });
    await noticing.sql`drop table if exists no_such_table`;
    expect(seen).toEqual([{ severity: 'NOTICE', code: '00000' }]);
    await noticing.close();
  });

  test('bind values and row contents do not reach the mapped error', async () => {
    await pg.db.insert(apps).values({ id: 'hunter2' });
    const conflict = toDatabaseError(
      await caught(pg.db.insert(apps).values({ id: 'hunter2' })),
      'save app a1',
    );
    expect(conflict).toMatchObject({
      code: 'DATABASE_CONFLICT',
      constraint: 'apps_pkey',
      table: 'public.apps',
    });
    const cast = toDatabaseError(await caught(pg.db.execute(raw`select ${'hunter2'}::integer`)), 'count');
    expect(cast).toMatchObject({ code: 'DATABASE_FAILED', driverCode: '22P02' });
    for (const error of [conflict, cast]) {
      expect(
        [error.message, error.stack, String(error.cause), (error.cause as Error).stack].join(),
      ).not.toContain('hunter2');
    }
  });

  test('a sealed secret goes through drizzle’s columns and comes back', async () => {
    const sealer = createSealer(parseKeyRing(`k1:${Buffer.alloc(32, 3).toString('base64url')}`));
    const { keyId, sealed } = sealer.seal('whsec_value', 'app:a2');
    await pg.db.insert(apps).values({ id: 'a2', signingSecretSealed: sealed, signingSecretKeyId: keyId });
    const [row] = await pg.db
      .select()
      .from(apps)
      .where(raw`id = 'a2'`);
    expect(
      sealer.open(
        { keyId: row?.signingSecretKeyId ?? '', sealed: row?.signingSecretSealed ?? new Uint8Array() },
        'app:a2',
      ),
    ).toBe('whsec_value');
  });
});

describe('one pool for tagged queries and for drizzle', () => {
  const odd = pgTable('odd', {
    id: text('id').primaryKey(),
    labels: text('labels').array().notNull(),
    counts: integer('counts').array(),
    at: timestamp('at', { withTimezone: true }),
    days: timestamp('days', { withTimezone: true }).array(),
    doc: jsonb('doc'),
  });
  const labels = ['a,b', 'with "quotes"', 'back\\slash', 'NULL', '', '{}', 'ü\n'];
  const at = new Date('2026-01-02T03:04:05.678Z');

  beforeAll(async () => {
    await pg.sql`create table odd (id text primary key, labels text[], counts integer[], at timestamptz, days timestamptz[], doc jsonb)`;
  });

  test('what drizzle writes both read', async () => {
    await pg.db.insert(odd).values({ id: 'd', labels, counts: [1, 2], at, days: [at], doc: { a: [1] } });
    const [byDrizzle] = await pg.db
      .select()
      .from(odd)
      .where(raw`id = 'd'`);
    expect(byDrizzle).toEqual({ id: 'd', labels, counts: [1, 2], at, days: [at], doc: { a: [1] } });
    const [tagged] = await pg.sql`select labels, counts, at, doc from odd where id = 'd'`;
    expect(tagged).toEqual({ labels, counts: [1, 2], at: '2026-01-02 03:04:05.678+00', doc: { a: [1] } });
  });

  test('what a tagged query writes both read', async () => {
    await pg.sql`insert into odd ${pg.sql({ id: 't', labels, counts: [3], at, days: pg.sql.array([at]), doc: pg.sql.json({ b: 'x' }) })}`;
    const [byDrizzle] = await pg.db
      .select()
      .from(odd)
      .where(raw`id = 't'`);
    expect(byDrizzle).toEqual({ id: 't', labels, counts: [3], at, days: [at], doc: { b: 'x' } });
    await expect(
      pg.sql`select id from odd where id = any(${['t', 'x']}) and labels @> ${pg.sql.array(['NULL'])}`,
    ).resolves.toEqual([{ id: 't' }]);
    await expect(
      pg.sql`select null::text[] as nothing, array[1, null]::int4[] as gaps, array[[1,2],[3,4]] as nested, '{}'::text[] as empty`,
    ).resolves.toEqual([
      {
        nothing: null,
        gaps: [1, null],
        nested: [
          [1, 2],
          [3, 4],
        ],
        empty: [],
      },
    ]);
  });
});

describe('transactions on a connection that is lost', () => {
  const kill = async (application: string): Promise<number> => {
    const killed =
      await pg.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${application} and datname = current_database()`;
    return killed.length;
  };
  const connectVictim = (name: string): Postgres =>
    connectPostgres({ url: fresh.url, applicationName: name, maxConnections: 2 });

  test('a loss under a statement rejects as unavailable, and later statements are refused', async () => {
    const victim = connectVictim('victim-a');
    const later: unknown[] = [];
    const error = await caught(
      victim.sql.begin(async (tx) => {
        await tx`select 1`;
        await kill('victim-a');
        for (let attempt = 0; attempt < 3; attempt++)
          later.push(await caught(tx`insert into apps (id) values ('ghost')`));
        return 'swallowed';
      }),
    );
    expect(isUnavailable(error)).toBe(true);
    await eventually('the statements were refused', () => later.length === 3);
    expect(later.every((one) => isUnavailable(one))).toBe(true);
    await expect(pg.sql`select * from apps where id = 'ghost'`).resolves.toEqual([]);
    await victim.close();
  });

  test('a loss between statements rejects too, and nothing runs outside the transaction', async () => {
    const victim = connectVictim('victim-b');
    let afterwards: unknown;
    const transaction = caught(
      victim.db.transaction(async (tx) => {
        await tx.execute(raw`select 1`);
        await tx.transaction(async (inner) => {
          await inner.execute(raw`select 2`);
          await kill('victim-b');
          await eventually('the server noticed', async () => (await kill('victim-b')) === 0);
          await new Promise((resolve) => setTimeout(resolve, 50));
          afterwards = await caught(inner.insert(apps).values({ id: 'ghost' }));
        });
      }),
    );
    expect(isUnavailable(await transaction)).toBe(true);
    await eventually('the insert was refused', () => afterwards !== undefined);
    expect(isUnavailable(afterwards)).toBe(true);
    await expect(pg.sql`select * from apps where id = 'ghost'`).resolves.toEqual([]);
    await victim.close();
  });

  test('a pool whose connections are killed again and again works afterwards', async () => {
    const victim = connectVictim('victim-c');
    const stop = new AbortController();
    let committed = 0;
    const work = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        await caught(
          victim.sql.begin(async (tx) => {
            await tx`select 1`;
            await tx`select pg_sleep(0.002)`;
            await tx.savepoint(async (inner) => void (await inner`select 2`));
            committed += 1;
          }),
        );
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    const workers = Array.from({ length: 4 }, () => work());
    for (let round = 0; round < 30; round++) {
      await kill('victim-c');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const before = committed;
    await eventually('transactions commit again', () => committed > before + 50);
    stop.abort();
    await Promise.all(workers);
    expect(committed).toBeGreaterThan(before);
    await victim.close();
  });

  test('without a loss nothing is different', async () => {
    const mine = new Error('mine');
    await expect(
      pg.sql.begin(async (tx) => {
        await tx`insert into apps (id) values ('undone')`;
        throw mine;
      }),
    ).rejects.toBe(mine);
    await expect(
      pg.sql.begin('isolation level serializable', async (tx) => {
        await tx`insert into apps (id) values ('done')`;
        await caught(
          tx.savepoint('sp', async (inner) => {
            await inner`insert into apps (id) values ('done')`;
          }),
        );
        const rows = await tx<{ level: string }[]>`select current_setting('transaction_isolation') as level`;
        return rows[0]?.level;
      }),
    ).resolves.toBe('serializable');
    await expect(pg.sql`select id from apps where id in ('done', 'undone')`).resolves.toEqual([
      { id: 'done' },
    ]);
    await expect(pg.sql.reserve()).rejects.toThrow(/separate/);
  });
});

describe('withAdvisoryLock', () => {
  test('only one at a time runs', async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<number> => {
      inside += 1;
      most = Math.max(most, inside);
      await pg.sql`select pg_sleep(0.02)`;
      inside -= 1;
      return most;
    };
    await Promise.all(Array.from({ length: 5 }, () => withAdvisoryLock(pg, 'lock-a', work)));
    expect(most).toBe(1);
  });

  test('waiting too long is a timeout, an error of the work comes out as it is, and the lock is free again', async () => {
    const error = new Error('of the work');
    await withAdvisoryLock(pg, 'lock-b', async () => {
      await expect(
        withAdvisoryLock(pg, 'lock-b', () => Promise.resolve(1), { waitMs: 50 }),
      ).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
    });
    await expect(withAdvisoryLock(pg, 'lock-b', () => Promise.reject(error))).rejects.toBe(error);
    await expect(withAdvisoryLock(pg, 'lock-b', () => Promise.resolve(2))).resolves.toBe(2);
  });
});
