import { describe, expect, test } from '@jest/globals';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import { positionAt } from '../contract/position.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { Intent } from '../delivery/intent-store.ts';
import type { UnseenRange } from '../issues/issue-store.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { ResolveDebt } from './debt-store.ts';
import type { StreamWrite } from '../stream/stream-store.ts';
import { storedIssue } from '../testing/stored-issue.ts';
import { DEFAULT_SWEEP_OPTIONS, sweepResolveDebt, type SweepOptions } from './sweep-resolve-debt.ts';

const NOW = 1_800_000_000_000;
const LONG_AGO = NOW - 600_000;
function debt(id: string, parts: Partial<ResolveDebt> = {}): ResolveDebt {
  return {
    workflowId: `alert-${id}-r-a`,
    stream: { fingerprint: id, routeId: 'r', connectedAppId: 'a' },
    notifiedAt: 1,
    issue: { position: '5', eventId: 'e5', storedAt: LONG_AGO },
    intent: null,
    updatedAt: LONG_AGO,
    ...parts,
  };
}

function world(
  pages: readonly (readonly ResolveDebt[])[],
  options: Partial<SweepOptions & { readonly scannedUpTo: string | null }> = {},
) {
  const sent: [StreamKey, IssueSignal][] = [];
  const failing = new Set<string>();
  const failures: string[] = [];
  const cleared: number[] = [];
  const state = {
    isGone: false,
    heartbeats: 0,
    listFails: false,
    passed: [] as Intent[],
    unseen: [] as StoredIssue[],
    /** Apps of which no stream may be started. */
    full: new Set<string>(),
    /** Workflow ids of what waits in the backlog, and of what runs. */
    waiting: new Set<string>(),
    running: new Set<string>(),
    isAway: false,
    lookUpFails: false,
    asked: [] as string[],
    parked: [] as string[],
    listingMs: 0,
    now: NOW,
  };
  const ranges: UnseenRange[] = [];
  const dispatched: string[] = [];
  const written: StreamWrite[] = [];
  const sweep = (signal?: AbortSignal) =>
    sweepResolveDebt(
      {
        debts: {
          list: async ({ after }) => {
            if (state.listFails) throw new Error('away');
            state.now += state.listingMs;
            const index = Number(after ?? 0);
            return {
              debts: pages[index] ?? [],
              next: index + 1 < pages.length ? String(index + 1) : null,
            };
          },
        },
        intents: {
          listPassed: async () => state.passed,
          deleteSettled: async (ms) => {
            cleared.push(ms);
            return 3;
          },
        },
        issues: {
          read: async () => (state.isGone ? null : storedIssue(5, { status: 'resolved' })),
          findUnseen: async (range) => {
            ranges.push(range);
            return state.unseen;
          },
        },
        dispatch: async (rows) => {
          dispatched.push(...rows.map(({ eventId }) => eventId));
          return rows.length;
        },
        streams: { write: async (rows) => void written.push(rows) },
        streamLookUp: {
          find: async () => {
            if (state.lookUpFails) throw new Error('away');
            return { waiting: state.waiting, open: [] };
          },
        },
        isRunning: async (stream) => {
          state.asked.push(stream.fingerprint);
          if (state.isAway) throw new Error('no answer');
          return state.running.has(alertWorkflowId(stream));
        },
        signal: async (stream, given) => {
          if (failing.has(stream.fingerprint)) throw new Error('refused');
          if (state.full.has(stream.connectedAppId)) {
            state.parked.push(stream.fingerprint);
            state.waiting.add(alertWorkflowId(stream));
            return false;
          }
          sent.push([stream, given]);
          return true;
        },
        now: () => state.now,
        random: () => 0,
        onFailure: ({ what, id }) => failures.push(id ?? what),
      },
      { ...DEFAULT_SWEEP_OPTIONS, scannedUpTo: '100', ...options },
      { heartbeat: () => void state.heartbeats++, ...(signal === undefined ? {} : { signal }) },
    );
  return { sweep, sent, failing, failures, cleared, written, state, ranges, dispatched };
}

