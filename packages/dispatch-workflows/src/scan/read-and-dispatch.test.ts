import { DatabaseError } from '@heliograph/database';
import { describe, expect, test } from '@jest/globals';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { ScanResult, ScanState } from '../contract/scan-state.ts';
import { positionAt } from '../contract/position.ts';
import type { ScanRange } from '../issues/issue-store.ts';
import type { StoredEvent, StoredIssue } from '../issues/issue.ts';
import type { LedgerEntry, LedgerRun } from '../ledger/ledger-entry.ts';
import { storedIssue, storedRoute } from '../testing/stored-issue.ts';
import { memoryBacklog } from '../testing/memory-backlog.ts';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { createRowDispatcher } from './dispatch-rows.ts';
import {
  createReadAndDispatch,
  DEFAULT_SCAN_OPTIONS,
  type ScanDependencies,
  type ScanOptions,
} from './read-and-dispatch.ts';
import { createRecentStreams } from './recent-streams.ts';
import { compareRows } from './scan-window.ts';

/** Issues, routes, alert streams and their count, all in memory. */
function world(options: Partial<ScanOptions> = {}) {
  const state = {
    rows: [] as StoredIssue[],
    routes: [storedRoute('r')],
    estimate: 0 as number | null,
    runningOf: new Map<string, number>(),
    /** Workflow ids of streams that run, and so take a signal without being started. */
    running: new Set<string>(),
    open: [] as StreamKey[],
    unparkable: false,
    unparked: 0,
    /** Why the backlog cannot be read, and streams of it that cannot. */
    backlogError: undefined as Error | undefined,
    strange: [] as StreamKey[],
    backlogFailures: [] as unknown[],
    tooComplex: [] as string[],
    runs: [] as LedgerRun[],
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
  const backlog = memoryBacklog(() => state.now);
  const park = backlog.park.bind(backlog);
  const deliver = (stream: StreamKey, signal: IssueSignal): void => {
    const { eventId } = signal;
    if (state.failing.has(eventId)) throw new Error('refused');
    state.signals.push(signal);
    state.sent.push(`${alertWorkflowId(stream)}:${eventId}`);
  };
  const dependencies: ScanDependencies = {
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
          if (!eventIds.includes(eventId) || events.some((event) => event.eventHash === eventHash)) continue;
          found.set(eventId, [...events, { position, eventHash }]);
        }
        return found;
      },
      read: async ({ position, eventId }) =>
        state.rows.find((row) => row.position === position && row.eventId === eventId) ?? null,
    },
    routes: { listActive: async () => ({ revision: 42, routes: state.routes }) },
    ledger: async ({ entries, runs }) => {
      if (state.ledgerFails) throw new Error('no ledger');
      state.entries.push(...entries);
      state.runs.push(...runs);
    },
    running: {
      estimate: async () => state.estimate,
      estimateOf: async (appIds) => new Map([...state.runningOf].filter(([appId]) => appIds.includes(appId))),
      track: ({ workflowId, runId }) => void state.touched.push(`${workflowId}/${runId}`),
    },
    recent: createRecentStreams({ now: () => state.now }),
    backlog: {
      ...backlog,
      park: async (items) => {
        if (state.unparkable) throw new Error('away');
        await park(items);
      },
      listDue: async () => {
        if (state.backlogError !== undefined) throw state.backlogError;
        return backlog.listDue();
      },
      takeDue: async (starts, limit, onUnreadable) => {
        const taken = await backlog.takeDue(starts, limit);
        const isStrange = ({ stream }: (typeof taken)[number]): boolean =>
          state.strange.some((each) => alertWorkflowId(each) === alertWorkflowId(stream));
        for (const { stream } of taken.filter(isStrange))
          onUnreadable?.({ stream, error: new Error('of another release') });
        return taken.filter((each) => !isStrange(each));
      },
    },
    streams: {
      find: async ({ fingerprints, resolved }) => ({
        waiting: new Set(
          [...backlog.entries]
            .filter(([, { stream }]) => fingerprints.includes(stream.fingerprint))
            .map(([id]) => id),
        ),
        open: state.open.filter(({ fingerprint }) => resolved.includes(fingerprint)),
      }),
    },
    signal: async (stream, signal) => {
      deliver(stream, signal);
      return 'run';
    },
    signalRunning: async (stream, signal) => {
      if (!state.running.has(alertWorkflowId(stream))) return false;
      deliver(stream, signal);
      return true;
    },
    now: () => state.now,
    onFailure: ({ workflowId }) => state.failures.push(workflowId),
    onSlowLookUp: () => state.slow++,
    onUnparked: () => state.unparked++,
    onBacklogFailure: (error) => state.backlogFailures.push(error),
    onTooComplex: ({ routeId }) => state.tooComplex.push(routeId),
    onUnreadableRoute: ({ routeId }) => state.unreadable.push(routeId),
  };
  const scanOptions = { ...DEFAULT_SCAN_OPTIONS, initialLookbackMs: 10_000, ...options };
  const readAndDispatch = createReadAndDispatch(
    dependencies,
    scanOptions,
    createRowDispatcher(dependencies, scanOptions),
  );
  const scan = (before: ScanState | null, signal?: AbortSignal): Promise<ScanResult> =>
    readAndDispatch(before, signal);
  return { state, scan, backlog };
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
      // It has read all there was: the cursor moves on with the time, not only with rows.
      scan: { cursor: { position: positionAt(state.now - 500), eventId: '' } },
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
  test('puts its stream into the backlog, and the cursor goes on', async () => {
    const { state, scan, backlog } = world();
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
      parked: 2,
      failed: 0,
      nextScanInMs: 1000,
      scan: { cursor: { position: positionAt(14_000), eventId: 'e14' } },
    });
    expect(state.failures).toEqual(['alert-y-r-a']);
    expect([...backlog.entries.values()]).toMatchObject([
      { signal: { eventId: 'e14' }, firstPosition: positionAt(12_000), signals: 2, reason: 'unreachable' },
    ]);
    state.failing.clear();
    state.now += 500;
    await expect(scan(first.scan)).resolves.toMatchObject({ scanned: 0, dispatched: 0, nextScanInMs: 1000 });
    state.now += 500;
    await expect(scan(first.scan)).resolves.toMatchObject({ dispatched: 1, failed: 0 });
    expect(state.sent).toEqual(['alert-x-r-a:e11', 'alert-x-r-a:e13', 'alert-y-r-a:e14']);
    expect(backlog.entries.size).toBe(0);
  });

  test('is tried again more and more rarely', async () => {
    const { state, scan, backlog } = world();
    state.rows.push(storedIssue(11));
    state.failing.add('e11');
    let result = await scan(null);
    const waits: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      state.now += result.nextScanInMs;
      while (backlog.entries.get('alert-f1-r-a')?.attempts === attempt + 1) {
        result = await scan(result.scan);
        state.now += result.nextScanInMs;
      }
      waits.push((await backlog.listDue()).nextAttemptInMs ?? 0);
    }
    expect(backlog.entries.get('alert-f1-r-a')?.attempts).toBe(6);
    state.failing.clear();
    state.now += 60_000;
    await scan(result.scan);
    expect(state.sent).toEqual(['alert-f1-r-a:e11']);
  });

  test('is not overtaken within its stream', async () => {
    const { state, scan, backlog } = world();
    state.rows.push(storedIssue(11));
    state.failing.add('e11');
    const first = await scan(null);
    state.failing.clear();
    state.rows.push(storedIssue(12, { status: 'resolved' }));
    const second = await scan(first.scan);
    expect(second).toMatchObject({ scanned: 1, dispatched: 0, parked: 1 });
    expect(state.sent).toEqual([]);
    expect([...backlog.entries.values()]).toMatchObject([{ signal: { eventId: 'e12', status: 'resolved' } }]);
    state.now += 1000;
    await scan(second.scan);
    expect(state.sent).toEqual(['alert-f1-r-a:e12']);
    // What it took the place of has an answer as well.
    expect(state.runs).toMatchObject([
      {
        reason: 'superseded_by_newer',
        first: { position: positionAt(11_000) },
        last: { position: (BigInt(positionAt(12_000)) - 1n).toString() },
        count: 1,
      },
    ]);
  });

  test('of one app does not send again what the others got', async () => {
    const { state, scan, backlog } = world({ concurrency: 1 });
    state.routes = [storedRoute('r', { connectedAppIds: ['a', 'b'] })];
    state.rows.push(storedIssue(11));
    state.failing.add('e11');
    const first = await scan(null);
    expect(first).toMatchObject({ failed: 0, dispatched: 0, parked: 2 });
    expect([...backlog.entries.keys()]).toEqual(['alert-f1-r-a', 'alert-f1-r-b']);
  });

  test('and cannot be parked either is read again, with those after it in its stream', async () => {
    const { state, scan } = world();
    state.rows.push(
      storedIssue(11, { fingerprint: 'x' }),
      storedIssue(12, { fingerprint: 'y' }),
      storedIssue(13, { fingerprint: 'x' }),
      storedIssue(14, { fingerprint: 'y' }),
    );
    state.failing.add('e12');
    state.unparkable = true;
    const first = await scan(null);
    expect(first).toMatchObject({
      scanned: 4,
      dispatched: 2,
      failed: 2,
      nextScanInMs: 1000,
      scan: { cursor: { position: positionAt(11_000), eventId: 'e11' } },
    });
    expect(state.unparked).toBe(1);
    state.failing.clear();
    state.unparkable = false;
    await expect(scan(first.scan)).resolves.toMatchObject({ scanned: 2, dispatched: 2, failed: 0 });
    expect(state.sent).toEqual(['alert-x-r-a:e11', 'alert-x-r-a:e13', 'alert-y-r-a:e12', 'alert-y-r-a:e14']);
  });

  test('because the activity is stopped counts as failed, and nothing is passed', async () => {
    const { state, scan, backlog } = world({ concurrency: 1 });
    state.rows.push(...streams('x', 'y'));
    const result = await scan(null, AbortSignal.abort());
    expect(result).toMatchObject({ dispatched: 0, failed: 2 });
    expect(backlog.entries.size).toBe(0);
    await scan(result.scan);
    expect(state.sent).toEqual(['alert-x-r-a:e11', 'alert-y-r-a:e12']);
  });

  test('holds nobody up: 15 000 good rows behind it are all sent', async () => {
    const { state, scan, backlog } = world({ initialLookbackMs: 60_000 });
    state.now = 60_000;
    state.rows.push(storedIssue(11, { fingerprint: 'bad', eventId: 'bad' }));
    for (let n = 0; n < 15_000; n++)
      state.rows.push(storedIssue(12 + n / 1000, { fingerprint: `f${n % 500}`, eventId: `e${n}` }));
    state.failing.add('bad');
    let result = await scan(null);
    let waitedMs = 0;
    for (let scans = 1; scans < 60 && result.scanned > 0; scans++) {
      waitedMs += result.nextScanInMs;
      state.now += result.nextScanInMs;
      result = await scan(result.scan);
    }
    expect(new Set(state.sent.map((each) => each.split(':')[1])).size).toBe(15_000);
    expect([...backlog.entries.keys()]).toEqual(['alert-bad-r-a']);
    expect(waitedMs).toBeLessThan(30_000);
    // On a busy machine so many rows take longer than other tests.
  }, 60_000);
});

