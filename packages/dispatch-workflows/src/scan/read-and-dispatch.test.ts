import { DatabaseError } from '@heliograph/database';
import { describe, expect, test } from '@jest/globals';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { ScanResult, ScanState } from '../contract/scan-state.ts';
import { positionAt } from '../contract/position.ts';
import type { ScanRange } from '../issues/issue-store.ts';
import type { StoredEvent, StoredIssue } from '../issues/issue.ts';
import type { LedgerEntry } from '../ledger/ledger-entry.ts';
import { storedIssue, storedRoute } from '../testing/stored-issue.ts';
import { createReadAndDispatch, DEFAULT_SCAN_OPTIONS, type ScanOptions } from './read-and-dispatch.ts';
import { compareRows } from './scan-window.ts';

/** Issues, routes, alert streams and their count, all in memory. */
function world(options: Partial<ScanOptions> = {}) {
  const state = {
    rows: [] as StoredIssue[],
    routes: [storedRoute('r')],
    estimate: 0 as number | null,
    /** Event ids whose signal fails. */
    failing: new Set<string>(),
    now: 20_000,
    ranges: [] as ScanRange[],
    sent: [] as string[],
    signals: [] as IssueSignal[],
    touched: [] as string[],
    failures: [] as string[],
    unreadable: [] as string[],
    entries: [] as LedgerEntry[],
    ledgerFails: false,
    /** Whether look-ups of events take too long. */
    isSlow: false,
    slow: 0,
  };
  const readAndDispatch = createReadAndDispatch(
    {
      issues: {
        scan: async (range) => {
          state.ranges.push(range);
          return state.rows
            .toSorted(compareRows)
            .filter((row) => compareRows(row, { position: range.from, eventId: '' }) >= 0)
            .filter((row) => compareRows(row, range.after) > 0)
            .slice(0, range.limit);
        },
        findEvents: async (eventIds) => {
          if (state.isSlow) throw new DatabaseError('DATABASE_TIMEOUT', 'slow', { retryable: true });
          const found = new Map<string, StoredEvent[]>();
          for (const { eventId, position, eventHash = '0' } of state.rows.toSorted(compareRows)) {
            const events = found.get(eventId) ?? [];
            if (!eventIds.includes(eventId) || events.some((event) => event.eventHash === eventHash))
              continue;
            found.set(eventId, [...events, { position, eventHash }]);
          }
          return found;
        },
        read: async ({ position, eventId }) =>
          state.rows.find((row) => row.position === position && row.eventId === eventId) ?? null,
      },
      routes: { listActive: async () => ({ revision: 42, routes: state.routes }) },
      ledger: async ({ entries }) => {
        if (state.ledgerFails) throw new Error('no ledger');
        state.entries.push(...entries);
      },
      running: {
        estimate: async () => state.estimate,
        track: (workflowId, runId) => state.touched.push(`${workflowId}/${runId}`),
      },
      signal: async ({ workflowId }, signal) => {
        const { eventId } = signal;
        if (state.failing.has(eventId)) throw new Error('refused');
        state.signals.push(signal);
        state.sent.push(`${workflowId}:${eventId}`);
        return 'run';
      },
      now: () => state.now,
      onFailure: ({ workflowId }) => state.failures.push(workflowId),
      onSlowLookUp: () => state.slow++,
      onUnreadableRoute: ({ routeId }) => state.unreadable.push(routeId),
    },
    { ...DEFAULT_SCAN_OPTIONS, initialLookbackMs: 10_000, ...options },
  );
  const scan = (before: ScanState | null, signal?: AbortSignal): Promise<ScanResult> =>
    readAndDispatch(before, signal);
  return { state, scan };
}

const streams = (...fingerprints: readonly string[]): readonly StoredIssue[] =>
  fingerprints.map((fingerprint, index) => storedIssue(11 + index, { fingerprint }));

