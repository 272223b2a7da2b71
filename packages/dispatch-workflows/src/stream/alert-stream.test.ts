import { describe, expect, test } from '@jest/globals';
import type {
  DeliveryOrder,
  DeliveryResult,
  OpenedStream,
  StreamRecord,
} from '../contract/delivery-order.ts';
import type { IssueSignal, IssueStatus } from '../contract/issue-signal.ts';
import type { StreamState } from '../contract/stream-state.ts';
import { AlertStream, type StreamPorts } from './alert-stream.ts';
import { INITIAL_STREAM_STATE, shouldNotify } from './should-notify.ts';

const key = { fingerprint: 'f', routeId: 'r', connectedAppId: 'a' };
const signal = (position: number, status: IssueStatus): IssueSignal => ({
  eventId: `e${position}`,
  position: String(position),
  status,
  storedAt: 0,
});

function ports(
  answer: (order: DeliveryOrder) => DeliveryResult = delivered,
  isKnown: (rule: string) => boolean = () => true,
  begun: ReadonlySet<string> = new Set(),
): StreamPorts & {
  readonly orders: DeliveryOrder[];
  readonly recorded: StreamState[];
  readonly more: StreamRecord[];
  readonly asked: string[];
} {
  const orders: DeliveryOrder[] = [];
  const recorded: StreamState[] = [];
  const more: StreamRecord[] = [];
  const asked: string[] = [];
  return {
    orders,
    recorded,
    more,
    asked,
    now: () => 1000,
    hasPatch: (rule) => {
      asked.push(rule);
      return isKnown(rule);
    },
    deliver: async (order) => {
      orders.push(order);
      return answer(order);
    },
    hasIntent: async (notificationId) => {
      asked.push(notificationId);
      return begun.has(notificationId);
    },
    record: async (_, state, rest) => {
      recorded.push(state);
      more.push(rest);
    },
  };
}

function delivered(): DeliveryResult {
  return { kind: 'delivered', provider: 'webhook', externalId: 'x', recorded: true };
}

test('a batch is handled by position, each decision on the state that the one before left', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE);
  for (const given of [signal(3, 'firing'), signal(1, 'firing'), signal(2, 'resolved')]) stream.push(given);
  const world = ports();
  await expect(stream.drain(world)).resolves.toEqual({ signals: 3, notifications: 3 });
  expect(world.orders.map(({ kind, issue }) => [kind, issue.position])).toEqual([
    ['trigger', '1'],
    ['resolve', '2'],
    ['trigger', '3'],
  ]);
  for (const order of world.orders) expect(order).not.toHaveProperty('unwritten');
  expect(world.recorded).toEqual([]);
});

test('a signal of an older release, which carries more, is handled alike', async () => {
  const older = { severity: 'critical', startsAt: 0, endsAt: null, contentHash: 'c0ffee' };
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [{ ...signal(1, 'firing'), ...older }]);
  const world = ports();
  await stream.drain(world);
  expect(world.orders).toMatchObject([{ kind: 'trigger', issue: { position: '1' } }]);
});

test('what arrives while a batch is handled waits for the next', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(1, 'firing')]);
  const world = ports(() => {
    if (world.orders.length === 1) stream.push(signal(2, 'resolved'));
    return delivered();
  });
  await stream.drain(world);
  expect(stream.inbox).toHaveLength(1);
  await stream.drain(world);
  expect(world.orders.map(({ kind }) => kind)).toEqual(['trigger', 'resolve']);
});

test('a delivery that could not be recorded is recorded once, after the batch', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(1, 'firing'), signal(2, 'firing')]);
  const world = ports(() => ({ ...delivered(), recorded: false }) as DeliveryResult);
  await stream.drain(world);
  expect(world.recorded).toEqual([stream.state]);
  expect(stream.state).toMatchObject({ notificationCount: 1, lastPosition: '2' });
});

