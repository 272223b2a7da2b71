import { expect, test } from '@jest/globals';
import type { DeliveryOrder, DeliveryResult, IssueSignal, IssueStatus, StreamState } from '../contract.ts';
import { AlertStream, type StreamPorts } from './alert-stream.ts';
import { INITIAL_STREAM_STATE } from './should-notify.ts';

const key = { fingerprint: 'f', routeId: 'r', connectedAppId: 'a' };
const signal = (position: number, status: IssueStatus): IssueSignal => ({
  eventId: `e${position}`,
  position: String(position),
  status,
  severity: 'critical',
  startsAt: 0,
  endsAt: null,
  storedAt: 0,
  contentHash: '',
});

function ports(answer: (order: DeliveryOrder) => DeliveryResult = delivered): StreamPorts & {
  readonly orders: DeliveryOrder[];
  readonly recorded: StreamState[];
} {
  const orders: DeliveryOrder[] = [];
  const recorded: StreamState[] = [];
  return {
    orders,
    recorded,
    now: () => 1000,
    deliver: async (order) => {
      orders.push(order);
      return answer(order);
    },
    record: async (_, state) => {
      recorded.push(state);
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
  expect(world.recorded).toEqual([]);
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

test('the first order is proposed for a stream that was never notified; a silent first signal proposes nothing', () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(2, 'firing'), signal(1, 'resolved')]);
  expect(stream.propose(1000)).toBeNull();
  const firing = new AlertStream(key, INITIAL_STREAM_STATE, [signal(2, 'resolved'), signal(1, 'firing')]);
  expect(firing.propose(1000)).toMatchObject({ kind: 'trigger', issue: { position: '1' }, decidedAt: 1000 });
});

test('what was delivered while the state was read is handled first, also before what arrived since and is older', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(5, 'firing')]);
  const order = stream.propose(1000);
  if (order === null) throw new Error('nothing was proposed');
  stream.push(signal(4, 'firing'));
  stream.push(signal(6, 'resolved'));
  stream.begin(INITIAL_STREAM_STATE, {
    order,
    result: { ...delivered(), recorded: false } as DeliveryResult,
  });
  expect(stream.state).toMatchObject({ notificationCount: 1, lastPosition: '5' });
  const world = ports();
  await stream.drain(world);
  expect(world.orders.map(({ kind, issue }) => [kind, issue.position])).toEqual([['resolve', '6']]);
});

test('a delivery on the way that could not be recorded is recorded by the first drain, also of an empty inbox', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(5, 'firing')]);
  const order = stream.propose(1000);
  if (order === null) throw new Error('nothing was proposed');
  stream.begin(INITIAL_STREAM_STATE, {
    order,
    result: { ...delivered(), recorded: false } as DeliveryResult,
  });
  const world = ports();
  await stream.drain(world);
  expect(world.recorded).toEqual([stream.state]);
  await stream.drain(world);
  expect(world.recorded).toHaveLength(1);
});

test('a stream that was notified before goes on from the state that was read', async () => {
  const stream = new AlertStream(key, INITIAL_STREAM_STATE, [signal(11, 'firing'), signal(12, 'resolved')]);
  expect(stream.propose(0)).toMatchObject({ kind: 'trigger' });
  stream.begin({ ...INITIAL_STREAM_STATE, notificationCount: 1, status: 'firing', lastPosition: '10' }, null);
  const world = ports();
  await stream.drain(world);
  expect(world.orders.map(({ kind, issue }) => [kind, issue.position])).toEqual([['resolve', '12']]);
});

test('silent decisions are made durable by a flush, and a delivery that was recorded needs none', async () => {
  const world = ports();
  const silent = new AlertStream(key, INITIAL_STREAM_STATE, [signal(7, 'resolved')]);
  await silent.drain(world);
  expect(world.recorded).toEqual([]);
  await silent.flush(world);
  expect(world.recorded).toEqual([{ ...INITIAL_STREAM_STATE, lastPosition: '7' }]);
  await silent.flush(world);
  expect(world.recorded).toHaveLength(1);

  const loud = new AlertStream(key, INITIAL_STREAM_STATE, [signal(7, 'firing')]);
  const quiet = ports();
  await loud.drain(quiet);
  await loud.flush(quiet);
  expect(quiet.recorded).toEqual([]);
});
