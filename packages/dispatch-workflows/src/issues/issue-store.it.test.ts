import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { comparePositions, positionBefore } from '../contract/position.ts';
import { dispatchStores, newIssue } from '../testing/dispatch-ground.ts';
import { nextId } from '../testing/store-drafts.ts';
import { createIssueStore, INSERT_LIMITS } from './issue-store.ts';
import type { StoredIssue } from './issue.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('issues');
});
afterAll(() => ground.close());

describe('issues', () => {
  const from = (rows: readonly StoredIssue[], fingerprint: string) =>
    rows.filter((row) => row.fingerprint === fingerprint);
  const all = (fingerprint: string) =>
    ground.issues
      .scan({ from: '0', after: { position: '0', eventId: '' }, limit: 100_000 })
      .then((rows) => from(rows, fingerprint));

  test('of one insert and of inserts one after another get positions in their order', async () => {
    const fingerprint = nextId('order');
    const batches = Array.from({ length: 5 }, (_, batch) =>
      Array.from({ length: 200 }, (__, index) => newIssue({ fingerprint, eventId: `o${batch}.${index}` })),
    );
    for (const [index, batch] of batches.entries())
      await ground.issues.append(batch, `${fingerprint}${index}`);
    const rows = await all(fingerprint);
    expect(rows.map(({ eventId }) => eventId)).toEqual(batches.flat().map(({ eventId }) => eventId));
    expect(new Set(rows.map(({ position }) => position)).size).toBe(rows.length);
  });

  test('are stored once however often one insert is repeated', async () => {
    const fingerprint = nextId('once');
    const issues = [newIssue({ fingerprint }), newIssue({ fingerprint })];
    for (let attempt = 0; attempt < 3; attempt++) await ground.issues.append(issues, `token-${fingerprint}`);
    await expect(all(fingerprint)).resolves.toHaveLength(2);
    await ground.issues.append(issues, `other-${fingerprint}`);
    await expect(all(fingerprint)).resolves.toHaveLength(4);
  });

  test('that the ledger does not know are found between two positions', async () => {
    const fingerprint = nextId('unseen');
    const batch = Array.from({ length: 5 }, () => newIssue({ fingerprint }));
    await ground.issues.append(batch, fingerprint);
    const rows = await all(fingerprint);
    const seen = rows.filter((_, index) => index % 2 === 0);
    await ground.ledger.write({
      entries: seen.map(({ position, eventId, storedAt }) => ({
        id: `${position}:seen`,
        at: storedAt,
        stage: 'seen',
        fingerprint,
        eventId,
        position,
      })),
      runs: [],
    });
    const after = positionBefore(rows[0]?.position ?? '0', 1);
    const find = (limit: number, upTo = rows.at(-1)?.position ?? '0') =>
      ground.issues.findUnseen({ after, upTo, limit });
    await expect(find(10)).resolves.toEqual([rows[1], rows[3]]);
    await expect(find(1)).resolves.toEqual([rows[1]]);
    await expect(find(10, rows[2]?.position)).resolves.toEqual([rows[1]]);
  });

  test('pin how they are inserted, whatever the server or the user has set', async () => {
    const fingerprint = nextId('pinned');
    const requests: Record<string, unknown>[] = [];
    const recording = new Proxy(ground.clickhouse, {
      get: (target, name) =>
        name === 'insert'
          ? async (given: { readonly clickhouse_settings?: Record<string, unknown> }) => {
              requests.push(given.clickhouse_settings ?? {});
            }
          : Reflect.get(target, name),
    });
    await createIssueStore(recording).append([newIssue({ fingerprint })], fingerprint);
    expect(requests).toEqual([
      expect.objectContaining({ async_insert: 0, wait_for_async_insert: 1, max_execution_time: 3 }),
    ]);
    expect(INSERT_LIMITS.serverMs).toBeLessThan(INSERT_LIMITS.visibleAfterMs);
    expect(INSERT_LIMITS.clientMs).toBeLessThan(INSERT_LIMITS.visibleAfterMs);
  });

  test('are scanned page by page, none twice and none left out', async () => {
    const fingerprint = nextId('page');
    await ground.issues.append(
      Array.from({ length: 25 }, (_, index) => newIssue({ fingerprint, eventId: `p${index}` })),
      fingerprint,
    );
    const rows = await all(fingerprint);
    const start = rows[0]?.position ?? '0';
    const seen: StoredIssue[] = [];
    for (let after = { position: start, eventId: '' }; ;) {
      const page = await ground.issues.scan({ from: start, after, limit: 7 });
      seen.push(...page);
      const end = page.at(-1);
      if (page.length < 7 || end === undefined) break;
      after = { position: end.position, eventId: end.eventId };
    }
    expect(from(seen, fingerprint).map(({ eventId }) => eventId)).toEqual(rows.map(({ eventId }) => eventId));
    const positions = seen.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted(comparePositions));
  });

  test('are read one by one and many at once, as null if one is gone', async () => {
    const fingerprint = nextId('read');
    const issues = Array.from({ length: 30 }, (_, index) =>
      newIssue({ fingerprint, eventId: `read-${index}`, annotations: { summary: `number ${index}` } }),
    );
    await ground.issues.append(issues, fingerprint);
    const rows = await all(fingerprint);
    const read = await Promise.all(rows.map((row) => ground.issues.read(row)));
    expect(read).toEqual(rows);
    await expect(ground.issues.read({ position: '1', eventId: 'read-1' })).resolves.toBeNull();
    const [first, second] = rows;
    await expect(
      Promise.all([
        ground.issues.read({ position: first?.position ?? '', eventId: second?.eventId ?? '' }),
        ground.issues.read({ position: second?.position ?? '', eventId: first?.eventId ?? '' }),
      ]),
    ).resolves.toEqual([null, null]);
  });

  test.each<[string, string]>([
    ['quotes and backslashes', `'"\\ \\' \\" \\\\`],
    ['line ends and tabs', 'a\nb\r\nc\td'],
    ['other scripts and emoji', 'Ünïcödé 漢字 🔥 \u{10FFFF}'],
    ['SQL', `'; DROP TABLE issues; --`],
    ['placeholders', '{from:UInt64} $1 ? :name'],
    ['NUL and control characters', 'a\u0000b\u0001\u001f\u007f'],
    ['nothing', ''],
    ['a long text', 'x'.repeat(30_000)],
  ])('keep %s', async (_, text) => {
    const fingerprint = nextId('weird');
    const issue = newIssue({
      fingerprint,
      eventId: nextId('event'),
      monitor: text,
      severity: text,
      labels: { [text]: text, plain: 'x' },
      annotations: { text },
      startsAt: 1_700_000_000_001,
      endsAt: 1_700_000_000_999,
    });
    await ground.issues.append([issue], fingerprint);
    const [row] = await all(fingerprint);
    expect(row).toMatchObject({ ...issue });
  });

  test.each<[string, string]>([
    ['the year 1', '0001-01-01T00:00:00Z'],
    ['1899', '1899-12-31T23:59:59Z'],
    ['1970', '1970-01-01T00:00:00Z'],
    ['2299', '2299-12-31T23:59:59Z'],
    ['the year 9999', '9999-12-31T23:59:59Z'],
  ])('of %s are stored', async (_, text) => {
    const fingerprint = nextId('instant');
    const at = Date.parse(text);
    await ground.issues.append([newIssue({ fingerprint, startsAt: at, endsAt: at })], fingerprint);
    await expect(all(fingerprint)).resolves.toMatchObject([{ startsAt: at, endsAt: at }]);
  });

  test('that a monitor wrote past the API have a fingerprint that fits into a workflow id', async () => {
    const eventId = nextId('past');
    await ground.clickhouse.insert({
      table: 'issues',
      format: 'JSONEachRow',
      values: [
        {
          event_id: eventId,
          monitor: 'm',
          fingerprint: 'Not A-Fingerprint',
          status: 'firing',
          severity: 's',
          labels: {},
          annotations: {},
          starts_at: '2026-01-01 00:00:00',
          ends_at: null,
        },
      ],
    });
    const rows = await ground.issues.scan({
      from: '0',
      after: { position: '0', eventId: '' },
      limit: 100_000,
    });
    expect(rows.find((row) => row.eventId === eventId)?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });
});
