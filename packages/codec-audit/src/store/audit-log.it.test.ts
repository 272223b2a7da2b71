import { spawn, type ChildProcess } from 'node:child_process';
import { connectPostgres, type Postgres } from '@heliograph/database';
import { startTcpProxy } from '@heliograph/simulators';
import { eventually, freshPostgres, type FreshPostgres } from '@heliograph/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import postgres from 'postgres';
import type { ChainHead } from '../audit-entry.ts';
import { EMPTY_CHAIN } from '../chain.ts';
import { verifyChain } from '../verify-chain.ts';
import { entryOf } from '../testing/entries.ts';
import { createAuditLog } from './create-audit-log.ts';
import { createAuditReader } from './create-audit-reader.ts';
import { migrateAudit } from './migrate.ts';

let database: FreshPostgres;
let pg: Postgres;

beforeAll(async () => {
  database = await freshPostgres('codec-audit');
  pg = connectPostgres({ url: database.url, applicationName: 'codec-audit-test' });
});
afterAll(async () => {
  await pg.close();
  await database.drop();
});
beforeEach(async () => {
  await pg.sql`drop schema if exists codec_audit cascade`;
  await migrateAudit(pg);
});

const verify = (checkpoint?: ChainHead) =>
  verifyChain(createAuditReader({ pg }).readAll(), checkpoint === undefined ? {} : { checkpoint });
const appendSome = async (count: number): Promise<ChainHead> => {
  const log = createAuditLog({ pg });
  for (let number = 0; number < count; number++) await log.append([entryOf({ requestId: `r${number}` })]);
  return createAuditReader({ pg }).readHead();
};

