import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { connectPostgres, type Postgres } from '@heliograph/database';
import { startTcpProxy } from '@heliograph/simulators';
import { freshPostgres, type FreshPostgres } from '@heliograph/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { cleanUpExecutions } from './clean-up.ts';
import { createExecutionLog, type LookUp, type OnceOptions } from './create-execution-log.ts';
import { listInDoubt, settleInDoubt } from './in-doubt.ts';
import { migrateExecutionLog } from './migrate.ts';
import { createPostgresExecutionStore } from './store/postgres-store.ts';
import { charge } from './testing/charge.ts';
import { testExecutionLog } from './testing/log-contract.ts';

let database: FreshPostgres;
let pg: Postgres;
let folder: string;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  database = await freshPostgres('execution_log');
  pg = connectPostgres({ url: database.url, applicationName: 'execution-log-test' });
  await migrateExecutionLog(pg);
  folder = mkdtempSync(join(tmpdir(), 'execution-log-'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});
afterAll(async () => {
  await pg.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const log = () => createExecutionLog(createPostgresExecutionStore(pg));

describe('in PostgreSQL', () => {
  testExecutionLog(() => createPostgresExecutionStore(pg));
});

/** A process that charges once, and hangs before or after it. */
function startCharging(key: string, hangs: 'before' | 'after', hangMs = 60_000) {
  const script = fileURLToPath(new URL('testing/charge-and-hang.ts', import.meta.url));
  const file = join(folder, key);
  const flags = ['-C', '@heliograph/source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, script, database.url, key, file, hangs, String(hangMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const charges = (): number => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0);
  return {
    child,
    charges,
    next: async (): Promise<unknown> => (await lines.next()).value,
    /** What the provider would answer, whom the process charged by a line in the file. */
    lookUp: async (): Promise<LookUp<string>> =>
      charges() > 0 ? { kind: 'done', result: 'ch_found' } : { kind: 'notDone' },
  };
}

describe('kill -9', () => {
  type Charging = ReturnType<typeof startCharging>;
  const policies: readonly [
    policy: string,
    optionsOf: (charging: Charging) => OnceOptions<string>,
    betweenEffectAndRecord: { readonly result?: string; readonly runs: number },
    beforeEffect: { readonly result?: string; readonly runs: number },
  ][] = [
    [
      'look up',
      ({ lookUp }) => ({ ...charge, inDoubt: { kind: 'lookUp', lookUp } }),
      { result: 'ch_found', runs: 0 },
      { result: 'ch_parent', runs: 1 },
    ],
    [
      'retry',
      () => ({ ...charge, inDoubt: { kind: 'retry' } }),
      { result: 'ch_parent', runs: 1 },
      { result: 'ch_parent', runs: 1 },
    ],
    ['refuse', () => charge, { runs: 0 }, { runs: 0 }],
  ];

  test.each(
    policies.flatMap(([policy, optionsOf, after, before]) => [
      ['between effect and record', 'after', policy, optionsOf, after] as const,
      ['before the effect', 'before', policy, optionsOf, before] as const,
    ]),
  )('%s (%s), %s', async (_, hangs, policy, optionsOf, expected) => {
    const key = `kill-${hangs}-${policy.replace(' ', '-')}`;
    const charging = startCharging(key, hangs);
    await expect(charging.next()).resolves.toBe(hangs === 'after' ? 'charged' : 'claimed');
    charging.child.kill('SIGKILL');
    let runs = 0;
    const pay = async (): Promise<string> => {
      runs++;
      return 'ch_parent';
    };
    const outcome = log().once(key, pay, optionsOf(charging));
    if (expected.result === undefined) {
      await expect(outcome).rejects.toMatchObject({ code: 'EXECUTION_IN_DOUBT' });
      await expect(listInDoubt(pg)).resolves.toContainEqual({ key, startedAt: expect.any(Date) });
    } else await expect(outcome).resolves.toBe(expected.result);
    expect(runs).toBe(expected.runs);
    expect(charging.charges()).toBe(hangs === 'after' ? 1 : 0);
  });
});

test('a slow runner that is alive is never doubled, however long its lease is over', async () => {
  const key = 'slow';
  const charging = startCharging(key, 'after', 3500);
  await charging.next();
  // Three leases and a half: it is alive and prolongs them, so this caller waits, although it would retry.
  await expect(
    log().once(key, async () => 'ch_parent', { ...charge, inDoubt: { kind: 'retry' } }),
  ).resolves.toBe('ch_child');
  expect(charging.charges()).toBe(1);
});

test('a process that stood still for longer than its lease learns that it was taken over, and it is on record', async () => {
  const key = 'stopped';
  const charging = startCharging(key, 'after', 100);
  await expect(charging.next()).resolves.toBe('charged');
  charging.child.kill('SIGSTOP');
  await expect(
    log().once(key, async () => 'ch_parent', { ...charge, inDoubt: { kind: 'retry' } }),
  ).resolves.toBe('ch_parent');
  charging.child.kill('SIGCONT');
  await expect(charging.next()).resolves.toBe('EXECUTION_LEASE_LOST');
  await expect(
    pg.sql`select key from execution_log.executions where overran_at is not null`,
  ).resolves.toEqual([{ key }]);
  await expect(log().once(key, async () => 'ch_3', charge)).resolves.toBe('ch_parent');
});

describe('the database is away', () => {
  const withProxy = async (
    run: (
      through: ReturnType<typeof createExecutionLog>,
      proxy: Awaited<ReturnType<typeof startTcpProxy>>,
    ) => Promise<void>,
  ): Promise<void> => {
    const url = new URL(database.url);
    const proxy = await startTcpProxy(Number(url.port));
    url.port = String(proxy.port);
    const other = connectPostgres({
      url: url.href,
      applicationName: 'through-proxy',
      connectTimeoutMs: 1000,
    });
    try {
      await run(createExecutionLog(createPostgresExecutionStore(other)), proxy);
    } finally {
      await other.close();
      await proxy.close();
    }
  };

  test('from the start: nothing runs, and the error is retryable', async () => {
    await withProxy(async (through, proxy) => {
      await proxy.takeDown();
      let runs = 0;
      await expect(through.once('away', async () => `${++runs}`, charge)).rejects.toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        retryable: true,
      });
      expect(runs).toBe(0);
    });
  });

  test('between effect and record: it is recorded once the database is back', async () => {
    await withProxy(async (through, proxy) => {
      const effect = async (): Promise<string> => {
        await proxy.takeDown();
        setTimeout(() => void proxy.bringUp(), 300);
        return 'ch_1';
      };
      await expect(through.once('back', effect, charge)).resolves.toBe('ch_1');
      await expect(log().once('back', async () => 'ch_2', charge)).resolves.toBe('ch_1');
    });
  });

  test('for longer than its lease while it runs: it is told to end, and is in doubt for others', async () => {
    await withProxy(async (through, proxy) => {
      const effect = ({ signal }: { readonly signal: AbortSignal }): Promise<string> =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          void proxy.takeDown();
        });
      await expect(through.once('cut', effect, { ...charge, leaseMs: 1000 })).rejects.toThrow(
        'the lease of cut is lost',
      );
      await expect(log().once('cut', async () => 'ch_2', charge)).rejects.toMatchObject({
        code: 'EXECUTION_IN_DOUBT',
      });
    });
  });
});

