import { DatabaseError } from '@heliograph/database';
import { describe, expect, test } from '@jest/globals';
import type { Outcome } from '@heliograph/notifier';
import type { StoredDeliveryRequest } from '@heliograph/notifier/channels';
import type { DeliveryOrder, StreamState } from '../contract.ts';
import { INITIAL_STREAM_STATE } from '../decide/should-notify.ts';
import type { DeliveryTarget } from '../stores/connected-app-store.ts';
import type { StoredIssue } from '../stores/issue.ts';
import { storedIssue } from '../testing/stored-issue.ts';
import { deliverAndRecord, openStream, deliverPatiently, type Patience } from './deliver.ts';

const row = storedIssue(5);
const order: DeliveryOrder = {
  stream: { fingerprint: 'f1', routeId: 'r1', connectedAppId: 'app1' },
  notificationId: 'alert-f1-r1-app1-5',
  kind: 'trigger',
  issue: row,
  state: INITIAL_STREAM_STATE,
  decidedAt: 9000,
  timeToLiveMs: 60_000,
};
const deliveredOutcome: Outcome = { kind: 'delivered', externalId: 'ext', status: 200 };
const rejected = (retryable: boolean): Outcome => ({
  kind: 'rejected',
  retryable,
  code: 'HTTP_STATUS',
  status: 500,
});
const limited = (retryAfterMs: number): Outcome => ({ kind: 'rate-limited', retryAfterMs, status: 429 });

