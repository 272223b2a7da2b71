import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { createLedger, startLedgerRelay } from './ledger.ts';
import { createLedgerStore } from './ledger-store.ts';
import type { LedgerEntry, LedgerRun } from './ledger-entry.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
let last = 0;
beforeAll(async () => {
  ground = await dispatchStores('ledger');
});
afterAll(() => ground.close());

const AT = 1_800_000_000_000;
const newFingerprint = () => `f${++last}`;
const entryOf = (fingerprint: string, parts: Partial<LedgerEntry> = {}): LedgerEntry => ({
  id: `${fingerprint}:${parts.stage ?? 'seen'}`,
  at: AT,
  stage: 'seen',
  fingerprint,
  eventId: 'e1',
  position: '18446744073709551615',
  ...parts,
});
const runOf = (fingerprint: string, from: number, to: number, parts: Partial<LedgerRun> = {}): LedgerRun => ({
  stream: { fingerprint, routeId: 'r', connectedAppId: 'a' },
  reason: 'continuing',
  since: '10',
  version: 2,
  first: { position: String(from), at: AT + from },
  last: { position: String(to), at: AT + to },
  count: to - from + 1,
  ...parts,
});

describe('the ledger', () => {
  test('leaves out what a newer release wrote, and gives back the rest', async () => {
    const fingerprint = newFingerprint();
    const position = '18446744073709551615';
    const store = createLedgerStore(ground.clickhouse);
    await store.append(
      {
        entries: [
          entryOf(fingerprint, { configVersion: 1 }),
          entryOf(fingerprint, {
            stage: 'attempted',
            outcome: 'postponed' as 'dropped',
            provider: 'webhook',
          }),
          entryOf(fingerprint, { stage: 'settled', outcome: 'delivered', reason: 'flapping' as 'new' }),
        ],
        runs: [
          runOf(fingerprint, 1, 9, { reason: 'muted' as 'continuing' }),
          runOf(fingerprint, 4, 6, { since: '4' }),
        ],
      },
      fingerprint,
    );
    await expect(store.entriesOf(fingerprint, position)).resolves.toMatchObject([
      { stage: 'seen' },
      { stage: 'attempted', outcome: undefined, provider: 'webhook' },
      { stage: 'settled', outcome: 'delivered', reason: undefined },
    ]);
    await expect(store.runsAt(fingerprint, '5')).resolves.toMatchObject([{ reason: 'continuing' }]);
  });

  test('gives back what was written, by time, and what does not apply not at all', async () => {
    const fingerprint = newFingerprint();
    const full = entryOf(fingerprint, {
      id: 'full',
      at: AT + 5,
      stage: 'attempted',
      routeId: 'r',
      connectedAppId: 'a',
      configVersion: 3,
      reason: 'renotify',
      clause: 'severity:"critical"',
      notificationId: 'n',
      kind: 'update',
      outcome: 'rate_limited',
      code: 'RATE_LIMITED',
      status: 429,
      attempt: 2,
      durationMs: 12.5,
      waitMs: 1000,
      provider: 'webhook',
      externalId: 'x',
    });
    const seen = entryOf(fingerprint, { configVersion: 42 });
    await ground.ledger.write({ entries: [full, seen], runs: [] });
    const [first, second] = await ground.ledger.entriesOf(fingerprint, '18446744073709551615');
    expect(first).toEqual(seen);
    expect(second).toEqual(full);
    await expect(ground.ledger.entriesOf(fingerprint, '1')).resolves.toEqual([]);
    await expect(ground.ledger.entriesOf(newFingerprint(), '1')).resolves.toEqual([]);
  });

  test('returns an entry that was written twice only once', async () => {
    const fingerprint = newFingerprint();
    for (let time = 0; time < 2; time++)
      await ground.ledger.write({ entries: [entryOf(fingerprint, { position: '5' })], runs: [] });
    await expect(ground.ledger.entriesOf(fingerprint, '5')).resolves.toHaveLength(1);
  });

  test('adds the parts of a run up, and finds it for each issue in it', async () => {
    const fingerprint = newFingerprint();
    for (const [from, to] of [
      [10, 14],
      [15, 15],
      [16, 30],
    ] as const)
      await ground.ledger.write({ entries: [], runs: [runOf(fingerprint, from, to)] });
    const whole = {
      routeId: 'r',
      connectedAppId: 'a',
      reason: 'continuing',
      version: 2,
      since: '10',
      firstPosition: '10',
      lastPosition: '30',
      firstAt: AT + 10,
      lastAt: AT + 30,
      count: 21,
    };
    for (const position of ['10', '15', '30'])
      await expect(ground.ledger.runsAt(fingerprint, position)).resolves.toEqual([whole]);
    for (const position of ['9', '31'])
      await expect(ground.ledger.runsAt(fingerprint, position)).resolves.toEqual([]);
  });

  test('keeps runs of other reasons, versions and beginnings apart', async () => {
    const fingerprint = newFingerprint();
    await ground.ledger.write({
      entries: [],
      runs: [
        runOf(fingerprint, 10, 12),
        runOf(fingerprint, 10, 12, { version: 3 }),
        runOf(fingerprint, 10, 12, { reason: 'suppressed' }),
        runOf(fingerprint, 10, 12, { since: '9' }),
      ],
    });
    await expect(ground.ledger.runsAt(fingerprint, '11')).resolves.toHaveLength(4);
  });
});