test('a dropped notification does not count, and a later signal is new again', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(1, 'firing'), signal(2, 'firing')]);
  const world = ports(({ issue }) =>
    issue.position === '1' ? { kind: 'dropped', code: 'REJECTED' } : delivered(),
  );
  await stream.drain(world);
  expect(world.orders.map(({ kind, notificationId }) => [kind, notificationId])).toEqual([
    ['trigger', 'alert-f-r-a-1'],
    ['trigger', 'alert-f-r-a-2'],
  ]);
  expect(stream.state).toMatchObject({ notificationCount: 1, status: 'firing' });
});

/** What `openStream` returns for the first signal; of older results, without its decision. */
function openedWith(
  stream: AlertStream,
  state: StreamState,
  { hasDecision = true, delivery = delivered() }: { hasDecision?: boolean; delivery?: DeliveryResult } = {},
): OpenedStream {
  const first = stream.firstSignal(1000);
  const decision = first === null ? null : shouldNotify(state, first.signal, first.now);
  return {
    state,
    ...(hasDecision ? { decision } : {}),
    delivery: decision?.notify === true ? delivery : null,
  };
}

/** Opens a stream whose first signal `openStream` delivered. */
function openDelivered(stream: AlertStream, state: StreamState, delivery: DeliveryResult): void {
  const order = stream.open(openedWith(stream, state, { delivery }), stream.firstSignal(1000), ports());
  if (order === null) throw new Error('the first signal leads to no notification');
  stream.settle(order, delivery);
}

test('the first signal is the one of the lowest position', () => {
  expect(new AlertStream(key, INITIAL_STREAM_STATE, []).firstSignal(1000)).toBeNull();
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(2, 'firing'), signal(1, 'resolved')]);
  expect(stream.firstSignal(1000)).toEqual({ signal: signal(1, 'resolved'), now: 1000 });
});

test.each([true, false])(
  'what was delivered while the state was read is handled first, also before what arrived since and is older (decision returned: %j)',
  async (hasDecision) => {
    const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(5, 'firing')]);
    const first = stream.firstSignal(1000);
    const opened = openedWith(stream, INITIAL_STREAM_STATE, { hasDecision });
    stream.push(signal(4, 'firing'));
    stream.push(signal(6, 'resolved'));
    const order = stream.open(opened, first, ports());
    expect(order).toMatchObject({
      kind: 'trigger',
      reason: 'new',
      issue: { position: '5' },
      decidedAt: 1000,
    });
    expect(stream.inbox.map(({ position }) => position)).toEqual(['4', '6']);
    if (order !== null) stream.settle(order, delivered());
    expect(stream.state).toMatchObject({
      notificationCount: 1,
      lastPosition: '5',
      lastNotifiedAt: 1000,
      externalIds: { webhook: 'x' },
    });
    const world = ports();
    await stream.drain(world);
    expect(world.orders.map(({ kind, issue }) => [kind, issue.position])).toEqual([['resolve', '6']]);
  },
);

test('a delivery on the way that could not be recorded is recorded by the first drain, also of an empty inbox', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(5, 'firing')]);
  openDelivered(stream, INITIAL_STREAM_STATE, { ...delivered(), recorded: false } as DeliveryResult);
  const world = ports();
  await stream.drain(world);
  expect(world.recorded).toEqual([stream.state]);
  await stream.drain(world);
  expect(world.recorded).toHaveLength(1);
});

test('a stream that was notified before continues from the state that was read', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(11, 'firing'), signal(12, 'resolved')]);
  const open = {
    ...INITIAL_STREAM_STATE,
    notificationCount: 1,
    status: 'firing',
    lastPosition: '10',
  } as const;
  expect(stream.open({ state: open, delivery: null }, null, ports())).toBeNull();
  const world = ports();
  await stream.drain(world);
  expect(world.orders.map(({ kind, issue }) => [kind, issue.position])).toEqual([['resolve', '12']]);
});