/** Everything around a delivery, in memory: what the provider answers in turn, and what is stored. */
function world(...answers: readonly (Outcome | Error)[]) {
  const script = [...answers];
  const state = {
    target: {
      app: {
        id: 'app1',
        name: 'sink',
        provider: 'webhook',
        settings: { url: 'http://x' },
        enabled: true,
        version: 1,
        createdAt: 0,
        updatedAt: 0,
      },
      secret: 's3cret',
      routeName: 'critical',
    } as DeliveryTarget | null,
    issue: row as StoredIssue | null,
    stored: INITIAL_STREAM_STATE,
    readings: 0,
    recordFails: false,
    requests: [] as StoredDeliveryRequest[],
    recorded: [] as StreamState[],
    outcomes: [] as string[],
    unrecorded: [] as string[],
  };
  return {
    state,
    dependencies: {
      issues: { read: async () => state.issue },
      connectedApps: { deliveryTarget: async () => state.target },
      streams: {
        read: async () => {
          state.readings++;
          return state.stored;
        },
        record: async (_: unknown, recorded: StreamState) => {
          if (state.recordFails) throw new Error('away');
          state.recorded.push(recorded);
        },
      },
      channels: {
        deliver: async (request: StoredDeliveryRequest) => {
          state.requests.push(request);
          const answer = script.shift() ?? deliveredOutcome;
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
      onOutcome: ({ outcome }: { readonly outcome: Outcome }) => state.outcomes.push(outcome.kind),
      onRecordFailure: ({ workflowId }: { readonly workflowId: string }) => state.unrecorded.push(workflowId),
    },
  };
}

describe('one short attempt', () => {
  test('delivers, records, and tells what the provider called it', async () => {
    const { state, dependencies } = world();
    await expect(deliverAndRecord(dependencies, order)).resolves.toEqual({
      kind: 'delivered',
      provider: 'webhook',
      externalId: 'ext',
      recorded: true,
    });
    expect(state.recorded).toEqual([
      {
        notificationCount: 1,
        lastNotifiedAt: 9000,
        status: 'firing',
        lastPosition: row.position,
        externalIds: { webhook: 'ext' },
      },
    ]);
    expect(state.outcomes).toEqual(['delivered']);
  });

  test('hands the channel a stable id, the stream, the names, and labels and annotations of the stored issue', async () => {
    const { state, dependencies } = world();
    const before = { ...INITIAL_STREAM_STATE, notificationCount: 4, externalIds: { webhook: 'open-1' } };
    await deliverAndRecord(dependencies, { ...order, kind: 'resolve', state: before });
    expect(state.requests[0]).toMatchObject({
      provider: 'webhook',
      settings: { url: 'http://x' },
      secret: 's3cret',
      timeoutMs: 2000,
      notification: {
        id: order.notificationId,
        kind: 'resolve',
        streamId: 'alert-f1-r1-app1',
        route: { id: 'r1', name: 'critical' },
        connectedApp: { id: 'app1', name: 'sink' },
        sequence: 4,
        externalId: 'open-1',
        issue: { labels: row.labels, annotations: row.annotations },
      },
    });
  });

  test.each<[string, Outcome, object]>([
    ['a refusal for good', rejected(false), { kind: 'dropped', code: 'REJECTED' }],
    ['a refusal for now', rejected(true), { kind: 'pending', code: 'HTTP_STATUS', waitMs: 0 }],
    ['a rate limit', limited(4000), { kind: 'pending', code: 'RATE_LIMITED', waitMs: 4000 }],
    [
      'an answer that never came',
      { kind: 'uncertain', code: 'TIMEOUT' },
      { kind: 'pending', code: 'TIMEOUT', waitMs: 0 },
    ],
  ])('ends after %s, and records nothing', async (_, outcome, result) => {
    const { state, dependencies } = world(outcome);
    await expect(deliverAndRecord(dependencies, order)).resolves.toEqual(result);
    expect(state.requests).toHaveLength(1);
    expect(state.recorded).toEqual([]);
    expect(state.outcomes).toEqual([outcome.kind]);
  });

  test.each<[string, Partial<ReturnType<typeof world>['state']>, string]>([
    ['app that is gone or switched off', { target: null }, 'CONNECTED_APP_MISSING'],
    ['issue that is gone', { issue: null }, 'ISSUE_MISSING'],
  ])('sends nothing for an %s', async (_, change, code) => {
    const { state, dependencies } = world();
    Object.assign(state, change);
    await expect(deliverAndRecord(dependencies, order)).resolves.toEqual({ kind: 'dropped', code });
    expect(state.requests).toEqual([]);
  });

  test('names a route that was removed meanwhile by its id', async () => {
    const { state, dependencies } = world();
    state.target = { ...(state.target as DeliveryTarget), routeName: null };
    await deliverAndRecord(dependencies, order);
    expect(state.requests[0]?.notification.route).toEqual({ id: 'r1', name: 'r1' });
  });

  test('sends nothing again when the row counts this notification already', async () => {
    const { state, dependencies } = world();
    state.stored = { ...INITIAL_STREAM_STATE, notificationCount: 1, externalIds: { webhook: 'known' } };
    state.issue = null;
    await expect(deliverAndRecord(dependencies, order)).resolves.toEqual({
      kind: 'delivered',
      provider: 'webhook',
      externalId: 'known',
      recorded: true,
    });
    expect(state.requests).toEqual([]);
    expect(state.recorded).toEqual([]);
  });

  test('is sent where the row has only passed the position: a silent decision passes it, too', async () => {
    const { state, dependencies } = world();
    state.stored = { ...INITIAL_STREAM_STATE, lastPosition: row.position };
    await deliverAndRecord(dependencies, order);
    expect(state.requests).toHaveLength(1);
  });

  test('does not read a state again that was read just now', async () => {
    const { state, dependencies } = world();
    await deliverAndRecord(dependencies, { ...order, stateIsFresh: true });
    expect(state.readings).toBe(0);
    await deliverAndRecord(dependencies, order);
    expect(state.readings).toBe(1);
  });

  test('that cannot be recorded is delivered all the same, and says so', async () => {
    const { state, dependencies } = world();
    state.recordFails = true;
    await expect(deliverAndRecord(dependencies, order)).resolves.toMatchObject({
      kind: 'delivered',
      recorded: false,
    });
    expect(state.unrecorded).toEqual(['alert-f1-r1-app1']);
  });

  test('passes on that a database is away', async () => {
    const { state, dependencies } = world();
    await expect(
      deliverAndRecord(
        {
          ...dependencies,
          connectedApps: {
            deliveryTarget: async () => {
              throw new Error('away');
            },
          },
        },
        order,
      ),
    ).rejects.toThrow('away');
    expect(state.requests).toEqual([]);
  });
});

describe('a stream that is opened', () => {
  const known = { ...INITIAL_STREAM_STATE, notificationCount: 1, lastPosition: '1' };

  test('and was never notified delivers what was decided for that case, with one reading', async () => {
    const { state, dependencies } = world();
    await expect(openStream(dependencies, order.stream, order)).resolves.toEqual({
      state: INITIAL_STREAM_STATE,
      delivery: { kind: 'delivered', provider: 'webhook', externalId: 'ext', recorded: true },
    });
    expect(state.readings).toBe(1);
    expect(state.recorded).toHaveLength(1);
  });

  test('and was notified before delivers nothing: what was decided may be wrong', async () => {
    const { state, dependencies } = world();
    state.stored = known;
    await expect(openStream(dependencies, order.stream, order)).resolves.toEqual({
      state: known,
      delivery: null,
    });
    expect(state.requests).toEqual([]);
  });

  test('with nothing to deliver only reads', async () => {
    const { state, dependencies } = world();
    await expect(openStream(dependencies, order.stream, null)).resolves.toEqual({
      state: INITIAL_STREAM_STATE,
      delivery: null,
    });
    expect(state.requests).toEqual([]);
  });

  test('hands on that its delivery is not over', async () => {
    const { dependencies } = world(limited(2000));
    await expect(openStream(dependencies, order.stream, order)).resolves.toMatchObject({
      delivery: { kind: 'pending', waitMs: 2000 },
    });
  });
});

/** A virtual clock on which waiting takes no time, and what happened on it. */
function patience(options: { readonly spentMs?: number; readonly random?: number } = {}) {
  const controller = new AbortController();
  const log = {
    now: 1_000_000,
    slept: [] as number[],
    heartbeats: [] as number[],
    /** Called before each sleep. */
    onSleep: (): void => undefined,
  };
  const given: Patience = {
    spentMs: options.spentMs ?? 0,
    heartbeat: (spentMs) => log.heartbeats.push(spentMs),
    signal: controller.signal,
    now: () => log.now,
    random: () => options.random ?? 1,
    sleep: async (ms, signal) => {
      log.onSleep();
      signal.throwIfAborted();
      log.slept.push(ms);
      log.now += ms;
    },
  };
  return { log, given, controller };
}
const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);

describe('a patient delivery', () => {
  test('goes on until the provider takes it, with one id and ten seconds for each attempt', async () => {
    const { state, dependencies } = world(rejected(true), { kind: 'uncertain', code: 'CONNECTION_LOST' });
    const { given } = patience();
    await expect(deliverPatiently(dependencies, order, given)).resolves.toMatchObject({ kind: 'delivered' });
    expect(new Set(state.requests.map(({ notification }) => notification.id))).toEqual(
      new Set([order.notificationId]),
    );
    expect(state.requests.map(({ timeoutMs }) => timeoutMs)).toEqual([10_000, 10_000, 10_000]);
    expect(state.recorded).toHaveLength(1);
  });

  test('looks before each attempt whether an earlier one was recorded, however fresh the state was', async () => {
    const { state, dependencies } = world(rejected(true));
    const { given } = patience();
    await deliverPatiently(dependencies, { ...order, stateIsFresh: true }, given);
    expect(state.readings).toBe(2);
    state.stored = { ...INITIAL_STREAM_STATE, notificationCount: 1 };
    await expect(deliverPatiently(dependencies, order, given)).resolves.toMatchObject({ kind: 'delivered' });
    expect(state.requests).toHaveLength(2);
  });

  test('ends at a refusal for good', async () => {
    const { dependencies } = world(rejected(true), rejected(false));
    await expect(deliverPatiently(dependencies, order, patience().given)).resolves.toEqual({
      kind: 'dropped',
      code: 'REJECTED',
    });
  });

  test.each<[number, readonly number[]]>([
    [1, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]],
    [0, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]],
  ])('waits twice as long each time up to half a minute, with jitter %d', async (random, waits) => {
    const { dependencies } = world(...waits.map(() => rejected(true)));
    const { log, given } = patience({ random });
    /** Goes on as the workflow does: long waits are handed back. */
    const waited: number[] = [];
    let next: DeliveryOrder = { ...order, timeToLiveMs: 3_600_000 };
    for (;;) {
      const result = await deliverPatiently(dependencies, next, given);
      waited.push(...log.slept.splice(0));
      if (result.kind !== 'pending') break;
      waited.push(result.waitMs);
      next = { ...next, waitMs: 0, failures: result.failures ?? 0 };
    }
    expect(waited).toEqual(waits);
  });

  test.each<[string, number, number]>([
    ['for as long as the provider asks', 4000, 4000],
    ['at least a second', 0, 1000],
    ['at least a second', 10, 1000],
  ])('waits %s (%d ms)', async (_, asked, waited) => {
    const { dependencies } = world(limited(asked));
    const { log, given } = patience();
    await expect(deliverPatiently(dependencies, order, given)).resolves.toMatchObject({ kind: 'delivered' });
    expect(total(log.slept)).toBe(waited);
  });

  test('first waits for what the short attempt was told', async () => {
    const { dependencies } = world();
    const { log, given } = patience();
    await deliverPatiently(dependencies, { ...order, waitMs: 3000 }, given);
    expect(log.slept).toEqual([3000]);
  });

  test('hands a long wait back, before it begins and after an attempt', async () => {
    const { state, dependencies } = world(limited(30_000));
    const { log, given } = patience();
    await expect(deliverPatiently(dependencies, { ...order, waitMs: 9000 }, given)).resolves.toMatchObject({
      kind: 'pending',
      waitMs: 9000,
    });
    expect(state.requests).toEqual([]);
    await expect(deliverPatiently(dependencies, order, given)).resolves.toEqual({
      kind: 'pending',
      code: 'RATE_LIMITED',
      waitMs: 30_000,
      failures: 0,
    });
    expect(log.slept).toEqual([]);
  });

  test.each(['DATABASE_SEALED_KEY_UNKNOWN', 'DATABASE_SEALED_CORRUPT'] as const)(
    'gives up where the secret cannot be opened (%s)',
    async (code) => {
      const { state, dependencies } = world();
      const failing = {
        ...dependencies,
        connectedApps: { deliveryTarget: () => Promise.reject(new DatabaseError(code, 'no')) },
      };
      await expect(deliverPatiently(failing, order, patience().given)).resolves.toEqual({
        kind: 'dropped',
        code: 'SECRET_UNREADABLE',
      });
      expect(state.requests).toEqual([]);
    },
  );

  test('that was interrupted does not wait for that again', async () => {
    const { dependencies } = world();
    const { log, given } = patience({ spentMs: 9000 });
    await deliverPatiently(dependencies, { ...order, waitMs: 9000 }, given);
    expect(log.slept).toEqual([]);
  });

  test('gives up at once when the provider asks for more time than is left', async () => {
    const { state, dependencies } = world(limited(60_000));
    const { log, given } = patience();
    await expect(deliverPatiently(dependencies, order, given)).resolves.toEqual({
      kind: 'dropped',
      code: 'EXPIRED',
    });
    expect(log.slept).toEqual([]);
    expect(state.requests).toHaveLength(1);
  });

  test('ends when its time is over, also counting the time of earlier attempts', async () => {
    const { state, dependencies } = world(...Array.from({ length: 100 }, () => rejected(true)));
    const { log, given } = patience({ spentMs: 57_000 });
    const startedAt = log.now;
    await expect(deliverPatiently(dependencies, order, given)).resolves.toEqual({
      kind: 'dropped',
      code: 'EXPIRED',
    });
    expect(log.now - startedAt).toBeLessThanOrEqual(3000);
    expect(state.requests.length).toBeGreaterThan(1);
    const late = patience({ spentMs: 60_000 }).given;
    await expect(deliverPatiently(dependencies, order, late)).resolves.toEqual({
      kind: 'dropped',
      code: 'EXPIRED',
    });
  });

  test('heartbeats before and after a wait, with the time it has spent', async () => {
    const { dependencies } = world(limited(4000));
    const { log, given } = patience({ spentMs: 5000 });
    await deliverPatiently(dependencies, order, given);
    expect(log.heartbeats[0]).toBe(5000);
    expect(log.heartbeats.at(-1)).toBe(9000);
  });

  test('stops while it waits', async () => {
    const { state, dependencies } = world(rejected(true));
    const { log, given, controller } = patience();
    log.onSleep = () => controller.abort();
    await expect(deliverPatiently(dependencies, order, given)).rejects.toMatchObject({ name: 'AbortError' });
    expect(state.requests).toHaveLength(1);
  });

  test('stops after an attempt that was cut off, rather than begin another', async () => {
    const { state, dependencies } = world({ kind: 'uncertain', code: 'ABORTED' });
    const { given, controller } = patience();
    controller.abort();
    await expect(deliverPatiently(dependencies, order, given)).rejects.toMatchObject({ name: 'AbortError' });
    expect(state.requests).toHaveLength(1);
    expect(state.requests[0]?.signal).toBe(given.signal);
  });

  test('keeps a delivery that came while it was stopped', async () => {
    const { state, dependencies } = world(deliveredOutcome);
    const { given, controller } = patience();
    controller.abort();
    await expect(deliverPatiently(dependencies, order, given)).resolves.toMatchObject({ kind: 'delivered' });
    expect(state.recorded).toHaveLength(1);
  });
});

describe('opening a stream', () => {
  test('delivers on the way where it was never notified, after one reading of its state', async () => {
    const { state, dependencies } = world();
    const opened = await openStream(dependencies, order.stream, order);
    expect(opened).toMatchObject({
      state: INITIAL_STREAM_STATE,
      delivery: { kind: 'delivered', recorded: true },
    });
    expect([state.readings, state.requests.length, state.recorded.length]).toEqual([1, 1, 1]);
  });

  test('hands on a delivery that has to wait', async () => {
    const { dependencies } = world(limited(3000));
    const opened = await openStream(dependencies, order.stream, order);
    expect(opened.delivery).toMatchObject({ kind: 'pending', waitMs: 3000 });
  });

  test.each([
    ['was notified before', order, { ...INITIAL_STREAM_STATE, status: 'firing' as const, lastPosition: '1' }],
    ['has nothing to deliver', null, INITIAL_STREAM_STATE],
  ])('delivers nothing where it %s', async (_, ifNeverNotified, stored) => {
    const { state, dependencies } = world();
    state.stored = stored;
    await expect(openStream(dependencies, order.stream, ifNeverNotified)).resolves.toEqual({
      state: stored,
      delivery: null,
    });
    expect(state.requests).toEqual([]);
  });
});