describe('append', () => {
  test('what is appended is read as it was given, newest or oldest first, in pages', async () => {
    const heads: ChainHead[] = [];
    const log = createAuditLog({ pg, onAppended: (head) => heads.push(head) });
    await log.append([entryOf({ requestId: 'a' }), entryOf({ requestId: 'b', subject: null, reason: 'X' })]);
    await log.append([]);
    await log.append([entryOf({ requestId: 'c', namespace: null, domain: null, keyId: null, count: 0 })]);
    const reader = createAuditReader({ pg });
    const newest = await reader.list({}, { limit: 10 });
    expect(newest.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
    expect(newest[1]).toMatchObject(entryOf({ requestId: 'b', subject: null, reason: 'X' }));
    await expect(reader.list({}, { order: 'oldest', after: 1, limit: 1 })).resolves.toMatchObject([
      { requestId: 'b' },
    ]);
    await expect(reader.list({}, { after: 2, limit: 5 })).resolves.toMatchObject([{ requestId: 'a' }]);
    expect(heads.map(({ sequence }) => sequence)).toEqual([2, 3]);
    await expect(verify(heads[0])).resolves.toEqual({ kind: 'intact', head: heads[1] });
  });

  test('filters hold together, and find a hostile subject by what it was given as', async () => {
    const subject = `\0\x1b[2J'; drop table codec_audit.entries; --${'x'.repeat(5000)}`;
    const log = createAuditLog({ pg });
    await log.append([
      entryOf({ subject, outcome: 'denied', at: new Date('2026-02-01T00:00:00Z') }),
      entryOf({ subject, outcome: 'allowed' }),
      entryOf({ subject: 'user:ada', outcome: 'denied' }),
    ]);
    const reader = createAuditReader({ pg });
    const found = await reader.list({ subject, outcome: 'denied' }, { limit: 10 });
    expect(found.map(({ sequence }) => sequence)).toEqual([1]);
    const from = new Date('2026-02-01T00:00:00Z');
    const numbers = async (filter: Parameters<typeof reader.list>[0]) =>
      (await reader.list(filter, { limit: 10 })).map(({ sequence }) => sequence);
    await expect(numbers({ from })).resolves.toEqual([1]);
    await expect(numbers({ to: from })).resolves.toEqual([3, 2]);
    await expect(numbers({ namespace: 'default', domain: 'dispatch', keyId: 'k1' })).resolves.toEqual([
      3, 2, 1,
    ]);
    await expect(numbers({ action: 'encode' })).resolves.toEqual([]);
    await expect(numbers({ requestId: 'req-1', subject: 'user:ada' })).resolves.toEqual([3]);
  });

  test('a process that stands still while it holds the lock stops others for 2 s, not for longer', async () => {
    let holdsLock = () => {};
    const isHeld = new Promise<void>((resolve) => (holdsLock = resolve));
    const stopped = connectPostgres({ url: database.url, applicationName: 'stopped' });
    // As if the process were stopped between the answer to its third statement and the fourth.
    const begin = (options: string, run: (tx: unknown) => Promise<unknown>) =>
      stopped.sql.begin(options, (tx) =>
        run((strings: TemplateStringsArray, ...values: never[]) => {
          if (!strings.join('').includes('insert into')) return tx(strings, ...values);
          holdsLock();
          return new Promise(() => {});
        }),
      );
    const held = createAuditLog({ pg: { sql: Object.assign(() => {}, { begin }) as never } }).append([
      entryOf({}),
    ]);
    held.catch(() => {});
    await isHeld;
    await createAuditLog({ pg }).append([entryOf({ requestId: 'another' })]);
    await expect(createAuditReader({ pg }).readHead()).resolves.toMatchObject({ sequence: 1 });
    await stopped.close();
  });

  describe('on a connection that went silent', () => {
    /** A log as the codec server has one, behind a proxy; shorter in time. */
    const behindProxy = async () => {
      const url = new URL(database.url);
      const proxy = await startTcpProxy(Number(url.port));
      url.port = String(proxy.port);
      const pool = connectPostgres({ url: url.href, applicationName: 'behind-proxy' });
      const times = { connectTimeoutMs: 400, statementTimeoutMs: 800, queryTimeoutMs: 800 };
      const sql = pool.separate({ maxConnections: 2, ...times });
      return {
        proxy,
        log: createAuditLog({ pg: { sql }, timeoutMs: 1000, lockWaitMs: 300 }),
        close: async () => {
          await sql.end({ timeout: 0 });
          await pool.close(0);
          await proxy.close();
        },
      };
    };

    test('an append is refused, and the next one takes another connection', async () => {
      const { proxy, log, close } = await behindProxy();
      await log.append([entryOf({ requestId: 'before' })]);
      proxy.silenceOpenConnections();
      await expect(log.append([entryOf({ requestId: 'silent' })])).rejects.toMatchObject({
        code: 'AUDIT_UNAVAILABLE',
        retryable: true,
      });
      await log.append([entryOf({ requestId: 'after' })]);
      const found = await createAuditReader({ pg }).list({}, { limit: 10 });
      expect(found.map(({ requestId }) => requestId)).toEqual(['after', 'before']);
      await close();
    });

    test('those who wait behind it are refused in their own time, and none of them is stored late', async () => {
      const { proxy, log, close } = await behindProxy();
      await log.append([entryOf({ requestId: 'before' })]);
      proxy.freeze();
      const outcomes: string[] = [];
      const pending = Array.from({ length: 500 }, (_, at) =>
        log.append([entryOf({ requestId: `waits-${at}` })]).then(
          () => outcomes.push('stored'),
          (error: { readonly code?: string }) => outcomes.push(error.code ?? 'unknown'),
        ),
      );
      await Promise.all(pending);
      expect(new Set(outcomes)).toEqual(new Set(['AUDIT_UNAVAILABLE']));
      proxy.thaw();
      await eventually('the log works again', () =>
        log.append([entryOf({ requestId: 'after' })]).then(
          () => true,
          () => undefined,
        ),
      );
      const found = await createAuditReader({ pg }).list({}, { limit: 1000 });
      // What was on its way when it went silent may have arrived: the first ones, and nobody who waited behind them.
      expect(found.filter(({ requestId }) => requestId.startsWith('waits-')).length).toBeLessThanOrEqual(200);
      await expect(verify()).resolves.toMatchObject({ kind: 'intact' });
      await close();
    });
  });

  test('several logs that append at once make one chain', async () => {
    const pools = Array.from({ length: 4 }, (_, index) =>
      connectPostgres({ url: database.url, applicationName: `codec-audit-${index}`, maxConnections: 2 }),
    );
    try {
      await Promise.all(
        pools.flatMap((pool, index) => {
          const log = createAuditLog({ pg: pool, lockWaitMs: 30_000 });
          return Array.from({ length: 100 }, (_, number) =>
            log.append([entryOf({ requestId: `p${index}-${number}` })]),
          );
        }),
      );
    } finally {
      for (const pool of pools) await pool.close();
    }
    await expect(verify()).resolves.toMatchObject({ kind: 'intact', head: { sequence: 400 } });
  });

  test('an invalid entry fails alone, and stores nothing', async () => {
    const log = createAuditLog({ pg });
    const outcomes = await Promise.allSettled([
      log.append([entryOf()]),
      log.append([entryOf(), entryOf({ count: -1 })]),
      log.append([entryOf()]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(verify()).resolves.toMatchObject({ kind: 'intact', head: { sequence: 2 } });
  });

  test('a listener that throws does not turn a stored entry into one that is not', async () => {
    const log = createAuditLog({
      pg,
      onAppended: () => {
        throw new Error('no such gauge');
      },
    });
    await log.append([entryOf()]);
    await expect(verify()).resolves.toMatchObject({ head: { sequence: 1 } });
  });

  test('it fails closed while another holds the lock or the table is gone, and goes on afterwards', async () => {
    const log = createAuditLog({ pg, lockWaitMs: 100 });
    await pg.sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(hashtextextended('codec_audit.entries', 0))`;
      await expect(log.append([entryOf()])).rejects.toMatchObject({
        code: 'AUDIT_UNAVAILABLE',
        retryable: true,
      });
    });
    await pg.sql`alter table codec_audit.entries rename to away`;
    await expect(log.append([entryOf()])).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    await expect(createAuditReader({ pg }).readHead()).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    await pg.sql`alter table codec_audit.away rename to entries`;
    await log.append([entryOf()]);
    await expect(verify()).resolves.toMatchObject({ kind: 'intact', head: { sequence: 1 } });
  });

  test('a database that cannot be reached is an error of the log, without an address or a text in it', async () => {
    const away = connectPostgres({
      url: 'postgres://user:word@127.0.0.1:1/x',
      applicationName: 'away',
      connectTimeoutMs: 500,
    });
    try {
      const failure = createAuditLog({ pg: away }).append([entryOf({ subject: 'user:ada' })]);
      await expect(failure).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE', retryable: true });
      await expect(failure).rejects.not.toThrow(/ada|word|127/);
    } finally {
      await away.close();
    }
  });

  test('neither the isolation level nor the durability that the database defaults to matters', async () => {
    const name = pg.sql(database.database);
    await pg.sql`alter database ${name} set default_transaction_isolation = 'repeatable read'`;
    await pg.sql`alter database ${name} set synchronous_commit = off`;
    const pools = [0, 1].map((index) =>
      connectPostgres({ url: database.url, applicationName: `codec-audit-${index}` }),
    );
    try {
      const logs = pools.map((pool) => createAuditLog({ pg: pool }));
      for (let round = 0; round < 20; round++)
        await Promise.all(logs.map((log) => log.append([entryOf({ requestId: String(round) })])));
    } finally {
      for (const pool of pools) await pool.close();
      await pg.sql`alter database ${name} reset all`;
    }
    await expect(verify()).resolves.toMatchObject({ kind: 'intact', head: { sequence: 40 } });
  });
});

describe('bug reports of other hash chains', () => {
  test('FootprintAI/Containarium 1326: digits of time that the column drops make every entry look changed', async () => {
    const at = new Date(Date.parse('2026-03-01T00:00:00.123Z') + 0.999);
    await createAuditLog({ pg }).append([entryOf({ at })]);
    await expect(verify()).resolves.toMatchObject({ kind: 'intact' });
  });

  test('FootprintAI/Containarium 1326: the first entries of several writers all claim to be the first', async () => {
    const pools = Array.from({ length: 5 }, (_, at) =>
      connectPostgres({ url: database.url, applicationName: `first-${at}`, maxConnections: 1 }),
    );
    await Promise.all(pools.map((pool) => createAuditLog({ pg: pool }).append([entryOf()])));
    for (const pool of pools) await pool.close();
    await expect(verify()).resolves.toMatchObject({ kind: 'intact', head: { sequence: 5 } });
  });

  test('spatiumddi/spatiumddi 73: a check that sees the newest 1,000 entries calls an older change intact', async () => {
    const log = createAuditLog({ pg });
    await Promise.all(
      Array.from({ length: 15 }, () => log.append(Array.from({ length: 100 }, () => entryOf()))),
    );
    await pg.sql.unsafe(`alter table codec_audit.entries disable trigger all;
      update codec_audit.entries set outcome = 'denied' where sequence = 7`);
    await expect(verify()).resolves.toMatchObject({ kind: 'broken', fault: 'changed', sequence: 7 });
  });

  test.each([
    "DateStyle = 'German, DMY'",
    "bytea_output = 'escape'",
    "TimeZone = 'Asia/Kathmandu'",
    "IntervalStyle = 'iso_8601'",
  ])(
    'a chain that was written under other settings of its session than it is read under: %s',
    async (setting) => {
      const before = await appendSome(2);
      const name = pg.sql(database.database);
      await pg.sql`alter database ${name} set ${pg.sql.unsafe(setting)}`;
      const other = connectPostgres({ url: database.url, applicationName: 'other-settings' });
      try {
        await createAuditLog({ pg: other }).append([entryOf({ requestId: 'other' })]);
        const chain = createAuditReader({ pg: other }).readAll();
        await expect(verifyChain(chain, { checkpoint: before })).resolves.toMatchObject({ kind: 'intact' });
      } finally {
        await other.close();
        await pg.sql`alter database ${name} reset all`;
      }
      await expect(verify(before)).resolves.toMatchObject({ kind: 'intact', head: { sequence: 3 } });
    },
  );
});

describe('tampering', () => {
  const changes = {
    update: `update codec_audit.entries set subject = 'user:eve'`,
    delete: 'delete from codec_audit.entries where sequence = 2',
    truncate: 'truncate codec_audit.entries',
  };

  test.each(Object.entries(changes))(
    '%s is refused, also in a session that replicates',
    async (_, statement) => {
      const head = await appendSome(3);
      await expect(pg.sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' });
      const replica = pg.sql.begin(async (tx) => {
        await tx`set local session_replication_role = replica`;
        await tx.unsafe(statement);
      });
      await expect(replica).rejects.toMatchObject({ code: '42501' });
      await expect(verify(head)).resolves.toEqual({ kind: 'intact', head });
    },
  );

  test('a role with the documented grants appends and reads, and can change nothing', async () => {
    await appendSome(1);
    const role = `codec_server_${database.database}`;
    await pg.sql.unsafe(`create role "${role}" login password 'x'`);
    await pg.sql.unsafe(`grant usage on schema codec_audit to "${role}"`);
    await pg.sql.unsafe(`grant select, insert on codec_audit.entries to "${role}"`);
    await pg.sql.unsafe(`grant select on codec_audit.schema_migrations to "${role}"`);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'x';
    const limited = connectPostgres({ url: url.href, applicationName: 'limited' });
    try {
      await migrateAudit(limited);
      await createAuditLog({ pg: limited }).append([entryOf({ requestId: 'limited' })]);
      await expect(createAuditReader({ pg: limited }).readHead()).resolves.toMatchObject({ sequence: 2 });
      for (const statement of [
        ...Object.values(changes),
        'alter table codec_audit.entries disable trigger all',
        'drop trigger refuse_change on codec_audit.entries',
        'drop table codec_audit.entries',
        'set session_replication_role = replica',
      ])
        await expect(limited.sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' });
    } finally {
      await limited.close();
      await pg.sql.unsafe(`drop owned by "${role}"`);
      await pg.sql.unsafe(`drop role "${role}"`);
    }
    await expect(verify()).resolves.toMatchObject({ kind: 'intact', head: { sequence: 2 } });
  });

  test.each([
    ['changed', `update codec_audit.entries set count = count + 1 where sequence = 2`, 'changed', 2],
    ['removed', 'delete from codec_audit.entries where sequence = 2', 'missing', 3],
    ['cut at the end', 'delete from codec_audit.entries where sequence >= 4', 'truncated', 4],
    [
      'swapped',
      `update codec_audit.entries set sequence = case sequence when 2 then 13 when 3 then 12 else sequence end;
       update codec_audit.entries set sequence = sequence - 10 where sequence > 10`,
      'unlinked',
      2,
    ],
  ])('an entry %s by the owner, without the triggers, is found', async (_, statement, fault, sequence) => {
    const head = await appendSome(5);
    await pg.sql.unsafe(`alter table codec_audit.entries disable trigger all; ${statement}`);
    await expect(verify(head)).resolves.toMatchObject({ kind: 'broken', fault, sequence });
  });

  test('a forged entry, inserted behind the head without the lock, does not stop the log, and is found', async () => {
    const head = await appendSome(2);
    await pg.sql`
      insert into codec_audit.entries (sequence, at, request_id, action, count, outcome, previous_hash, hash)
      values (3, now(), 'forged', 'decode', 0, 'allowed', ${head.hash}, ${head.hash})`;
    await createAuditLog({ pg }).append([entryOf()]);
    await expect(verify(head)).resolves.toMatchObject({ kind: 'broken', fault: 'changed', sequence: 3 });
  });
});

describe('processes', () => {
  const running = new Set<ChildProcess>();
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
  });

  const start = (name: string) => {
    const child = spawn(
      process.execPath,
      [
        '--conditions=@heliograph/source',
        '--disable-warning=ExperimentalWarning',
        new URL('../testing/append-forever.ts', import.meta.url).pathname,
        database.url,
        name,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    running.add(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const ended = new Promise<void>((resolve) => {
      child.on('close', () => {
        running.delete(child);
        resolve();
      });
    });
    return {
      answered: (): readonly string[] => output.split('\n').slice(0, -1),
      kill: () => {
        child.kill('SIGKILL');
        return ended;
      },
    };
  };

  test('kill -9 between append and answer: the chain is whole, and holds every request that was answered', async () => {
    const answered: string[] = [];
    for (let round = 0; round < 3; round++) {
      const children = ['a', 'b'].map((name) => start(`${name}${round}`));
      while (children.some((child) => child.answered().length < 50))
        await new Promise((resolve) => setTimeout(resolve, 5));
      for (const child of children) {
        await child.kill();
        answered.push(...child.answered());
      }
      await expect(verify()).resolves.toMatchObject({ kind: 'intact' });
    }
    const rows = await pg.sql<{ request_id: string; entries: string }[]>`
      select request_id, count(*)::text as entries from codec_audit.entries group by request_id`;
    const stored = new Map(rows.map((row) => [row.request_id, row.entries]));
    expect(new Set(stored.values())).toEqual(new Set(['2']));
    expect(answered.filter((requestId) => !stored.has(requestId))).toEqual([]);
  });
});

test('a database of a million entries would be verified in bounded memory: pages follow one another', async () => {
  const log = createAuditLog({ pg });
  await Promise.all(
    Array.from({ length: 25 }, (_, request) =>
      log.append(Array.from({ length: 100 }, (__, number) => entryOf({ requestId: `${request}-${number}` }))),
    ),
  );
  const queries: string[] = [];
  const spied = createAuditReader({
    pg: {
      db: new Proxy(pg.db, {
        get: (target, name, receiver) => {
          if (name === 'select') queries.push('select');
          return Reflect.get(target, name, receiver);
        },
      }),
    },
  });
  await expect(verifyChain(spied.readAll())).resolves.toMatchObject({
    kind: 'intact',
    head: { sequence: 2500 },
  });
  expect(queries).toHaveLength(3);
  expect(EMPTY_CHAIN.sequence).toBe(0);
});

test('postgres itself stores what the hash was made of, to the millisecond', async () => {
  const raw = postgres(database.url, { max: 1, onnotice: () => undefined });
  try {
    await createAuditLog({ pg }).append([entryOf({ at: new Date('2026-01-31T12:00:00.999Z') })]);
    const [row] = await raw`select extract(epoch from at) * 1000 as ms from codec_audit.entries`;
    expect(Number(row?.['ms'])).toBe(Date.parse('2026-01-31T12:00:00.999Z'));
  } finally {
    await raw.end();
  }
});