describe('rows that no scan has seen', () => {
  const scannedUpTo = positionAt(NOW);

  test('are looked for behind the cursor, and dispatched with a note', async () => {
    const { sweep, state, ranges, dispatched, failures } = world([], { scannedUpTo });
    state.unseen = [storedIssue(1, { eventId: 'late' }), storedIssue(2, { eventId: 'later' })];
    await expect(sweep()).resolves.toMatchObject({ unseen: 2 });
    expect(dispatched).toEqual(['late', 'later']);
    expect(failures).toEqual(['2 stored issues were seen by no scan and are dispatched now']);
    expect(ranges).toEqual([
      { after: positionAt(NOW - 3_600_000), upTo: positionAt(NOW - 120_000), limit: 500 },
    ]);
  });

  test('are none before the first scan, and none of a sweep without any', async () => {
    const first = world([], { scannedUpTo: null });
    await first.sweep();
    expect(first.ranges).toEqual([]);
    const quiet = world([], { scannedUpTo });
    await expect(quiet.sweep()).resolves.not.toHaveProperty('unseen');
    expect([quiet.dispatched, quiet.failures]).toEqual([[], []]);
  });
});

describe('a sweep', () => {
  test('asks every stream that owes a resolve, over all pages, and says that it is owed', async () => {
    const { sweep, sent, cleared } = world([[debt('f1')], [], [debt('f2')]]);
    await expect(sweep()).resolves.toEqual({
      owed: 2,
      signalled: 2,
      superseded: 0,
      cleared: 3,
      nextSweepInMs: 60_000,
    });
    expect(sent.map(([stream, { owed, status }]) => [stream.fingerprint, owed, status])).toEqual([
      ['f1', true, 'resolved'],
      ['f2', true, 'resolved'],
    ]);
    expect(cleared).toEqual([7 * 86_400_000]);
  });

  test.each<[string, Partial<ResolveDebt>, boolean]>([
    ['of which something was written lately', { updatedAt: NOW - 1000 }, false],
    [
      'that has owed for a day, an hour after the last try',
      {
        issue: { position: '5', eventId: 'e', storedAt: NOW - 86_400_000 },
        updatedAt: NOW - 3_600_000,
      },
      false,
    ],
    [
      'that has owed for a day, two hours after the last try',
      {
        issue: { position: '5', eventId: 'e', storedAt: NOW - 86_400_000 },
        updatedAt: NOW - 7_201_000,
      },
      true,
    ],
    [
      'whose issue is young: the scan may be about to bring it',
      { issue: { position: '5', eventId: 'e', storedAt: NOW } },
      false,
    ],
    ['that is being delivered', { intent: { status: 'refused', code: null, updatedAt: LONG_AGO } }, false],
    [
      'whose delivery was left lying for hours',
      { intent: { status: 'intended', code: null, updatedAt: NOW - 3 * 3_600_000 } },
      true,
    ],
    [
      'whose resolve was dropped',
      { intent: { status: 'dropped', code: 'EXPIRED', updatedAt: LONG_AGO } },
      true,
    ],
    [
      'that was delivered and not recorded',
      { intent: { status: 'delivered', code: null, updatedAt: LONG_AGO } },
      true,
    ],
  ])('counts a stream %s', async (_, parts, isAsked) => {
    const { sweep } = world([[debt('f1', parts)]]);
    await expect(sweep()).resolves.toMatchObject({ owed: 1, signalled: isAsked ? 1 : 0 });
  });

  test('continues after a stream that cannot be signalled', async () => {
    const { sweep, failing, failures, sent } = world([[debt('f1'), debt('f2')]]);
    failing.add('f1');
    await expect(sweep()).resolves.toMatchObject({ owed: 2, signalled: 1 });
    expect(failures).toEqual(['alert-f1-r-a']);
    expect(sent).toHaveLength(1);
  });

  test('asks at most so many at once, and counts the others', async () => {
    const { sweep } = world([[debt('f1'), debt('f2'), debt('f3')]], { maxSignals: 2 });
    await expect(sweep()).resolves.toMatchObject({ owed: 3, signalled: 2 });
  });

  const ofApp = (connectedAppId: string, count: number): readonly ResolveDebt[] =>
    Array.from({ length: count }, (_, index) => {
      const stream = { fingerprint: `${connectedAppId}${index}`, routeId: 'r', connectedAppId };
      return debt(stream.fingerprint, { stream, workflowId: alertWorkflowId(stream) });
    });

  test('leaves each app its part, whatever the others owe, and over all pages', async () => {
    const { sweep, state, sent } = world([ofApp('dead', 1200), ofApp('fine', 1)], { maxSignals: 10 });
    state.full.add('dead');
    await expect(sweep()).resolves.toMatchObject({ owed: 1201, signalled: 1 });
    expect(sent.map(([{ fingerprint }]) => fingerprint)).toEqual(['fine0']);
    // What may not start counts as an attempt, and is not tried again while it waits.
    expect(state.parked).toHaveLength(9);
    await sweep();
    expect(state.parked).toHaveLength(18);
    expect(new Set(state.parked).size).toBe(18);
  });

  test('neither asks nor signals what waits in the backlog, and counts it', async () => {
    const { sweep, state, sent } = world([ofApp('a', 2)]);
    state.waiting.add(alertWorkflowId({ fingerprint: 'a0', routeId: 'r', connectedAppId: 'a' }));
    await expect(sweep()).resolves.toMatchObject({ owed: 2, signalled: 1 });
    expect([state.asked, sent.map(([{ fingerprint }]) => fingerprint)]).toEqual([['a1'], ['a1']]);
  });

  test('leaves everything to the next sweep where the backlog cannot be looked up, and counts it', async () => {
    const { sweep, state, sent, failures } = world([ofApp('a', 2), ofApp('b', 1)]);
    state.lookUpFails = true;
    await expect(sweep()).resolves.toMatchObject({ owed: 3, signalled: 0 });
    expect([sent, failures.length]).toEqual([[], 2]);
  });

  test('leaves alone a stream that runs, however often: it deals with its own resolve', async () => {
    const { sweep, state, sent } = world([ofApp('a', 1)]);
    state.running.add(alertWorkflowId({ fingerprint: 'a0', routeId: 'r', connectedAppId: 'a' }));
    for (let round = 1; round <= 3; round++)
      await expect(sweep()).resolves.toMatchObject({ owed: 1, signalled: 0 });
    expect(sent).toEqual([]);
    state.running.clear();
    await expect(sweep()).resolves.toMatchObject({ signalled: 1 });
  });

  test('leaves to the next sweep what may run, says so once, and soon stops to ask', async () => {
    const { sweep, state, sent, failures } = world([ofApp('a', 400)]);
    state.isAway = true;
    await expect(sweep()).resolves.toMatchObject({ owed: 400, signalled: 0 });
    expect(sent).toEqual([]);
    expect(state.asked.length).toBeLessThan(40);
    expect(failures).toEqual([expect.stringMatching(/^whether \d+ alert streams run is unknown/)]);
  });

  test('signals what it has found before it lists on for long, and counts the rest', async () => {
    const { sweep, state, sent } = world([ofApp('a', 1), ofApp('b', 1), ofApp('c', 1)]);
    state.listingMs = 15_000;
    await expect(sweep()).resolves.toMatchObject({ owed: 3, signalled: 2 });
    expect(sent.map(([{ fingerprint }]) => fingerprint)).toEqual(['a0', 'b0']);
  });

  test('leaves out what is no longer stored', async () => {
    const { sweep, state } = world([[debt('f1')]]);
    state.isGone = true;
    await expect(sweep()).resolves.toMatchObject({ owed: 1, signalled: 0 });
  });

  test.each(['4', null])('leaves to the scan what it has not come to (%j)', async (scannedUpTo) => {
    const { sweep } = world([[debt('f1')]], { scannedUpTo });
    await expect(sweep()).resolves.toMatchObject({ owed: 1, signalled: 0 });
  });

  test.each([
    ['uncertain', true],
    ['intended', true],
    ['refused', false],
  ] as const)(
    'settles what a stream has passed; if it is %s, records a doubt: %j',
    async (status, isDoubted) => {
      const { sweep, written, state } = world([[]]);
      state.passed = [
        {
          notificationId: 'alert-f1-r-a-5',
          stream: { fingerprint: 'f1', routeId: 'r', connectedAppId: 'a' },
          position: '5',
          eventId: 'e5',
          kind: 'update',
          reason: 'renotify',
          status,
          claims: 2,
          attemptToken: null,
          wasUncertain: true,
          provider: 'webhook',
          externalId: null,
          code: null,
          decidedAt: LONG_AGO,
          updatedAt: LONG_AGO,
        },
      ];
      await expect(sweep()).resolves.toMatchObject({ superseded: 1 });
      expect(written[0]?.intents).toMatchObject([{ status: 'dropped', code: 'SUPERSEDED', claims: 2 }]);
      expect(written[0]?.ledger?.entries.map(({ stage, outcome }) => [stage, outcome])).toEqual([
        ['decided', undefined],
        ...(isDoubted ? [['attempted', 'uncertain']] : []),
        ['settled', 'dropped'],
      ]);
    },
  );

  test('deletes old intents although streams cannot be listed, and reports it', async () => {
    const { sweep, state, failures } = world([[debt('f1')]]);
    state.listFails = true;
    await expect(sweep()).resolves.toMatchObject({ owed: 0, cleared: 3, nextSweepInMs: 60_000 });
    expect(failures).toEqual(['open streams could not be listed to the end']);
  });

  test('stops between pages', async () => {
    const { sweep } = world([[debt('f1')]]);
    await expect(sweep(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });
});