describe('retention', () => {
  test('removes what is done and was not asked for in time, never what may still be repeated', async () => {
    const keepMs = 86_400_000;
    for (const key of ['keep-old', 'keep-asked', 'keep-new'])
      await log().once(key, async () => key, { ...charge, keepMs });
    await expect(
      log().once('keep-doubt', () => Promise.reject(new Error('reset')), { ...charge, keepMs }),
    ).rejects.toThrow('reset');
    await pg.sql`update execution_log.executions
      set keep_until = clock_timestamp() - interval '1 hour', started_at = now() - interval '1 year'
      where key in ('keep-old', 'keep-asked', 'keep-doubt')`;
    // A late repeat, before the clean-up: from now on it is kept for as long again.
    await expect(log().once('keep-asked', async () => 'again', { ...charge, keepMs })).resolves.toBe(
      'keep-asked',
    );
    await expect(cleanUpExecutions(pg, { batchSize: 1 })).resolves.toBe(1);
    const left = await pg.sql<{ key: string }[]>`
      select key from execution_log.executions where key like 'keep-%' order by key`;
    expect(left.map(({ key }) => key)).toEqual(['keep-asked', 'keep-doubt', 'keep-new']);
  });
});

test('what was asked for again is kept for all of keepMs from then on, and not written anew within an hour', async () => {
  const keepMs = 90 * 86_400_000;
  const key = 'keep-all-of-it';
  const ask = (): Promise<string> => log().once(key, async () => 'ch_1', { ...charge, keepMs });
  const keepUntil = async (): Promise<number> => {
    const [row] = await pg.sql<{ ms: number }[]>`
      select extract(epoch from keep_until)::float8 * 1000 as ms from execution_log.executions where key = ${key}`;
    return row?.ms ?? 0;
  };
  await ask();
  // Asked for last five days ago: less than a tenth of keepMs has passed since.
  await pg.sql`update execution_log.executions set keep_until = keep_until - interval '5 days' where key = ${key}`;
  const first = await keepUntil();
  await ask();
  const second = await keepUntil();
  expect(second - first).toBeGreaterThanOrEqual(5 * 86_400_000);
  await ask();
  await expect(keepUntil()).resolves.toBe(second);
});

