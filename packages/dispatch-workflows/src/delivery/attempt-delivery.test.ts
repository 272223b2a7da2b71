import { DatabaseError } from '@heliograph/database';
import { describe, expect, test } from '@jest/globals';
import type { Outcome } from '@heliograph/notifier';
import type { AppTarget } from '../apps/app-health-store.ts';
import type { LastAttempt } from '../contract/delivery-order.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import {
  accepted,
  deliveryWorld,
  limited,
  lost,
  rejected,
  testIssue,
  testOrder,
} from '../testing/delivery-world.ts';
import { attemptDelivery, type DeliveryDependencies } from './attempt-delivery.ts';

const order = testOrder();
const attempt = (dependencies: DeliveryDependencies, given = order, signal?: AbortSignal) =>
  attemptDelivery(dependencies, given, {
    timeoutMs: 2000,
    signal,
    acquirePermit: (target) => dependencies.gate.tryAcquire(target),
  });

describe('one attempt', () => {
  test('writes the intent, sends, and writes state, outcome and ledger together', async () => {
    const { state, dependencies } = deliveryWorld();
    await expect(attempt(dependencies)).resolves.toEqual({
      kind: 'delivered',
      provider: 'webhook',
      externalId: 'ext',
      recorded: true,
    });
    expect(state.log).toEqual(['claim after null', 'send', 'write delivered']);
    expect(state.states).toMatchObject([
      { notificationCount: 1, lastNotifiedAt: 9000, status: 'firing', externalIds: { webhook: 'ext' } },
    ]);
    expect(state.settled).toMatchObject([
      { notificationId: order.notificationId, status: 'delivered', claims: 1, externalId: 'ext' },
    ]);
    expect(state.entries.map(({ stage, outcome }) => [stage, outcome])).toEqual([
      ['decided', undefined],
      ['attempted', 'delivered'],
      ['settled', 'delivered'],
    ]);
    expect(new Set(state.entries.map(({ id }) => id)).size).toBe(3);
  });

  test('hands the channel a stable id, the stream, the names, and labels and annotations of the stored issue', async () => {
    const { state, dependencies } = deliveryWorld();
    const before = { ...INITIAL_STREAM_STATE, notificationCount: 4, externalIds: { webhook: 'open-1' } };
    await attempt(dependencies, testOrder({ kind: 'resolve', state: before }));
    expect(state.requests[0]).toMatchObject({
      provider: 'webhook',
      settings: { url: 'http://x' },
      secret: 's3cret',
      timeoutMs: 2000,
      notification: {
        id: order.notificationId,
        kind: 'resolve',
        reason: 'new',
        streamId: 'alert-f1-r1-app1',
        route: { id: 'r1', name: 'critical' },
        connectedApp: { id: 'app1', name: 'sink' },
        sequence: 4,
        externalId: 'open-1',
        issue: { labels: testIssue.labels, annotations: testIssue.annotations },
      },
    });
  });

  test.each([
    ['a trigger begins an episode', testOrder(), `alert-f1-r1-app1-${testIssue.position}`],
    [
      'a resolve ends the one that is open',
      testOrder({ kind: 'resolve', state: { ...INITIAL_STREAM_STATE, status: 'firing', episode: '3' } }),
      'alert-f1-r1-app1-3',
    ],
    ['one without a name has that of its stream', testOrder({ kind: 'resolve' }), 'alert-f1-r1-app1'],
  ])('%s', async (_, given, episodeId) => {
    const { state, dependencies } = deliveryWorld();
    await attempt(dependencies, given);
    expect(state.requests[0]?.notification.episodeId).toBe(episodeId);
  });

  test('writes what happened before it along with its outcome', async () => {
    const { state, dependencies } = deliveryWorld();
    const here = { position: '3', at: 1 };
    await attempt(
      dependencies,
      testOrder({
        unwritten: {
          silent: [{ reason: 'continuing', since: '2', version: 7, first: here, last: here, count: 4 }],
          outcomes: [
            {
              order: { ...order, notificationId: 'earlier' },
              result: { kind: 'dropped', code: 'EXPIRED', recorded: false },
            },
          ],
        },
      }),
    );
    expect(state.runs).toMatchObject([{ stream: order.stream, reason: 'continuing', count: 4 }]);
    expect(state.settled).toMatchObject([
      { notificationId: 'earlier', status: 'dropped', code: 'EXPIRED', claims: null },
      { notificationId: order.notificationId, status: 'delivered' },
    ]);
  });

  test.each<[string, Outcome, object, string]>([
    ['a refusal for now', rejected(true), { code: 'HTTP_STATUS', throttledMs: null }, 'refused'],
    ['a rate limit', limited(4000), { code: 'RATE_LIMITED', throttledMs: 4000 }, 'refused'],
    ['a rate limit of no time', limited(0), { code: 'RATE_LIMITED', throttledMs: 1000 }, 'refused'],
    ['a rate limit of a day', limited(86_400_000), { throttledMs: 300_000 }, 'refused'],
    ['an answer that never came', lost, { code: 'CONNECTION_LOST', throttledMs: null }, 'uncertain'],
  ])('leaves %s for another, and writes down which it was', async (_, outcome, result, status) => {
    const { state, dependencies } = deliveryWorld(outcome);
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'again', ...result });
    expect(state.settled).toMatchObject([{ status, claims: 1 }]);
    expect(state.states).toEqual([]);
    expect(state.entries.map(({ stage }) => stage)).toEqual(['attempted']);
  });

  test('sends nothing without an intent', async () => {
    const { state, dependencies } = deliveryWorld();
    state.claimFails = true;
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'again', code: 'CLAIM_UNANSWERED' });
    expect(state.requests).toEqual([]);
    expect(state.unwritten.length).toBeGreaterThan(1);
  });

  test('sends nothing once it was stopped', async () => {
    const { state, dependencies } = deliveryWorld();
    await expect(attempt(dependencies, order, AbortSignal.abort())).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(state.log).toEqual([]);
  });

  test('that cannot be recorded is delivered all the same, and marked as unrecorded', async () => {
    const { state, dependencies } = deliveryWorld();
    state.writeFails = true;
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'delivered', recorded: false });
    expect(state.unwritten).toEqual(['alert-f1-r1-app1']);
  });

  test('names a route that was removed meanwhile by its id', async () => {
    const { state, dependencies, target } = deliveryWorld();
    state.target = { ...target, routeName: null };
    await attempt(dependencies);
    expect(state.requests[0]?.notification.route).toEqual({ id: 'r1', name: 'r1' });
  });
});