test('the decision of openStream stands, whatever the clock says since', () => {
  const stale = { ...signal(1, 'firing'), storedAt: -4_000_000 };
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [stale]);
  const world = ports();
  const decision = { notify: true, kind: 'trigger', reason: 'new' } as const;
  const opened = { state: INITIAL_STREAM_STATE, decision, delivery: delivered() };
  expect(stream.open(opened, stream.firstSignal(1000), world)).toMatchObject({
    kind: 'trigger',
    reason: 'new',
  });
  expect(world.asked).toEqual([]);
});

test.each([true, false])(
  'a silent first decision is taken over by the drain, at its own time (decision returned: %j)',
  async (hasDecision) => {
    const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(2, 'suppressed')]);
    const first = stream.firstSignal(900);
    expect(stream.open(openedWith(stream, INITIAL_STREAM_STATE, { hasDecision }), first, ports())).toBeNull();
    const world = ports();
    await stream.drain(world);
    await stream.flush(world);
    const at = hasDecision ? 900 : 1000;
    expect(world.more).toMatchObject([{ silent: [{ reason: 'suppressed', first: { position: '2', at } }] }]);
  },
);

test('a first signal about which nothing was decided is decided by the drain', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(2, 'suppressed')]);
  const opened = { state: INITIAL_STREAM_STATE, decision: null, delivery: null };
  expect(stream.open(opened, stream.firstSignal(900), ports())).toBeNull();
  const world = ports();
  await stream.drain(world);
  await stream.flush(world);
  expect(world.more).toMatchObject([{ silent: [{ reason: 'suppressed', first: { at: 1000 } }] }]);
});

test.each<[string, Partial<StreamState>, (rule: string) => boolean]>([
  ['that nothing is to be notified of', {}, () => true],
  ['by a rule that the execution has not', { lastSeen: 'suppressed' }, () => false],
])('of an older result, a delivery %s leaves the signal to the drain', (_, seen, isKnown) => {
  const open = { ...INITIAL_STREAM_STATE, status: 'firing', lastPosition: '1', ...seen } as const;
  const stream = new AlertStream(key, open, [signal(2, 'firing')]);
  const opened = { state: open, delivery: delivered() };
  expect(stream.open(opened, stream.firstSignal(1000), ports(delivered, isKnown))).toBeNull();
  expect(stream.inbox.map(({ position }) => position)).toEqual(['2']);
});

test('a silent first decision is made again where an older signal came in between and was decided first', async () => {
  const suppressed = { ...INITIAL_STREAM_STATE, lastPosition: '1' };
  const stream = new AlertStream(key, suppressed, [signal(3, 'resolved')]);
  const opened = openedWith(stream, suppressed);
  expect(opened.decision).toMatchObject({ reason: 'resolved_without_notification' });
  const first = stream.firstSignal(1000);
  stream.push(signal(2, 'firing'));
  stream.open(opened, first, ports());
  const world = ports();
  await stream.drain(world);
  expect(world.orders.map(({ kind, issue }) => [kind, issue.position])).toEqual([
    ['trigger', '2'],
    ['resolve', '3'],
  ]);
});

test('a first decision by a late rule is asked for in either case, so that histories stay the same', async () => {
  const open = {
    ...INITIAL_STREAM_STATE,
    status: 'firing',
    lastPosition: '1',
    lastSeen: 'suppressed',
  } as const;
  for (const hasDecision of [true, false]) {
    const stream = new AlertStream(key, open, [signal(2, 'firing')]);
    const world = ports();
    stream.open(openedWith(stream, open, { hasDecision }), stream.firstSignal(1000), world);
    expect(world.asked).toEqual(['suppression-bypass']);
  }
});

test('consecutive silent decisions that are alike are one run, and travel with the next order', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [
    signal(1, 'firing'),
    signal(2, 'firing'),
    signal(3, 'firing'),
    signal(4, 'suppressed'),
    signal(2, 'firing'),
    signal(9, 'resolved'),
  ]);
  const world = ports();
  await stream.drain(world);
  expect(world.orders[1]?.unwritten?.silent).toEqual([
    // The repeat is ordered by position: it is decided between 2 and 3.
    expect.objectContaining({ reason: 'continuing', since: '2', count: 1 }),
    expect.objectContaining({ reason: 'older_than_last', since: '2', count: 1 }),
    expect.objectContaining({
      reason: 'continuing',
      since: '2',
      count: 1,
      first: { position: '3', at: 1000 },
    }),
    expect.objectContaining({ reason: 'suppressed', since: '4', count: 1 }),
  ]);
  await stream.flush(world);
  expect(world.recorded).toEqual([]);
});