describe('a scan', () => {
  test('signals what was stored since the lookback, and then sleeps for the interval', async () => {
    const { state, scan } = world({ intervalMs: 7000, overlapMs: 500 });
    state.rows.push(storedIssue(9), storedIssue(11), storedIssue(12, { status: 'resolved' }));
    await expect(scan(null)).resolves.toMatchObject({
      nextScanInMs: 7000,
      scanned: 2,
      dispatched: 2,
      failed: 0,
      running: 0,
      scan: { cursor: { position: positionAt(12_000), eventId: 'e12' } },
    });
    expect(state.sent).toEqual(['alert-f1-r-a:e11', 'alert-f1-r-a:e12']);
    expect(state.touched).toEqual(['alert-f1-r-a/run', 'alert-f1-r-a/run']);
  });

  test('reads the overlap again and signals only what it has not seen there', async () => {
    const { state, scan } = world();
    state.rows.push(storedIssue(12));
    const first = await scan(null);
    state.rows.push(storedIssue(11, { eventId: 'late' }), storedIssue(13));
    const second = await scan(first.scan);
    expect(second).toMatchObject({ scanned: 2, dispatched: 2 });
    expect(state.sent).toEqual(['alert-f1-r-a:e12', 'alert-f1-r-a:late', 'alert-f1-r-a:e13']);
    await expect(scan(second.scan)).resolves.toMatchObject({ scanned: 0, dispatched: 0 });
  });

  test('pages by position and id, even if many rows share one position', async () => {
    const { state, scan } = world({ maxRowsPerScan: 3 });
    const ids = ['e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e7'];
    state.rows.push(
      ...ids.map((eventId) => storedIssue(12, { eventId, fingerprint: eventId.replace('e', 'f') })),
    );
    const results: ScanResult[] = [];
    for (let at: ScanState | null = null; results.length < 3; at = results.at(-1)?.scan ?? null)
      results.push(await scan(at));
    expect(results.map(({ scanned, nextScanInMs }) => [scanned, nextScanInMs])).toEqual([
      [3, 0],
      [3, 0],
      [1, 15_000],
    ]);
    expect(state.sent.map((each) => each.split(':')[1])).toEqual(ids);
    expect(state.ranges.every(({ limit }) => limit === 3)).toBe(true);
  });

  test('leaves out a route that no longer parses', async () => {
    const { state, scan } = world();
    state.routes = [storedRoute('bad', { query: '(' }), storedRoute('r')];
    state.rows.push(storedIssue(11));
    await scan(null);
    expect(state.sent).toEqual(['alert-f1-r-a:e11']);
    expect(state.unreadable).toEqual(['bad']);
  });

  test('moves on over rows that no route wants', async () => {
    const { state, scan } = world();
    state.routes = [];
    state.rows.push(storedIssue(11), storedIssue(12));
    await expect(scan(null)).resolves.toMatchObject({
      scanned: 2,
      dispatched: 0,
      scan: { cursor: { eventId: 'e12' } },
    });
  });
});

describe('an event that is stored again', () => {
  const firing = (at: number, parts: Partial<StoredIssue> = {}): StoredIssue =>
    storedIssue(at, { eventId: 'x', eventHash: '7', startsAt: 0, ...parts });
  const resolved = storedIssue(12, { eventId: 'y', eventHash: '8', status: 'resolved' });

  test('after its resolve is not signalled: it would open a false page', async () => {
    const { state, scan } = world();
    state.rows.push(firing(11), resolved, firing(13));
    await expect(scan(null)).resolves.toMatchObject({ scanned: 3, dispatched: 2, nextScanInMs: 15_000 });
    expect(state.sent).toEqual(['alert-f1-r-a:x', 'alert-f1-r-a:y']);
    expect(state.entries.filter(({ stage }) => stage === 'seen').map(({ code }) => code)).toEqual([
      undefined,
      undefined,
      'REPEATED',
    ]);
  });

  test('is not signalled by a later scan, nor however often', async () => {
    const { state, scan } = world();
    state.rows.push(firing(11), resolved);
    const first = await scan(null);
    state.rows.push(firing(13), firing(14), firing(4000));
    await expect(scan(first.scan)).resolves.toMatchObject({ scanned: 3, dispatched: 0 });
  });

  test.each<[string, Partial<StoredIssue>, Partial<StoredIssue>]>([
    ['other content', { eventHash: '7' }, { eventHash: '9', status: 'resolved' }],
    ['no event id', { eventId: '' }, { eventId: '' }],
    ['no hash and other content', { eventHash: '0' }, { eventHash: '0', severity: 'low' }],
  ])('with %s is another event', async (_, before, after) => {
    const { state, scan } = world();
    state.rows.push(firing(11, before), firing(13, after));
    await expect(scan(null)).resolves.toMatchObject({ dispatched: 2 });
  });

  test('without a hash, past the API, is known by its content', async () => {
    const { state, scan } = world();
    state.rows.push(firing(11, { eventHash: '0' }), resolved, firing(13, { eventHash: '0' }));
    await expect(scan(null)).resolves.toMatchObject({ dispatched: 2 });
  });

  test('is signalled where it cannot be recognised in time, with a note', async () => {
    const { state, scan } = world();
    state.rows.push(firing(11), resolved, firing(13));
    state.isSlow = true;
    await expect(scan(null)).resolves.toMatchObject({ dispatched: 3 });
    expect(state.slow).toBe(1);
  });
});