describe('nothing is sent', () => {
  test.each<[string, Partial<ReturnType<typeof deliveryWorld>['state']>, string]>([
    ['for an app that is gone or disabled', { target: null }, 'CONNECTED_APP_MISSING'],
    ['for an issue that is gone', { issue: null }, 'ISSUE_MISSING'],
  ])('%s', async (_, change, code) => {
    const { state, dependencies } = deliveryWorld();
    Object.assign(state, change);
    await expect(attempt(dependencies)).resolves.toEqual({ kind: 'dropped', code, recorded: true });
    expect(state.requests).toEqual([]);
    expect(state.drops).toEqual([code]);
    expect(state.entries.map(({ stage, outcome }) => [stage, outcome])).toEqual([
      ['decided', undefined],
      ['settled', 'dropped'],
    ]);
    expect(state.states).toMatchObject([{ status: 'none', lastPosition: testIssue.position }]);
  });

  test.each([
    // Other processes may have the key already.
    ['DATABASE_SEALED_KEY_UNKNOWN', 'again'],
    ['DATABASE_SEALED_CORRUPT', 'dropped'],
  ] as const)('where the secret cannot be opened (%s): %s', async (code, kind) => {
    const { state, dependencies } = deliveryWorld();
    const failing = {
      ...dependencies,
      connectedApps: { deliveryTarget: () => Promise.reject(new DatabaseError(code, 'no')) },
    };
    await expect(attempt(failing)).resolves.toMatchObject({ kind, code: 'SECRET_UNREADABLE' });
    expect(state.requests).toEqual([]);
  });

  test('while a database is unavailable, and throws its error', async () => {
    const { state, dependencies } = deliveryWorld();
    const failing = {
      ...dependencies,
      connectedApps: { deliveryTarget: () => Promise.reject(new Error('away')) },
    };
    await expect(attempt(failing)).rejects.toThrow('away');
    expect(state.requests).toEqual([]);
  });

  test('asks a provider again after the longest wait that is configured, and records what it asked for', async () => {
    const { state, dependencies } = deliveryWorld(limited(3_601_000));
    await expect(attempt({ ...dependencies, maxThrottleMs: 60_000 })).resolves.toMatchObject({
      throttledMs: 60_000,
    });
    expect(dependencies.gate.tryAcquire({ id: 'app1', targetVersion: 1 })).toEqual({ waitMs: 60_000 });
    expect(state.log).toContain('app1 throttled for 60000');
    expect(state.entries.at(-1)).toMatchObject({ outcome: 'rate_limited', waitMs: 3_601_000 });
  });

  test('that is accepted while the app is throttled ends the throttle for every process', async () => {
    const { state, dependencies, target } = deliveryWorld(accepted);
    const health = { throttledForMs: 90_000, throttledUntil: 123_456, failure: null };
    state.target = { ...target, app: { ...target.app, health } };
    const granted = { release: () => undefined, throttle: () => undefined, isProbe: true };
    await attemptDelivery(dependencies, order, { timeoutMs: 2000, acquirePermit: () => granted });
    expect(state.log).toContain('app1 throttled no longer until 123456');
  });

  test.each<[string, (state: ReturnType<typeof deliveryWorld>['state']) => void, string]>([
    ['that found no connection', (state) => (state.connections = 0), 'unsent'],
    ['whose claim failed', (state) => (state.claimFails = true), 'unsent'],
    ['that was accepted', () => undefined, 'accepted'],
  ])('%s gives its permit back as %s', async (_, make, outcome) => {
    const { state, dependencies } = deliveryWorld(accepted);
    make(state);
    const released: string[] = [];
    const granted = {
      release: (how: string) => void released.push(how),
      throttle: () => undefined,
      isProbe: true,
    };
    await attemptDelivery(dependencies, order, { timeoutMs: 2000, acquirePermit: () => granted }).catch(
      () => undefined,
    );
    expect(released[0]).toBe(outcome);
  });

  test('is not made if another process was told to wait while it waited for its permit', async () => {
    const { state, dependencies, target } = deliveryWorld(accepted);
    const asked: number[] = [];
    const acquirePermit = () => {
      asked.push(state.clock.now);
      if (asked.length > 1) return { waitMs: 5000 };
      state.clock.now += 30_000;
      state.target = { ...target, app: { ...target.app, health: { throttledForMs: 5000, failure: null } } };
      return { release: () => undefined, throttle: () => undefined, isProbe: false };
    };
    await expect(
      attemptDelivery(dependencies, order, { timeoutMs: 2000, acquirePermit }),
    ).resolves.toMatchObject({ code: 'RATE_LIMITED', throttledMs: 5000, hadNoPermit: true });
    expect([asked.length, state.requests.length]).toEqual([2, 0]);
  });

  test('is made with the settings as they are when the permit is granted', async () => {
    const { state, dependencies, target } = deliveryWorld(accepted);
    const targets: number[] = [];
    await attemptDelivery(dependencies, order, {
      timeoutMs: 2000,
      acquirePermit: (app) => {
        targets.push(app.targetVersion);
        // It waits, and somebody corrects the address meanwhile.
        const settings = { url: 'http://corrected' };
        state.target = { ...target, app: { ...target.app, settings, targetVersion: 2 } };
        return dependencies.gate.tryAcquire(app);
      },
    });
    expect(targets).toEqual([1, 2]);
    expect(state.requests.map(({ settings }) => settings)).toEqual([{ url: 'http://corrected' }]);
  });

  test('is not made once the app was disabled while it waited for its permit', async () => {
    const { state, dependencies } = deliveryWorld(accepted);
    const made = attemptDelivery(dependencies, order, {
      timeoutMs: 2000,
      acquirePermit: (app) => {
        state.target = null;
        return dependencies.gate.tryAcquire(app);
      },
    });
    await expect(made).resolves.toMatchObject({ kind: 'dropped', code: 'CONNECTED_APP_MISSING' });
    expect(state.requests).toEqual([]);
  });

  test('records what it learned for the target that it was made with', async () => {
    const { state, dependencies, target } = deliveryWorld(rejected(false, { code: 'GONE', status: 410 }));
    const learned: number[] = [];
    const learn = async ({ targetVersion }: { readonly targetVersion: number }) => {
      learned.push(targetVersion);
    };
    state.onDeliver = () => {
      state.target = { ...target, app: { ...target.app, targetVersion: 2 } };
    };
    const health = { ...dependencies.health, recordFailure: learn, disable: learn };
    await attempt({ ...dependencies, health });
    expect(learned).toEqual([1, 1]);
  });

  test('while the app is throttled, not even an intent is written', async () => {
    const { state, dependencies, target } = deliveryWorld();
    state.target = {
      ...target,
      app: { ...target.app, health: { throttledForMs: 5000, failure: null } },
    };
    await expect(attempt(dependencies)).resolves.toEqual({
      kind: 'again',
      code: 'RATE_LIMITED',
      throttledMs: 5000,
      hadNoPermit: true,
    });
    expect(state.log).toEqual([]);
  });
});