test('silent decisions that are alike are counted, from the first to the last', async () => {
  let now = 1000;
  const stream = new AlertStream(
    key,
    INITIAL_STREAM_STATE,
    [1, 2, 3, 4].map((at) => signal(at, 'firing')),
  );
  const world = { ...ports(), now: () => now++ };
  await stream.drain(world);
  await stream.flush(world);
  expect(world.more).toEqual([
    {
      silent: [
        {
          reason: 'continuing',
          since: '2',
          version: 0,
          first: { position: '2', at: 1001 },
          last: { position: '4', at: 1003 },
          count: 3,
        },
      ],
    },
  ]);
});

test('silent decisions are a run of their own for each version of the route, and for each late signal', async () => {
  const of = (position: number, version: number): IssueSignal => ({
    ...signal(position, 'firing'),
    policy: { version, renotifyIntervalMs: null, maxSignalAgeMs: 3_600_000 },
  });
  const open = { ...INITIAL_STREAM_STATE, status: 'firing', lastPosition: '10' } as const;
  const stream = new AlertStream(key, open, [of(11, 3), of(12, 3), of(13, 4)]);
  const world = ports();
  await stream.drain(world);
  for (const late of [of(7, 4), of(8, 4)]) stream.push(late);
  await stream.drain(world);
  await stream.flush(world);
  const runs = world.more[0]?.silent?.map(({ reason, since, version, count }) => [
    reason,
    since,
    version,
    count,
  ]);
  expect(runs).toEqual([
    ['continuing', '11', 3, 2],
    ['continuing', '11', 4, 1],
    ['older_than_last', '7', 4, 1],
    ['older_than_last', '8', 4, 1],
  ]);
});

test('an outcome that could not be written travels with the next order', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(1, 'firing'), signal(2, 'resolved')]);
  const world = ports(
    ({ issue }) => ({ ...delivered(), recorded: issue.position === '2' }) as DeliveryResult,
  );
  await stream.drain(world);
  expect(world.orders[1]?.unwritten?.outcomes).toMatchObject([
    { order: { notificationId: 'alert-f-r-a-1' }, result: { kind: 'delivered' } },
  ]);
  expect(world.orders[1]?.unwritten).not.toHaveProperty('silent');
  expect(world.recorded).toEqual([]);
});

test('a drop that could not be persisted is persisted after the batch', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(1, 'firing')]);
  const world = ports(() => ({ kind: 'dropped', code: 'EXPIRED', recorded: false }));
  await stream.drain(world);
  expect(world.more).toMatchObject([{ outcomes: [{ result: { code: 'EXPIRED' } }] }]);
  expect(world.more[0]).not.toHaveProperty('silent');
  expect(stream.state).toMatchObject({ status: 'none', lastPosition: '1' });
  expect(stream.state).not.toHaveProperty('mayBeOpen');
});

test('a drop of an older release, which does not say whether it was persisted, leaves nothing to persist', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(1, 'firing')]);
  const world = ports(() => ({ kind: 'dropped', code: 'EXPIRED' }));
  await stream.drain(world);
  expect(world.more).toEqual([]);
});

