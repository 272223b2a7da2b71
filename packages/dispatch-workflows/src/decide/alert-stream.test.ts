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