describe('a notification that was begun before', () => {
  const { notificationId } = order;

  test('and was delivered is not sent again', async () => {
    const { state, dependencies } = deliveryWorld();
    state.intents.set(notificationId, 'delivered');
    await expect(attempt(dependencies)).resolves.toEqual({
      kind: 'delivered',
      provider: 'webhook',
      externalId: 'known',
      recorded: true,
    });
    expect(state.requests).toEqual([]);
  });

  test('and was dropped stays so, unless its resolve is owed', async () => {
    const { state, dependencies } = deliveryWorld();
    state.intents.set(notificationId, 'dropped');
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'dropped', code: 'REJECTED' });
    expect(state.requests).toEqual([]);
    await attempt(dependencies, testOrder({ kind: 'resolve', reason: 'resolve_owed' }));
    expect(state.requests).toHaveLength(1);
  });

  test('and was refused is sent again without any doubt', async () => {
    const { state, dependencies } = deliveryWorld();
    state.intents.set(notificationId, 'refused');
    await attempt(dependencies);
    expect(state.log).toEqual(['claim after refused', 'send', 'write delivered']);
  });

  test('and was interrupted is recorded as uncertain before anything else', async () => {
    const { state, dependencies } = deliveryWorld();
    state.intents.set(notificationId, 'intended');
    await attempt(dependencies);
    expect(state.log).toEqual(['claim after intended', 'write ', 'look up', 'send', 'write delivered']);
    expect(state.entries[0]).toMatchObject({ stage: 'attempted', outcome: 'uncertain', code: 'CUT_OFF' });
  });

  test('and was interrupted is not sent before that is recorded', async () => {
    const { state, dependencies } = deliveryWorld();
    state.intents.set(notificationId, 'intended');
    state.writeFails = true;
    const remembered: LastAttempt[] = [];
    const options = {
      timeoutMs: 2000,
      acquirePermit: (target: AppTarget) => dependencies.gate.tryAcquire(target),
      remember: (last: LastAttempt) => remembered.push(last),
    };
    await expect(attemptDelivery(dependencies, order, options)).resolves.toMatchObject({ kind: 'again' });
    expect(state.log).toEqual(['claim after intended']);
    expect(remembered).toEqual([{ token: 'a1', outcome: 'not-sent' }]);
    // The next one takes the claim over: it is still the first attempt that is in doubt.
    state.writeFails = false;
    await attempt(dependencies, testOrder({ lastAttempt: remembered[0] as LastAttempt }));
    expect(state.log).toEqual([
      'claim after intended',
      'claim after intended',
      'write ',
      'look up',
      'send',
      'write delivered',
    ]);
    expect(state.entries[0]).toMatchObject({ outcome: 'uncertain', attempt: 1 });
  });

  test.each(['intended', 'uncertain'] as const)(
    'and is %s is not sent where the provider says that it arrived, and is where it says that it did not',
    async (before) => {
      const found = deliveryWorld();
      found.state.intents.set(notificationId, before);
      found.state.lookUp = 'delivered';
      await expect(attempt(found.dependencies)).resolves.toMatchObject({ kind: 'delivered', recorded: true });
      expect(found.state.requests).toEqual([]);

      const missing = deliveryWorld();
      missing.state.intents.set(notificationId, before);
      missing.state.lookUp = 'not-delivered';
      await attempt(missing.dependencies, testOrder({ kind: 'update', reason: 'renotify' }));
      expect(missing.state.requests).toHaveLength(1);
    },
  );

  test.each<[string, readonly string[]]>([
    ['resend-pages', ['new', 'suppression_bypass', 'resolved']],
    ['resend-all', ['new', 'renotify', 'suppression_bypass', 'resolved']],
    ['resend-none', []],
  ])('and is uncertain is sent again as the policy %s says', async (policy, resent) => {
    for (const [kind, reason] of [
      ['trigger', 'new'],
      ['update', 'renotify'],
      ['update', 'suppression_bypass'],
      ['resolve', 'resolved'],
    ] as const) {
      const { state, dependencies, target } = deliveryWorld();
      state.target = {
        ...target,
        app: { ...target.app, uncertainPolicy: policy as typeof target.app.uncertainPolicy },
      };
      state.intents.set(notificationId, 'uncertain');
      const result = await attempt(dependencies, testOrder({ kind, reason }));
      expect(state.requests).toHaveLength(resent.includes(reason) ? 1 : 0);
      expect(result).toMatchObject({ kind: 'delivered', recorded: true });
      expect('assumed' in result).toBe(!resent.includes(reason));
    }
  });

  test('a renotification of which no answer came is taken as delivered, and the ledger says that it is assumed', async () => {
    const { state, dependencies } = deliveryWorld(lost);
    const open = { ...INITIAL_STREAM_STATE, notificationCount: 1, status: 'firing' as const };
    await expect(
      attempt(dependencies, testOrder({ kind: 'update', reason: 'renotify', state: open })),
    ).resolves.toMatchObject({ kind: 'delivered', assumed: true });
    expect(state.states).toMatchObject([{ notificationCount: 2, lastNotifiedAt: 9000 }]);
    expect(state.entries.map(({ stage, outcome }) => [stage, outcome])).toEqual([
      ['decided', undefined],
      ['attempted', 'uncertain'],
      ['settled', 'assumed_delivered'],
    ]);
  });
});