test('a late rule is asked for only where it decides; one that is not known leaves the decision as it was before', async () => {
  const open = {
    ...INITIAL_STREAM_STATE,
    status: 'firing',
    lastPosition: '1',
    lastSeen: 'suppressed',
  } as const;
  const today = new AlertStream(key, open, [signal(2, 'firing')]);
  const world = ports();
  await today.drain(world);
  expect(world.asked).toEqual(['suppression-bypass']);
  expect(world.orders.map(({ reason }) => reason)).toEqual(['suppression_bypass']);

  const before = new AlertStream(key, open, [signal(2, 'firing'), signal(3, 'resolved')]);
  const old = ports(delivered, () => false);
  await before.drain(old);
  expect(old.orders.map(({ kind, issue }) => [kind, issue.position])).toEqual([['resolve', '3']]);
});

test('of two late rules, the one that is not known is left out, and the other decides', async () => {
  const open = {
    ...INITIAL_STREAM_STATE,
    status: 'firing',
    lastPosition: '1',
    lastSeen: 'suppressed',
  } as const;
  const stream = new AlertStream(key, open, [{ ...signal(2, 'firing'), storedAt: -4_000_000 }]);
  const world = ports(delivered, (rule) => rule !== 'staleness');
  await stream.drain(world);
  expect(world.asked).toEqual(['staleness', 'suppression-bypass']);
  expect(world.orders.map(({ reason }) => reason)).toEqual(['suppression_bypass']);
});

test('a delivery that began before it became stale continues, and one that had not is silent', async () => {
  const old = { ...signal(1, 'firing'), storedAt: -4_000_000 };
  for (const begun of [new Set(['alert-f-r-a-1']), new Set<string>()]) {
    const stream = new AlertStream(key, INITIAL_STREAM_STATE, [old]);
    const world = ports(delivered, () => true, begun);
    await stream.drain(world);
    expect(world.orders.map(({ kind }) => kind)).toEqual(begun.size === 1 ? ['trigger'] : []);
    expect(world.asked).toContain('alert-f-r-a-1');
  }
  const onTheWay = new AlertStream(key, INITIAL_STREAM_STATE, [old]);
  const first = onTheWay.firstSignal(1000);
  const opened = { state: INITIAL_STREAM_STATE, delivery: delivered() };
  expect(onTheWay.open(opened, first, ports())).toMatchObject({ kind: 'trigger' });
});

test('a dropped trigger in doubt is resolved, and notified again when it fires on', async () => {
  const world = ports(({ issue }) =>
    issue.position === '1'
      ? { kind: 'dropped', code: 'EXPIRED', recorded: true, mayBeOpen: true }
      : delivered(),
  );
  const over = new AlertStream(key, INITIAL_STREAM_STATE, [signal(1, 'firing'), signal(2, 'resolved')]);
  await over.drain(world);
  expect(world.orders.map(({ kind }) => kind)).toEqual(['trigger', 'resolve']);
  expect(over.state.mayBeOpen).toBe(false);
  const on = new AlertStream(key, INITIAL_STREAM_STATE, [signal(1, 'firing'), signal(2, 'firing')]);
  await on.drain(world);
  expect(world.orders.slice(2).map(({ kind }) => kind)).toEqual(['trigger', 'trigger']);
});

test('an owed resolve of what may be open is sent, and closes it', async () => {
  const maybe = { ...INITIAL_STREAM_STATE, mayBeOpen: true, episode: '1', lastPosition: '2' } as const;
  for (const hasPatch of [true, false]) {
    const stream = new AlertStream(key, maybe, [{ ...signal(2, 'resolved'), owed: true }]);
    const world = ports(delivered, () => hasPatch);
    await stream.drain(world);
    expect(world.asked).toEqual(['may-be-owed']);
    expect(world.orders.map(({ kind, reason }) => [kind, reason])).toEqual(
      hasPatch ? [['resolve', 'resolve_owed']] : [],
    );
    expect(stream.state.mayBeOpen).toBe(!hasPatch);
  }
});

test('a bypass that was dropped does not use the suppression up', async () => {
  const open = {
    ...INITIAL_STREAM_STATE,
    status: 'firing',
    lastPosition: '1',
    lastSeen: 'suppressed',
  } as const;
  const stream = new AlertStream(key, open, [signal(2, 'firing'), signal(3, 'firing')]);
  const world = ports(({ issue }) =>
    issue.position === '2' ? { kind: 'dropped', code: 'EXPIRED', recorded: true } : delivered(),
  );
  await stream.drain(world);
  expect(world.orders.map(({ reason }) => reason)).toEqual(['suppression_bypass', 'suppression_bypass']);
});

