import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Outcome } from '@heliograph/notifier';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import type { StoredIssue } from '../issues/issue.ts';
import { deliveryWorld, rejected, testOrder } from '../testing/delivery-world.ts';
import { memoryBacklog } from '../testing/memory-backlog.ts';
import { storedIssue, storedRoute } from '../testing/stored-issue.ts';
import { createDispatchActivities, type DispatchDependencies } from './create-activities.ts';

/** The activities over a world in memory, and an activity context whose heartbeats are kept. */
function world(
  options: {
    readonly heartbeatDetails?: unknown;
    readonly answers?: readonly Outcome[];
    /** How long ago the activity was scheduled. */
    readonly waitedMs?: number;
  } = {},
) {
  const { state, dependencies } = deliveryWorld(...(options.answers ?? []));
  const signalled: string[] = [];
  const pages = { next: async (): Promise<readonly StoredIssue[]> => [] };
  const activities = createDispatchActivities({
    ...dependencies,
    issues: { ...dependencies.issues, scan: () => pages.next(), findEvents: async () => new Map() },
    routes: {
      listActive: async () => ({ revision: 1, routes: [storedRoute('r1')] }),
    },
    debts: { list: async () => ({ debts: [], next: null }) },
    intents: { ...dependencies.intents, listPassed: async () => [], deleteSettled: async () => 0 },
    ledger: { write: async () => undefined },
    backlog: memoryBacklog(Date.now),
    streamLookUp: { find: async () => ({ waiting: new Set(), open: [] }) },
    client: {
      connection: { withDeadline: (_: number, run: () => unknown) => run() },
      workflow: {
        count: async () => ({ count: 0 }),
        signalWithStart: async (_: string, { workflowId }: { readonly workflowId: string }) => {
          signalled.push(workflowId);
          return { signaledRunId: 'run' };
        },
      },
    },
  } as unknown as DispatchDependencies);
  const environment = new MockActivityEnvironment({
    heartbeatDetails: options.heartbeatDetails,
    scheduledTimestampMs: Date.now() - (options.waitedMs ?? 0),
  });
  const heartbeats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
  const run = <T>(call: (activities: DispatchActivities) => Promise<T>): Promise<T> =>
    environment.run(() => call(activities));
  return { run, environment, heartbeats, signalled, pages, state };
}

/** What an activity ends with when it is cancelled: the signal's reason. */
const CANCELLED = /CANCELLED/;
/** What an activity ends with when its worker stops: the signal's reason, or the abort of a wait. */
const STOPPED = /WORKER_SHUTDOWN|abort/i;

/** A promise that is resolved from outside. */
function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Only intervals are virtual: waiting inside activities is not. */
const fakeIntervals = (): void =>
  void jest.useFakeTimers({
    doNotFake: [
      'performance',
      'setTimeout',
      'clearTimeout',
      'setImmediate',
      'clearImmediate',
      'nextTick',
      'queueMicrotask',
      'Date',
    ],
  });
afterEach(() => {
  jest.useRealTimers();
});