describe('a trigger that may have arrived', () => {
  test('and is refused when it is sent again leaves something that may be open', async () => {
    const { state, dependencies } = deliveryWorld(lost, rejected(false));
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'again' });
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'dropped', mayBeOpen: true });
    expect(state.states.at(-1)).toMatchObject({
      status: 'none',
      mayBeOpen: true,
      episode: testIssue.position,
    });
  });

  test('and whose app is gone meanwhile does so, too', async () => {
    const { state, dependencies } = deliveryWorld(lost);
    await attempt(dependencies);
    state.target = null;
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'dropped', mayBeOpen: true });
  });

  test('stays in doubt when a workflow task that dropped it is repeated', async () => {
    const { state, dependencies } = deliveryWorld(lost, rejected(false));
    for (let time = 0; time < 2; time++) await attempt(dependencies);
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'dropped', mayBeOpen: true });
    expect(state.requests).toHaveLength(2);
  });

  test('leaves nothing in doubt where every attempt was refused', async () => {
    const { dependencies } = deliveryWorld(rejected(true), rejected(false));
    await attempt(dependencies);
    const result = await attempt(dependencies);
    expect(result).toMatchObject({ kind: 'dropped' });
    expect('mayBeOpen' in result).toBe(false);
  });

  test('and did is not dropped by a later attempt', async () => {
    const { state, dependencies } = deliveryWorld();
    state.intents.set(order.notificationId, 'delivered');
    state.target = null;
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'delivered', externalId: 'known' });
    expect(state.drops).toEqual([]);
    expect(state.states).toMatchObject([{ status: 'firing', notificationCount: 1 }]);
  });
});

