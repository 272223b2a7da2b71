import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { createLedger, startLedgerRelay } from './ledger.ts';
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

  test('that ClickHouse refuses, or that cannot be read, does not delay others', async () => {
    const [before, refused, after] = [newFingerprint(), newFingerprint(), newFingerprint()];
    const put = (rows: unknown) =>
      ground.postgres
        .sql`insert into dispatch.ledger_outbox (rows) values (${JSON.stringify(rows)}::text::jsonb)`;
    await put({ entries: [entryOf(before, { position: '1' })], runs: [] });
    await put({
      entries: [{ ...entryOf(refused, { position: '1' }), stage: 'of a later release' }],
      runs: [],
    });
    await put({ entries: 'nonsense' });
    await put({ entries: [entryOf(after, { position: '1' })], runs: [] });
    for (let round = 0; round < 10; round++) await ground.ledger.relay().catch(() => 0);
    await expect(ground.ledger.entriesOf(before, '1')).resolves.toHaveLength(1);
    await expect(ground.ledger.entriesOf(after, '1')).resolves.toHaveLength(1);
    const [left] = await ground.postgres.sql`
      select count(*)::int as n, count(refused_at)::int as refused from dispatch.ledger_outbox`;
    expect(left).toEqual({ n: 2, refused: 2 });
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
    let failures = 2;
    const loop = startLedgerRelay(
      {
        relay: () => {
          if (failures-- > 0) return Promise.reject(new Error('away'));
          return ground.ledger.relay();
        },
      },
      { intervalMs: 5, onError: (error) => errors.push(error) },
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
    await write(second);
    await loop.stop();
    await expect(ground.ledger.entriesOf(second, '9')).resolves.toHaveLength(1);
  });
});