describe('a patient delivery', () => {
  test.each([undefined, null, 'text', {}, { lastAttempt: 7 }, { lastAttempt: { token: 'a' } }])(
    'starts from nothing if the last heartbeat was %j',
    async (heartbeatDetails) => {
      const { run, heartbeats, state } = world({ heartbeatDetails });
      await expect(run((it) => it.deliverPatiently(testOrder()))).resolves.toMatchObject({
        kind: 'delivered',
      });
      expect(heartbeats).toEqual([{}]);
      expect([...state.intents.rows.values()]).toMatchObject([
        { attemptToken: expect.not.stringMatching(/\./) },
      ]);
    },
  );

  test('keeps what became of its attempts in its heartbeats, for itself in another process', async () => {
    const lastAttempt = { token: 'before', outcome: 'refused' };
    const { run, heartbeats, state } = world({
      heartbeatDetails: { lastAttempt },
      answers: [rejected(true)],
    });
    state.intents.set(testOrder().notificationId, 'intended', 'before');
    state.onDeliver = () => (state.writeFails = state.requests.length === 1);
    await run((it) => it.deliverPatiently(testOrder()));
    // What the process that died had learnt leaves no doubt, nor does what this one learns.
    expect(state.log.filter((line) => line.startsWith('claim'))).toEqual([
      'claim after refused',
      'claim after refused',
    ]);
    expect(heartbeats).toEqual([
      { lastAttempt },
      { lastAttempt: { token: expect.stringMatching(/^[^.]+\.before\+$/), outcome: 'refused' } },
    ]);
  });

  test('of which nobody took care for longer than it is worth is dropped and not sent', async () => {
    const fortyMinutes = 40 * 60_000;
    const { run, state } = world({ waitedMs: fortyMinutes });
    await expect(run((it) => it.deliverPatiently(testOrder({ timeToLiveMs: 300_000 })))).resolves.toEqual({
      kind: 'dropped',
      code: 'EXPIRED',
      recorded: true,
    });
    expect(state.requests).toEqual([]);
    expect(state.entries.map(({ stage, outcome, code }) => [stage, outcome, code])).toEqual([
      ['decided', undefined, undefined],
      ['settled', 'dropped', 'EXPIRED'],
    ]);
  });

  test('heartbeats by the clock while the provider does not answer, and no longer', async () => {
    fakeIntervals();
    const { run, heartbeats, state } = world();
    const [begun, answer] = [deferred<void>(), deferred<void>()];
    state.onDeliver = () => begun.resolve();
    state.hold = answer.promise;
    const running = run((it) => it.deliverPatiently(testOrder()));
    await begun.promise;
    jest.advanceTimersByTime(9000);
    expect(heartbeats).toHaveLength(3);
    answer.resolve();
    await running;
    jest.advanceTimersByTime(60_000);
    expect(heartbeats).toHaveLength(3);
  });

  test('that its worker stops while it waits sends nothing more', async () => {
    const { run, environment, state } = world({ answers: [rejected(true), rejected(true)] });
    state.onDeliver = () => setImmediate(() => environment.cancel('WORKER_SHUTDOWN'));
    await expect(run((it) => it.deliverPatiently(testOrder()))).rejects.toThrow(STOPPED);
    expect(state.requests).toHaveLength(1);
  });

  test('that its worker stops before it begins sends nothing', async () => {
    const { run, environment, state } = world();
    environment.cancel('WORKER_SHUTDOWN');
    await expect(run((it) => it.deliverPatiently(testOrder()))).rejects.toThrow(STOPPED);
    expect(state.requests).toEqual([]);
  });

  test('that its workflow asks back while it waits sends nothing more, and says what is pending', async () => {
    const { run, environment, state } = world({ answers: [rejected(true), rejected(true)] });
    state.onDeliver = () => setImmediate(() => environment.cancel());
    await expect(run((it) => it.deliverPatiently(testOrder()))).resolves.toMatchObject({
      kind: 'pending',
      failures: 1,
    });
    expect(state.requests).toHaveLength(1);
  });

  test('that its workflow asks back before it begins sends nothing', async () => {
    const { run, environment, state } = world();
    environment.cancel();
    await expect(run((it) => it.deliverPatiently(testOrder()))).resolves.toMatchObject({ kind: 'pending' });
    expect(state.requests).toEqual([]);
  });
});

describe('a scan', () => {
  test('heartbeats every second while it reads, and no longer', async () => {
    fakeIntervals();
    const { run, heartbeats, pages } = world();
    const [begun, rows] = [deferred<void>(), deferred<readonly StoredIssue[]>()];
    pages.next = () => {
      begun.resolve();
      return rows.promise;
    };
    const running = run((it) => it.readAndDispatch(null));
    await begun.promise;
    jest.advanceTimersByTime(3500);
    expect(heartbeats).toHaveLength(3);
    rows.resolve([]);
    await expect(running).resolves.toMatchObject({ scanned: 0 });
    jest.advanceTimersByTime(60_000);
    expect(heartbeats).toHaveLength(3);
  });

  test.each([
    [false, { dispatched: 1, failed: 0 }, ['alert-f1-r1-a']],
    [true, { dispatched: 0, failed: 1 }, []],
  ])('signals streams unless it is cancelled (cancelled: %j)', async (isCancelled, result, streams) => {
    const { run, environment, signalled, pages } = world();
    pages.next = async () => {
      if (isCancelled) environment.cancel();
      return [storedIssue(5)];
    };
    await expect(run((it) => it.readAndDispatch(null))).resolves.toMatchObject(result);
    expect(signalled).toEqual(streams);
  });
});

describe('a sweep', () => {
  test('heartbeats with each of its steps, and stops where it is cancelled', async () => {
    const { run, environment, heartbeats } = world();
    await expect(run((it) => it.sweepResolveDebt('100'))).resolves.toMatchObject({ owed: 0 });
    const steps = heartbeats.length;
    expect(steps).toBeGreaterThanOrEqual(3);
    environment.cancel();
    await expect(run((it) => it.sweepResolveDebt('100'))).rejects.toThrow(CANCELLED);
    expect(heartbeats.length).toBeLessThan(2 * steps);
  });
});

test('a first attempt that is cancelled sends nothing', async () => {
  const { run, environment, state } = world();
  environment.cancel();
  await expect(run((it) => it.deliverAndRecord(testOrder()))).rejects.toThrow(CANCELLED);
  expect(state.requests).toEqual([]);
});