describe('what is written with a state', () => {
  const waiting = async (): Promise<number> => {
    const [row] = await ground.postgres.sql<{ readonly n: number }[]>`
      select count(*)::int as n from dispatch.ledger_outbox`;
    return row?.n ?? -1;
  };

  test('waits in PostgreSQL until it is relayed, and is then in ClickHouse only', async () => {
    const fingerprint = newFingerprint();
    const stream = { fingerprint, routeId: 'r', connectedAppId: 'a' };
    await ground.streams.write({
      stream,
      state: { ...INITIAL_STREAM_STATE, lastPosition: '7' },
      ledger: { entries: [entryOf(fingerprint, { position: '7' })], runs: [runOf(fingerprint, 7, 7)] },
    });
    await expect(ground.ledger.entriesOf(fingerprint, '7')).resolves.toEqual([]);
    await expect(waiting()).resolves.toBe(1);
    await expect(ground.ledger.relay()).resolves.toBe(1);
    await expect(ground.ledger.entriesOf(fingerprint, '7')).resolves.toHaveLength(1);
    await expect(ground.ledger.runsAt(fingerprint, '7')).resolves.toHaveLength(1);
    await expect(waiting()).resolves.toBe(0);
    await expect(ground.ledger.relay()).resolves.toBe(0);
  });

  test('stays in PostgreSQL while ClickHouse is unavailable, entries of scans included', async () => {
    const fingerprint = newFingerprint();
    const away = createLedger(ground.postgres, {
      insert: () => Promise.reject(new Error('away')),
    } as unknown as typeof ground.clickhouse);
    await away.write({ entries: [entryOf(fingerprint, { position: '8' })], runs: [] });
    await expect(away.relay()).rejects.toMatchObject({ name: 'DatabaseError' });
    await expect(waiting()).resolves.toBe(1);
    await ground.ledger.relay();
    await expect(ground.ledger.entriesOf(fingerprint, '8')).resolves.toHaveLength(1);
  });

  test('that ClickHouse refuses, or that cannot be read, does not delay others, and is named', async () => {
    const [before, refused, after] = [newFingerprint(), newFingerprint(), newFingerprint()];
    const ids: string[] = [];
    const put = async (rows: unknown): Promise<void> => {
      const [row] = await ground.postgres.sql<{ readonly id: string }[]>`
        insert into dispatch.ledger_outbox (rows) values (${JSON.stringify(rows)}::text::jsonb) returning id::text`;
      ids.push(row?.id ?? '');
    };
    await put({ entries: [entryOf(before, { position: '1' })], runs: [runOf(before, 1, 5)] });
    await put({
      entries: [{ ...entryOf(refused, { position: '1' }), stage: 'of a later release' }],
      runs: [],
    });
    await put({ entries: 'nonsense' });
    await put({ entries: [entryOf(after, { position: '1' })], runs: [] });
    const reported: { readonly id: string; readonly name: string }[] = [];
    await expect(
      ground.ledger.relay({ onRefused: ({ id, error }) => reported.push({ id, name: error.name }) }),
    ).resolves.toBe(4);
    expect(reported).toEqual([ids[1], ids[2]].map((id) => ({ id, name: 'DatabaseError' })));
    await expect(ground.ledger.entriesOf(before, '1')).resolves.toHaveLength(1);
    await expect(ground.ledger.entriesOf(after, '1')).resolves.toHaveLength(1);
    await expect(ground.ledger.runsAt(before, '1')).resolves.toMatchObject([{ count: 5 }]);
    await expect(ground.ledger.tendOutbox()).resolves.toEqual({ waiting: 0, oldestWaitingMs: 0, refused: 2 });
    const left = await ground.postgres.sql`
      select id::text from dispatch.ledger_outbox where refused_at is not null order by id`;
    expect(left.map(({ id }) => id as string)).toEqual([ids[1], ids[2]]);
    await ground.postgres.sql`delete from dispatch.ledger_outbox`;
  });

  test('is refused by its id while another relay holds the oldest rows', async () => {
    const [held, good] = [newFingerprint(), newFingerprint()];
    const put = (rows: unknown) =>
      ground.postgres
        .sql`insert into dispatch.ledger_outbox (rows) values (${JSON.stringify(rows)}::text::jsonb)`;
    await put({ entries: [entryOf(held, { position: '1' })], runs: [] });
    const { promise: isHeld, resolve: hold } = Promise.withResolvers<void>();
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const other = ground.postgres.sql.begin(async (tx) => {
      await tx`select 1 from dispatch.ledger_outbox for update`;
      hold();
      await mayEnd;
    });
    await isHeld;
    await put({ entries: 'nonsense' });
    await put({ entries: [entryOf(good, { position: '1' })], runs: [] });
    await expect(ground.ledger.relay()).resolves.toBe(2);
    end();
    await other;
    await expect(ground.ledger.relay()).resolves.toBe(1);
    for (const fingerprint of [held, good])
      await expect(ground.ledger.entriesOf(fingerprint, '1')).resolves.toHaveLength(1);
    await expect(ground.ledger.tendOutbox()).resolves.toMatchObject({ waiting: 0, refused: 1 });
    await ground.postgres.sql`delete from dispatch.ledger_outbox`;
  });

  test('and was refused is kept for seven days', async () => {
    await ground.postgres.sql`
      insert into dispatch.ledger_outbox (rows, refused_at) values
        ('{}', now() - interval '7 days 1 second'), ('{}', now() - interval '6 days 23 hours')`;
    await ground.postgres.sql`
      insert into dispatch.ledger_outbox (rows, created_at) values ('{}', now() - interval '30 days')`;
    await expect(ground.ledger.tendOutbox()).resolves.toMatchObject({ waiting: 1, refused: 1 });
    const { oldestWaitingMs } = await ground.ledger.tendOutbox();
    expect(oldestWaitingMs).toBeGreaterThan(29 * 86_400_000);
    await ground.postgres.sql`delete from dispatch.ledger_outbox`;
  });

  test('is relayed once by many relays at once', async () => {
    const fingerprints = Array.from({ length: 30 }, newFingerprint);
    for (const fingerprint of fingerprints)
      await ground.streams.write({
        stream: { fingerprint, routeId: 'r', connectedAppId: 'a' },
        ledger: { entries: [], runs: [runOf(fingerprint, 1, 1)] },
      });
    await Promise.all(Array.from({ length: 4 }, () => ground.ledger.relay()));
    await ground.ledger.relay();
    for (const fingerprint of fingerprints)
      await expect(ground.ledger.runsAt(fingerprint, '1')).resolves.toMatchObject([{ count: 1 }]);
  });

  test('is relayed by a loop that continues after failures, and drained when the loop is stopped', async () => {
    const errors: unknown[] = [];
    const statuses: unknown[] = [];
    let failures = 2;
    const loop = startLedgerRelay(
      {
        tendOutbox: () => ground.ledger.tendOutbox(),
        relay: () => {
          if (failures-- > 0) return Promise.reject(new Error('away'));
          return ground.ledger.relay();
        },
      },
      { intervalMs: 5, onError: (error) => errors.push(error), onStatus: (status) => statuses.push(status) },
    );
    const [first, second] = [newFingerprint(), newFingerprint()];
    const write = (fingerprint: string) =>
      ground.streams.write({
        stream: { fingerprint, routeId: 'r', connectedAppId: 'a' },
        ledger: { entries: [entryOf(fingerprint, { position: '9' })], runs: [] },
      });
    await write(first);
    await eventually('it is relayed', async () => (await ground.ledger.entriesOf(first, '9')).length === 1);
    expect(errors).toHaveLength(2);
    expect(statuses).toHaveLength(1);
    await write(second);
    await loop.stop();
    await expect(ground.ledger.entriesOf(second, '9')).resolves.toHaveLength(1);
  });
});