test('repeats alone are written only by an execution that knows the ledger', async () => {
  const open = { ...INITIAL_STREAM_STATE, status: 'firing', lastPosition: '5' } as const;
  for (const isKnown of [true, false]) {
    const stream = new AlertStream(key, open, [signal(5, 'firing')]);
    const world = ports(delivered, () => isKnown);
    await stream.drain(world);
    await stream.flush(world);
    expect(world.asked).toEqual(['decision-ledger']);
    expect(world.recorded).toHaveLength(isKnown ? 1 : 0);
  }
});

test('a position that was passed in silence is made durable by every execution', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(7, 'resolved')]);
  const world = ports(delivered, () => false);
  await stream.drain(world);
  await stream.flush(world);
  expect(world.recorded).toMatchObject([{ lastPosition: '7' }]);
});

test('silent decisions are made durable by a flush, and a delivery that was recorded needs none', async () => {
  const world = ports();
  const silent = new AlertStream(key, INITIAL_STREAM_STATE, [signal(7, 'resolved')]);
  await silent.drain(world);
  expect(world.recorded).toEqual([]);
  await silent.flush(world);
  expect(world.recorded).toMatchObject([{ ...INITIAL_STREAM_STATE, lastPosition: '7' }]);
  await silent.flush(world);
  expect(world.recorded).toHaveLength(1);

  const loud = new AlertStream(key, INITIAL_STREAM_STATE, [signal(7, 'firing')]);
  const quiet = ports();
  await loud.drain(quiet);
  await loud.flush(quiet);
  expect(quiet.recorded).toEqual([]);
});

