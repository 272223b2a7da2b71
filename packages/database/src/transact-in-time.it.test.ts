import { freshPostgres, type FreshPostgres } from '@heliograph/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { connectPostgres, type Postgres } from './postgres.ts';
import { transactInTime } from './transact-in-time.ts';

let fresh: FreshPostgres;
let pg: Postgres;
beforeAll(async () => {
  fresh = await freshPostgres('in_time');
  pg = connectPostgres({ url: fresh.url, applicationName: 'in-time-test', maxConnections: 1 });
  await pg.sql`create table notes (text text)`;
});
afterAll(async () => {
  await pg.close();
  await fresh.drop();
});

const write = (text: string, seconds: number, timeoutMs?: number) => {
  const run = async (tx: Parameters<Parameters<typeof pg.db.transaction>[0]>[0]) => {
    await tx.execute(sql`insert into notes select ${text} from pg_sleep(${seconds})`);
    return text;
  };
  return transactInTime(pg, 'write a note', run, timeoutMs);
};
const notes = async () => (await pg.sql<{ text: string }[]>`select text from notes`).map(({ text }) => text);

test('what is done in time is committed, and what is not is rolled back', async () => {
  await expect(write('quick', 0)).resolves.toBe('quick');
  await expect(write('slow', 0.1, 50)).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT', retryable: true });
  await expect(notes()).resolves.toEqual(['quick']);
});

test('the wait for a connection counts', async () => {
  let waiting: Promise<unknown> | undefined;
  await pg.sql.begin(async (tx) => {
    waiting = write('waited', 0, 50).catch((error: unknown) => error);
    await tx`select pg_sleep(0.2)`;
  });
  await expect(waiting).resolves.toMatchObject({ code: 'DATABASE_TIMEOUT' });
  await expect(notes()).resolves.not.toContain('waited');
});

test('errors pass as they are', async () => {
  const own = new Error('own');
  await expect(transactInTime(pg, 'fail', () => Promise.reject(own))).rejects.toBe(own);
});