describe('a backlog', () => {
  const strange = { fingerprint: 'strange', routeId: 'r', connectedAppId: 'a' };
  const signal = { eventId: 'e1', position: positionAt(11_000), status: 'firing', storedAt: 11_000 } as const;

  test('that cannot be read is reported, and what was stored since is dispatched', async () => {
    const { state, scan } = world();
    state.rows.push(storedIssue(11));
    state.backlogError = new DatabaseError('DATABASE_TIMEOUT', 'slow', { retryable: true });
    await expect(scan(null)).resolves.toMatchObject({ dispatched: 1, failed: 0, nextScanInMs: 1000 });
    expect(state.backlogFailures).toEqual([state.backlogError]);
  });

  test('hands over a suppression before the firing after it, and answers for what these took the place of', async () => {
    const { state, scan, backlog } = world();
    const at = (second: number, status: IssueSignal['status']): IssueSignal => ({
      ...signal,
      eventId: `e${second}`,
      position: positionAt(second * 1000),
      status,
    });
    const signals = (['firing', 'suppressed', 'firing', 'firing'] as const).map((status, index) =>
      at(11 + index, status),
    );
    await backlog.park([{ stream: strange, signals, reason: 'over_share' }]);
    await expect(scan(null)).resolves.toMatchObject({ dispatched: 1 });
    expect(state.sent).toEqual(['alert-strange-r-a:e12', 'alert-strange-r-a:e14']);
    expect(backlog.entries.size).toBe(0);
    const covers = (second: number): number =>
      state.runs.filter(
        ({ first, last }) =>
          BigInt(first.position) <= BigInt(positionAt(second * 1000)) &&
          BigInt(positionAt(second * 1000)) <= BigInt(last.position),
      ).length;
    expect([11, 12, 13, 14].map(covers)).toEqual([1, 0, 1, 0]);
    expect(state.runs.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });

  test('keeps a suppression whose firing could not be handed over', async () => {
    const { state, scan, backlog } = world();
    const firing = { ...signal, eventId: 'e2', position: positionAt(12_000) };
    await backlog.park([
      { stream: strange, signals: [{ ...signal, status: 'suppressed' }, firing], reason: 'over_share' },
    ]);
    state.failing.add('e2');
    const first = await scan(null);
    expect([...backlog.entries.values()]).toMatchObject([{ suppressed: { eventId: 'e1' }, attempts: 1 }]);
    state.failing.clear();
    state.now += 10_000;
    await scan(first.scan);
    expect(state.sent).toEqual(['alert-strange-r-a:e1', 'alert-strange-r-a:e1', 'alert-strange-r-a:e2']);
    expect(state.runs).toEqual([]);
  });

  test('is left by its scan where that is stopped', async () => {
    const { state, scan } = world();
    state.backlogError = new Error('stopped');
    await expect(scan(null, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    expect(state.backlogFailures).toEqual([]);
  });

  test('with a stream that this release cannot read hands over the others, and tries it more and more rarely', async () => {
    const { state, scan, backlog } = world({ maxRunningAlerts: 1 });
    state.strange = [strange];
    for (const stream of [strange, { ...strange, fingerprint: 'known' }]) {
      await backlog.park([{ stream, signals: [signal], reason: 'over_share' }]);
      state.now += 10;
    }
    const first = await scan(null);
    expect(state.failures).toEqual(['alert-strange-r-a']);
    state.now += 100;
    await scan(first.scan);
    expect(state.failures).toHaveLength(1);
    expect(state.sent).toEqual(['alert-known-r-a:e1']);
    expect([...backlog.entries.values()]).toMatchObject([{ stream: strange, attempts: 1 }]);
  });
});

describe('back-pressure', () => {
  const routes = [
    storedRoute('r', { query: 'severity:info', connectedAppIds: ['dead'] }),
    storedRoute('s', { query: 'severity:critical', connectedAppIds: ['good'] }),
  ];

  test('at the ceiling signals what runs and parks the rest, and the cursor goes on', async () => {
    const { state, scan, backlog } = world({ maxRunningAlerts: 10 });
    state.rows.push(...streams('x', 'y'));
    state.estimate = 10;
    state.running.add('alert-y-r-a');
    const held = await scan(null);
    expect(held).toMatchObject({
      scanned: 2,
      dispatched: 1,
      parked: 1,
      failed: 0,
      nextScanInMs: 1000,
      running: 10,
      scan: { cursor: { eventId: 'e12' } },
    });
    expect(state.sent).toEqual(['alert-y-r-a:e12']);
    expect([...backlog.entries.values()]).toMatchObject([{ reason: 'over_share', attempts: 0 }]);
    state.estimate = 0;
    state.now += 1000;
    await expect(scan(held.scan)).resolves.toMatchObject({ scanned: 0, dispatched: 1 });
    expect(state.sent).toEqual(['alert-y-r-a:e12', 'alert-x-r-a:e11']);
    expect(state.runs).toEqual([]);
  });

  test('a resolve of a running stream passes at the ceiling', async () => {
    const { state, scan } = world({ maxRunningAlerts: 1 });
    state.estimate = 1;
    state.running.add('alert-f1-r-a');
    state.rows.push(storedIssue(11, { status: 'resolved' }));
    await expect(scan(null)).resolves.toMatchObject({ dispatched: 1, nextScanInMs: 15_000 });
  });

  test('parks what ends between two signals of one scan', async () => {
    const { state, scan, backlog } = world({ maxRunningAlerts: 1 });
    state.estimate = 1;
    state.running.add('alert-f1-r-a');
    state.rows.push(storedIssue(11), storedIssue(12));
    state.running.has = function (id: string) {
      return Set.prototype.has.call(this, id) && state.sent.length === 0;
    };
    await expect(scan(null)).resolves.toMatchObject({ dispatched: 1, parked: 1, failed: 0 });
    expect([...backlog.entries.values()]).toMatchObject([{ signal: { eventId: 'e12' }, signals: 1 }]);
  });

  test('of an app that holds its share leaves the others alone, and the app gets room as it becomes free', async () => {
    const { state, scan, backlog } = world({ maxRunningAlerts: 20 });
    state.routes = routes;
    state.estimate = 16;
    state.runningOf.set('dead', 16).set('good', 0);
    state.rows.push(
      storedIssue(11, { fingerprint: 'd1', severity: 'info' }),
      storedIssue(12, { fingerprint: 'g1' }),
      storedIssue(13, { fingerprint: 'd2', severity: 'info' }),
      storedIssue(14, { fingerprint: 'g2' }),
    );
    const first = await scan(null);
    expect(state.sent).toEqual(['alert-g1-s-good:e12', 'alert-g2-s-good:e14']);
    expect(first).toMatchObject({ dispatched: 2, parked: 2, nextScanInMs: 1000 });
    state.now += 1000;
    await expect(scan(first.scan)).resolves.toMatchObject({ dispatched: 0, nextScanInMs: 1000 });
    state.estimate = 15;
    state.runningOf.set('dead', 15);
    state.now += 1000;
    await expect(scan(first.scan)).resolves.toMatchObject({ dispatched: 1 });
    expect(state.sent.at(-1)).toBe('alert-d1-r-dead:e11');
    expect([...backlog.entries.keys()]).toEqual(['alert-d2-r-dead']);
  });

  test('takes apps in turns when room becomes free', async () => {
    const { state, scan } = world({ maxRunningAlerts: 4 });
    state.routes = routes;
    state.estimate = 4;
    state.rows.push(
      ...['d1', 'd2', 'd3'].map((fingerprint, index) =>
        storedIssue(11 + index, { fingerprint, severity: 'info' }),
      ),
      storedIssue(15, { fingerprint: 'g1' }),
    );
    const first = await scan(null);
    state.estimate = 2;
    state.runningOf.set('dead', 2).set('good', 0);
    state.now += 1000;
    await scan(first.scan);
    expect(state.sent).toEqual(['alert-d1-r-dead:e11', 'alert-g1-s-good:e15']);
  });

  test('empties a large backlog without pausing', async () => {
    const { state, scan, backlog } = world();
    state.estimate = 5000;
    for (let n = 0; n < 450; n++)
      state.rows.push(storedIssue(11, { eventId: `e${n}`, fingerprint: `f${n}` }));
    let result = await scan(null);
    expect(backlog.entries.size).toBe(450);
    state.estimate = 0;
    const pauses: number[] = [];
    for (let scans = 0; scans < 3; scans++) {
      result = await scan(result.scan);
      pauses.push(result.nextScanInMs);
    }
    expect(backlog.entries.size).toBe(0);
    expect(pauses).toEqual([0, 0, 1000]);
  });

  test('where nobody can be reached pauses', async () => {
    const { state, scan } = world({ maxRowsPerScan: 2 });
    state.rows.push(...streams('x', 'y', 'z'));
    for (const { eventId } of state.rows) state.failing.add(eventId);
    await expect(scan(null)).resolves.toMatchObject({ scanned: 2, parked: 2, nextScanInMs: 1000 });
  });

  test('takes a page of streams at most: a row with many streams waits for the next scan', async () => {
    const { state, scan } = world({ maxRowsPerScan: 3 });
    state.routes = [storedRoute('r', { connectedAppIds: ['a', 'b'] })];
    state.rows.push(...streams('x', 'y'));
    const first = await scan(null);
    expect(first).toMatchObject({ scanned: 1, dispatched: 2, nextScanInMs: 0 });
    await expect(scan(first.scan)).resolves.toMatchObject({ scanned: 1, dispatched: 2 });
  });

  test('while the number of running workflows is unknown scans a little, and parks what one app has too much of', async () => {
    const { state, scan } = world();
    state.rows.push(
      ...Array.from({ length: 60 }, (_, index) =>
        storedIssue(11, { eventId: `e${index}`, fingerprint: `f${index}` }),
      ),
    );
    state.estimate = null;
    await expect(scan(null)).resolves.toMatchObject({
      scanned: 50,
      dispatched: 40,
      parked: 10,
      nextScanInMs: 0,
      running: -1,
    });
  });
});

describe('a resolve that its route does not match', () => {
  const open: StreamKey = { fingerprint: 'f1', routeId: 'r', connectedAppId: 'a' };
  const bare = (at: number) => storedIssue(at, { status: 'resolved', severity: '' });
  const critical = [storedRoute('r', { query: 'severity:critical' })];

  test('reaches the open stream in the same scan, and the ledger says how', async () => {
    const { state, scan } = world();
    state.routes = critical;
    state.open.push(open);
    state.rows.push(bare(11));
    await expect(scan(null)).resolves.toMatchObject({ dispatched: 1 });
    expect(state.sent).toEqual(['alert-f1-r-a:e11']);
    expect(state.signals[0]?.policy).toEqual({
      version: 0,
      renotifyIntervalMs: null,
      maxSignalAgeMs: 3_600_000,
    });
    expect(state.entries.filter(({ stage }) => stage === 'matched')).toMatchObject([
      { routeId: 'r', code: 'REACHED', apps: ['a'] },
    ]);
  });

  test('reaches a stream that was signalled a moment ago, of which no row tells yet', async () => {
    const { state, scan } = world();
    state.routes = critical;
    state.rows.push(storedIssue(11));
    const first = await scan(null);
    state.rows.push(bare(12));
    await scan(first.scan);
    expect(state.sent).toEqual(['alert-f1-r-a:e11', 'alert-f1-r-a:e12']);
  });

  test('reaches a stream that was handed over from the backlog a moment ago', async () => {
    const { state, scan, backlog } = world();
    state.routes = critical;
    state.estimate = 5000;
    state.rows.push(storedIssue(11));
    const first = await scan(null);
    expect(backlog.entries.size).toBe(1);
    state.estimate = 0;
    state.now += 5000;
    const second = await scan(first.scan);
    state.rows.push(bare(12));
    await scan(second.scan);
    expect(state.sent).toEqual(['alert-f1-r-a:e11', 'alert-f1-r-a:e12']);
  });

  test('joins the firing that waits in the backlog', async () => {
    const { state, scan, backlog } = world();
    state.routes = critical;
    state.estimate = 5000;
    state.rows.push(storedIssue(11));
    const first = await scan(null);
    state.open.push(open);
    state.rows.push(bare(12));
    await scan(first.scan);
    expect([...backlog.entries.values()]).toMatchObject([{ signal: { eventId: 'e12', status: 'resolved' } }]);
  });

  test('reaches nothing where nothing is open', async () => {
    const { state, scan } = world();
    state.routes = critical;
    state.rows.push(bare(11));
    await expect(scan(null)).resolves.toMatchObject({ dispatched: 0 });
  });
});

test('a route that is too complex for a row is reported, and matches other rows', async () => {
  const { state, scan } = world();
  state.routes = [storedRoute('r', { query: `annotation.x:*${'a'.repeat(2000)}b* OR severity:critical` })];
  state.rows.push(
    storedIssue(11, { annotations: { x: 'a'.repeat(32_768) } }),
    storedIssue(12, { fingerprint: 'f2' }),
  );
  await expect(scan(null)).resolves.toMatchObject({ scanned: 2, dispatched: 1, failed: 0 });
  expect(state.tooComplex).toEqual(['r']);
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
    const { state, scan } = world({ maxRowsPerScan: 1 });
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