describe('a stream that has to hand over while a delivery waits', () => {
  const PENDING: DeliveryResult = { kind: 'pending', code: 'CONNECT_FAILED', waitMs: 5, failures: 3 };
  const pendingAt = (position: string) => (order: DeliveryOrder) =>
    order.issue.position === position ? PENDING : delivered();

  test('leaves what came after it in the inbox, and handles nothing before it', async () => {
    const stream = new AlertStream(key, INITIAL_STREAM_STATE);
    for (const each of [signal(1, 'suppressed'), signal(2, 'firing'), signal(3, 'resolved')])
      stream.push(each);
    const given = ports(pendingAt('2'));
    await expect(stream.drain(given)).resolves.toEqual({ signals: 2, notifications: 0 });
    stream.push(signal(4, 'firing'));
    expect(stream.inbox.map(({ position }) => position)).toEqual(['3', '4']);
    expect(stream.underWay).toMatchObject({ order: { issue: { position: '2' } }, result: PENDING });
    const delivery = await stream.handOver(given, 10);
    expect(delivery?.result).toEqual(PENDING);
    expect(delivery?.order).toMatchObject({ issue: { position: '2' }, reason: 'new' });
    // The silent decision before it is persisted now, so the order carries it no longer.
    expect(delivery?.order).not.toHaveProperty('unwritten');
    expect(given.more).toMatchObject([{ silent: [{ reason: 'suppressed', count: 1 }] }]);
    expect(given.recorded).toMatchObject([{ lastPosition: '1', status: 'none' }]);
  });

  test('makes durable what was delivered before it and could not be recorded, also at the same position', async () => {
    const open = {
      ...INITIAL_STREAM_STATE,
      notificationCount: 1,
      status: 'firing',
      lastPosition: '5',
    } as const;
    const owed = { ...signal(5, 'resolved'), owed: true };
    const stream = new AlertStream(key, open, [owed, signal(6, 'firing')]);
    const world = ports(({ kind }) =>
      kind === 'resolve'
        ? ({ ...delivered(), recorded: false } as DeliveryResult)
        : { kind: 'pending', code: 'THROTTLED', waitMs: 0 },
    );
    await stream.drain(world);
    await expect(stream.handOver(world, 10)).resolves.toMatchObject({ order: { kind: 'trigger' } });
    expect(world.recorded).toEqual([stream.state]);
    expect(world.more).toMatchObject([{ outcomes: [{ order: { notificationId: 'alert-f-r-a-5' } }] }]);
    await stream.handOver(world, 10);
    expect(world.recorded).toHaveLength(1);
  });

  test('keeps of too many the newest, and says what became of the others without deciding about them', async () => {
    const stream = new AlertStream(key, INITIAL_STREAM_STATE);
    for (let position = 1; position <= 6; position++) stream.push(signal(position, 'firing'));
    const given = ports(pendingAt('1'));
    await stream.drain(given);
    const delivery = await stream.handOver(given, 3);
    expect(stream.inbox.map(({ position }) => position)).toEqual(['6']);
    expect(given.more).toMatchObject([
      {
        silent: [
          { reason: 'superseded_by_newer', first: { position: '2' }, last: { position: '5' }, count: 4 },
        ],
      },
    ]);
    expect(stream.state.lastPosition).toBeNull();
    // The next run: the notification ends, and the newest signal is decided on its state.
    const next = new AlertStream(key, stream.state, stream.inbox);
    if (delivery !== null) next.settle(delivery.order, delivered());
    const after = ports();
    await next.drain(after);
    await next.flush(after);
    expect(next.state).toMatchObject({ status: 'firing', lastPosition: '6', notificationCount: 1 });
    expect(after.orders).toEqual([]);
  });

  test('carries on as many as it may as they are', async () => {
    const stream = new AlertStream(key, INITIAL_STREAM_STATE);
    for (let position = 1; position <= 4; position++) stream.push(signal(position, 'firing'));
    const given = ports(pendingAt('1'));
    await stream.drain(given);
    await stream.handOver(given, 3);
    expect(stream.inbox.map(({ position }) => position)).toEqual(['2', '3', '4']);
    expect(given.more).toEqual([]);
  });

  test('has no delivery to go on with where none is under way', async () => {
    const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(1, 'firing')]);
    const given = ports();
    await stream.drain(given);
    expect(stream.underWay).toBeNull();
    await expect(stream.handOver(given, 3)).resolves.toBeNull();
  });

  test('carries on no more than it may, however many come while it persists', async () => {
    const stream = new AlertStream(key, INITIAL_STREAM_STATE);
    for (let position = 1; position <= 5; position++) stream.push(signal(position, 'firing'));
    const given = ports(pendingAt('1'));
    await stream.drain(given);
    let late = 6;
    const record = given.record.bind(given);
    const busy: StreamPorts = {
      ...given,
      record: async (...args) => {
        if (late === 6) for (; late <= 12; late++) stream.push(signal(late, 'firing'));
        await record(...args);
      },
    };
    await stream.handOver(busy, 3);
    expect(stream.inbox.map(({ position }) => position)).toEqual(['12']);
  });
});

test('a stream that is behind what it has decided goes on from there', async () => {
  // As in a workflow task that is repeated: the trigger and the resolve were sent before, and what fires came since.
  const passedBy: StreamState = {
    ...INITIAL_STREAM_STATE,
    notificationCount: 2,
    status: 'resolved',
    lastPosition: '20',
    lastSeen: 'resolved',
  };
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(10, 'firing'), signal(30, 'firing')]);
  const run = ports((order) =>
    order.issue.position === '10'
      ? { kind: 'delivered' as const, provider: 'webhook', externalId: null, recorded: true, passedBy }
      : delivered(),
  );
  await stream.drain(run);
  expect(run.orders.map(({ issue, kind, reason }) => [issue.position, kind, reason])).toEqual([
    ['10', 'trigger', 'new'],
    ['30', 'trigger', 'new'],
  ]);
  expect(stream.state).toMatchObject({ notificationCount: 3, status: 'firing', lastPosition: '30' });
});