test('a storm of more rows than are remembered loses no row that becomes visible late', async () => {
  const { state, scan } = world({ maxSeenRows: 100, maxRowsPerScan: 500, overlapMs: 10_000 });
  state.now = 20_000;
  for (let n = 0; n < 1000; n++)
    state.rows.push(storedIssue(19 + n / 2000, { eventId: `e${n}`, fingerprint: `f${n % 7}` }));
  let result = await scan(null);
  const sizes: number[] = [];
  for (let round = 0; round < 60; round++) {
    if (round === 3) state.rows.push(storedIssue(19.05, { eventId: 'late', fingerprint: 'late' }));
    state.now += Math.max(10, result.nextScanInMs);
    result = await scan(result.scan);
    sizes.push(result.scan.seen.length);
  }
  expect(new Set(state.sent.map((each) => each.split(':')[1])).size).toBe(1001);
  expect(state.sent.filter((each) => each.endsWith(':late'))).toHaveLength(1);
  expect(Math.max(...sizes)).toBeLessThan(8000);
});

describe('a signal that fails', () => {
  test('rewinds the cursor to before its row; the next scan sends it and those after it in its stream', async () => {
    const { state, scan } = world();
    state.rows.push(
      storedIssue(11, { fingerprint: 'x' }),
      storedIssue(12, { fingerprint: 'y' }),
      storedIssue(13, { fingerprint: 'x' }),
      storedIssue(14, { fingerprint: 'y' }),
    );
    state.failing.add('e12');
    const first = await scan(null);
    expect(first).toMatchObject({
      scanned: 4,
      dispatched: 2,
      failed: 2,
      nextScanInMs: 1000,
      scan: { cursor: { position: positionAt(11_000), eventId: 'e11' } },
    });
    expect(state.failures).toEqual(['alert-y-r-a']);
    state.failing.clear();
    await expect(scan(first.scan)).resolves.toMatchObject({ scanned: 2, dispatched: 2, failed: 0 });
    expect(state.sent).toEqual(['alert-x-r-a:e11', 'alert-x-r-a:e13', 'alert-y-r-a:e12', 'alert-y-r-a:e14']);
  });

  test('of one app makes its row come again for all of its streams', async () => {
    const { state, scan } = world({ concurrency: 1 });
    state.routes = [storedRoute('r', { connectedAppIds: ['a', 'b'] })];
    state.rows.push(storedIssue(11));
    state.failing.add('e11');
    const first = await scan(null);
    expect(first).toMatchObject({ failed: 1, dispatched: 0 });
    state.failing.clear();
    await scan(first.scan);
    expect(state.sent).toEqual(['alert-f1-r-a:e11', 'alert-f1-r-b:e11']);
  });

  test('because the activity is stopped counts as failed, and nothing is passed', async () => {
    const { state, scan } = world({ concurrency: 1 });
    state.rows.push(...streams('x', 'y'));
    const result = await scan(null, AbortSignal.abort());
    expect(result).toMatchObject({ dispatched: 0, failed: 2 });
    await scan(result.scan);
    expect(state.sent).toEqual(['alert-x-r-a:e11', 'alert-y-r-a:e12']);
  });
});

