import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { newIssue, nextId } from '../testing/store-drafts.ts';
import { describeIssues } from '../testing/issue-contract.ts';
import { createIssueStore, INSERT_LIMITS } from './issue-store.ts';
import type { StoredIssue } from './issue.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('issues');
});
afterAll(() => ground.close());

describeIssues(() => ground);

describe('issues', () => {
  const from = (rows: readonly StoredIssue[], fingerprint: string) =>
    rows.filter((row) => row.fingerprint === fingerprint);
  const all = (fingerprint: string) =>
    ground.issues
      .scan({ from: '0', after: { position: '0', eventId: '' }, limit: 100_000 })
      .then((rows) => from(rows, fingerprint));

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