test('an attempt that is stopped between its claim and its request leaves no doubt', async () => {
  const { state, dependencies } = deliveryWorld();
  const controller = new AbortController();
  state.onClaim = () => controller.abort();
  await expect(attempt(dependencies, order, controller.signal)).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(state.requests).toEqual([]);
  expect(state.settled).toMatchObject([{ status: 'refused', code: 'NOT_SENT' }]);
});

describe('the connected app', () => {
  test('is throttled for everybody by a rate limit', async () => {
    const { state, dependencies } = deliveryWorld(limited(3000));
    await attempt(dependencies);
    expect(state.log).toContain('app1 throttled for 3000');
    await expect(attempt(dependencies, testOrder({ notificationId: 'another' }))).resolves.toMatchObject({
      hadNoPermit: true,
      throttledMs: 3000,
    });
  });

  test.each<[Outcome, readonly string[]]>([
    [rejected(false, { code: 'UNAUTHORIZED', status: 401 }), ['app1 failing: UNAUTHORIZED']],
    [rejected(false, { code: 'GONE', status: 410 }), ['app1 failing: GONE', 'app1 disabled']],
  ])('is marked by a permanent refusal: %j', async (outcome, notes) => {
    const { state, dependencies } = deliveryWorld(outcome);
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'dropped', code: 'REJECTED' });
    expect(state.log.filter((line) => line.startsWith('app1'))).toEqual(notes);
  });

  test('of a provider whose answers may err is not disabled', async () => {
    const { state, dependencies, target } = deliveryWorld(rejected(false, { code: 'GONE', status: 410 }));
    state.target = { ...target, app: { ...target.app, provider: 'slack-webhook' } };
    await attempt(dependencies);
    expect(state.log).not.toContain('app1 disabled');
  });

  test('that failed works again with the first delivery', async () => {
    const { state, dependencies, target } = deliveryWorld(accepted);
    const failure = { code: 'UNAUTHORIZED', status: 401, since: 1 };
    state.target = { ...target, app: { ...target.app, health: { throttledForMs: 0, failure } } };
    await attempt(dependencies);
    expect(state.log).toContain('app1 working');
  });

  test('whose health cannot be written is no reason to fail a delivery', async () => {
    const { state, dependencies } = deliveryWorld(rejected(false));
    const failing = {
      ...dependencies,
      health: { ...dependencies.health, recordFailure: () => Promise.reject(new Error('away')) },
    };
    await expect(attempt(failing)).resolves.toMatchObject({ kind: 'dropped', code: 'REJECTED' });
    expect(state.unwritten).toEqual(['alert-f1-r1-app1']);
  });
});