describe('what a person found out', () => {
  const doubtful = async (key: string): Promise<void> => {
    await expect(log().once(key, () => Promise.reject(new Error('reset')), charge)).rejects.toThrow('reset');
  };

  test('it was done: repeats get the result', async () => {
    await doubtful('settle-done');
    await settleInDoubt(pg, 'settle-done', { kind: 'done', result: 'ch_person' });
    await expect(log().once('settle-done', async () => 'ch_2', charge)).resolves.toBe('ch_person');
  });

  test('long after it was started: it is kept from then on for as long as its callers ask, and not repeated', async () => {
    const key = 'settle-after-months';
    const keepMs = 86_400_000;
    const fails = (): Promise<string> => Promise.reject(new Error('reset'));
    await expect(log().once(key, fails, { ...charge, keepMs })).rejects.toThrow('reset');
    const again = { ...charge, inDoubt: { kind: 'retry' }, keepMs: 10 * keepMs } as const;
    await expect(log().once(key, fails, again)).rejects.toThrow('reset');
    await pg.sql`update execution_log.executions
      set keep_until = clock_timestamp() - interval '60 days', started_at = now() - interval '61 days'
      where key = ${key}`;
    await settleInDoubt(pg, key, { kind: 'done', result: 'ch_person' });
    await cleanUpExecutions(pg);
    await expect(log().once(key, async () => 'ch_2', { ...charge, keepMs })).resolves.toBe('ch_person');
    await expect(
      pg.sql`select keep_until > clock_timestamp() + interval '9 days' as is_kept
             from execution_log.executions where key = ${key}`,
    ).resolves.toEqual([{ is_kept: true }]);
  });

  test('it was not done: the next caller runs it', async () => {
    await doubtful('settle-not');
    await settleInDoubt(pg, 'settle-not', { kind: 'notDone' });
    await expect(log().once('settle-not', async () => 'ch_2', charge)).resolves.toBe('ch_2');
  });

  test('it was done, with a result that JSON does not hold: refused, and still in doubt', async () => {
    await doubtful('settle-circle');
    const result: { self?: object } = {};
    result.self = result;
    await expect(settleInDoubt(pg, 'settle-circle', { kind: 'done', result })).rejects.toMatchObject({
      code: 'EXECUTION_RESULT_INVALID',
    });
    await settleInDoubt(pg, 'settle-circle', { kind: 'notDone' });
  });

  test('what is done, runs, or is unknown is not touched', async () => {
    await log().once('settle-late', async () => 'ch_1', charge);
    await expect(settleInDoubt(pg, 'settle-late', { kind: 'notDone' })).rejects.toMatchObject({
      code: 'EXECUTION_NOT_FOUND',
    });
    await expect(settleInDoubt(pg, 'unknown', { kind: 'notDone' })).rejects.toMatchObject({
      code: 'EXECUTION_NOT_FOUND',
    });
    await expect(log().once('settle-late', async () => 'ch_2', charge)).resolves.toBe('ch_1');
  });
});

test('many callers of one key in two pools: one runs', async () => {
  const other = connectPostgres({ url: database.url, applicationName: 'another' });
  try {
    const one = log();
    const two = createExecutionLog(createPostgresExecutionStore(other));
    let runs = 0;
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : two).once('pools', async () => `ch_${++runs}`, charge),
      ),
    );
    expect(new Set(results)).toEqual(new Set(['ch_1']));
    expect(runs).toBe(1);
  } finally {
    await other.close();
  }
});