describe('back-pressure', () => {
  test('with no room scans nothing and tries again soon', async () => {
    const { state, scan } = world({ maxRunningAlerts: 10 });
    state.rows.push(storedIssue(11));
    state.estimate = 10;
    const held = await scan(null);
    expect(held).toMatchObject({ scanned: 0, dispatched: 0, nextScanInMs: 1000, running: 10 });
    expect(state.ranges).toEqual([]);
    state.estimate = 9;
    await expect(scan(held.scan)).resolves.toMatchObject({ scanned: 1, dispatched: 1 });
  });

  test('scans as much as there is room for, and continues at once', async () => {
    const { state, scan } = world({ maxRunningAlerts: 10 });
    state.rows.push(...streams('x', 'y', 'z'));
    state.estimate = 8;
    const first = await scan(null);
    expect(first).toMatchObject({ scanned: 2, dispatched: 2, nextScanInMs: 0, running: 8 });
    await expect(scan(first.scan)).resolves.toMatchObject({ scanned: 1, nextScanInMs: 15_000 });
  });

  test('counts streams, not rows: a row with many streams waits for the next scan', async () => {
    const { state, scan } = world({ maxRunningAlerts: 3 });
    state.routes = [storedRoute('r', { connectedAppIds: ['a', 'b'] })];
    state.rows.push(...streams('x', 'y'));
    const first = await scan(null);
    expect(first).toMatchObject({ scanned: 1, dispatched: 2, nextScanInMs: 0 });
    await expect(scan(first.scan)).resolves.toMatchObject({ scanned: 1, dispatched: 2 });
  });

  test('while the number of running workflows is unknown scans a little', async () => {
    const { state, scan } = world();
    state.rows.push(...Array.from({ length: 60 }, (_, index) => storedIssue(11, { eventId: `e${index}` })));
    state.estimate = null;
    await expect(scan(null)).resolves.toMatchObject({ scanned: 50, nextScanInMs: 0, running: -1 });
  });
});

test('the store being away fails the scan, so that its activity is retried with the same cursor', async () => {
  const { state, scan } = world();
  Object.defineProperty(state, 'rows', {
    get: () => {
      throw new Error('away');
    },
  });
  await expect(scan(null)).rejects.toThrow('away');
  expect(state.sent).toEqual([]);
});

describe('the ledger', () => {
  test('records every issue that was seen, and every match with its clause and its apps', async () => {
    const { state, scan } = world();
    state.rows = [
      storedIssue(11, { fingerprint: 'f1' }),
      storedIssue(12, { fingerprint: 'f2', severity: 'info' }),
    ];
    state.routes = [
      storedRoute('r', {
        query: 'severity:critical OR severity:fatal',
        connectedAppIds: ['a', 'b'],
        version: 3,
      }),
    ];
    await scan(null);
    expect(state.entries.map(({ stage, fingerprint }) => [stage, fingerprint])).toEqual([
      ['seen', 'f1'],
      ['seen', 'f2'],
      ['matched', 'f1'],
    ]);
    expect(state.entries[0]).toMatchObject({ configVersion: 42, at: state.now });
    expect(state.entries[2]).toMatchObject({
      routeId: 'r',
      configVersion: 3,
      clause: 'severity:"critical"',
      apps: ['a', 'b'],
    });
  });

  test('that cannot be written fails the scan after its signals, so that the next one records them', async () => {
    const { state, scan } = world();
    state.rows = [storedIssue(11)];
    state.ledgerFails = true;
    await expect(scan(null)).rejects.toThrow('no ledger');
    expect(state.sent).toHaveLength(1);
    state.ledgerFails = false;
    await scan(null);
    expect(state.entries.map(({ stage }) => stage)).toEqual(['seen', 'matched']);
  });

  test('records nothing that was left for the next scan', async () => {
    const { state, scan } = world({ maxRunningAlerts: 1 });
    state.rows = [...streams('f1', 'f2')];
    await scan(null);
    expect(state.entries.map(({ fingerprint }) => fingerprint)).toEqual(['f1', 'f1']);
  });
});

test('a signal carries what its route asks for', async () => {
  const { state, scan } = world();
  state.rows = [storedIssue(11)];
  state.routes = [storedRoute('r', { version: 5, renotifyIntervalMs: 60_000, maxSignalAgeMs: 120_000 })];
  await scan(null);
  expect(state.signals[0]?.policy).toEqual({
    version: 5,
    renotifyIntervalMs: 60_000,
    maxSignalAgeMs: 120_000,
  });
});