describe('a notification that its stream has passed', () => {
  const newer = String(BigInt(order.issue.position) + 1n);
  const ahead = {
    ...INITIAL_STREAM_STATE,
    notificationCount: 2,
    status: 'resolved',
    lastPosition: newer,
  } as const;
  const passed = (stored: 'readable' | 'away', before: 'delivered' | null) => {
    const { state, dependencies } = deliveryWorld();
    const { intents, streams } = dependencies;
    const claim: typeof intents.claim = async (request) => ({
      ...(await intents.claim(request)),
      before,
      passedTo: newer,
    });
    const read: typeof streams.read = async () => {
      if (stored === 'away') throw new Error('away');
      return ahead;
    };
    return {
      state,
      dependencies: { ...dependencies, intents: { ...intents, claim }, streams: { ...streams, read } },
    };
  };

  test.each([
    ['delivered', { kind: 'delivered', passedBy: ahead }],
    [null, { kind: 'dropped', code: 'SUPERSEDED', passedBy: ahead }],
  ] as const)('and that was %s before ends, and says how far the stream is', async (before, expected) => {
    const { state, dependencies } = passed('readable', before);
    await expect(attempt(dependencies)).resolves.toMatchObject(expected);
    expect(state.log).not.toContain('send');
  });

  test('is asked for again where nobody can say how far', async () => {
    const { dependencies } = passed('away', 'delivered');
    await expect(attempt(dependencies)).resolves.toMatchObject({ kind: 'again', isUnsent: true });
  });
});
