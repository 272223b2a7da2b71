import { describe, expect, test } from '@jest/globals';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { StreamState } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { deliveryWorld, limited, testIssue, testOrder } from '../testing/delivery-world.ts';
import { openStream } from './open-stream.ts';

const order = testOrder();

describe('opening a stream', () => {
  const open: StreamState = {
    ...INITIAL_STREAM_STATE,
    notificationCount: 1,
    status: 'firing',
    lastPosition: '1',
  };
  const first = (parts: Partial<IssueSignal> = {}) => ({
    signal: { ...testIssue, ...parts },
    now: testIssue.storedAt + 5,
  });

  test.each([
    ['that was never notified', INITIAL_STREAM_STATE, first(), 'trigger', 'new'],
    ['that is open, for a resolve', open, first({ status: 'resolved' }), 'resolve', 'resolved'],
  ])('%s delivers on the way, after one reading of its state', async (_, stored, given, kind, reason) => {
    const { state, dependencies } = deliveryWorld();
    state.stored = stored;
    await expect(openStream(dependencies, order.stream, given)).resolves.toMatchObject({
      state: stored,
      decision: { notify: true, kind, reason },
      delivery: { kind: 'delivered', recorded: true },
    });
    expect([state.readings, state.requests.length, state.states.length]).toEqual([1, 1, 1]);
    expect(state.requests[0]?.notification).toMatchObject({
      kind,
      id: order.notificationId.replace('-5', `-${testIssue.position}`),
    });
  });

  test.each([
    ['continues', open, first(), { notify: false, reason: 'continuing' }],
    [
      'is stale',
      INITIAL_STREAM_STATE,
      { ...first(), now: testIssue.storedAt + 3_600_001 },
      { notify: false, reason: 'stale', rule: 'staleness' },
    ],
    [
      'resolves what is not open',
      INITIAL_STREAM_STATE,
      first({ status: 'resolved' }),
      { notify: false, reason: 'resolved_without_notification' },
    ],
    ['is not there', INITIAL_STREAM_STATE, null, null],
  ])('delivers nothing if the first signal %s', async (_, stored, given, decision) => {
    const { state, dependencies } = deliveryWorld();
    state.stored = stored;
    await expect(openStream(dependencies, order.stream, given)).resolves.toEqual({
      state: stored,
      decision,
      delivery: null,
    });
    expect(state.requests).toEqual([]);
  });

  test('delivers what was begun before it became stale', async () => {
    const { state, dependencies } = deliveryWorld();
    state.intents.set(order.notificationId.replace('-5', `-${testIssue.position}`), 'intended');
    const late = { ...first(), now: testIssue.storedAt + 3_600_001 };
    await expect(openStream(dependencies, order.stream, late)).resolves.toMatchObject({
      decision: { notify: true, kind: 'trigger', reason: 'new' },
      delivery: { kind: 'delivered' },
    });
    expect(state.entries[0]).toMatchObject({ outcome: 'uncertain', code: 'CUT_OFF' });
  });

  test('claims and sends nothing once its time is used up, and leaves no doubt', async () => {
    const { state, dependencies } = deliveryWorld();
    const slow = {
      ...dependencies,
      streams: {
        ...dependencies.streams,
        read: (given: typeof order.stream) => {
          state.clock.now += 2300;
          return dependencies.streams.read(given);
        },
      },
    };
    const opened = await openStream(slow, order.stream, first());
    expect(opened.delivery).toMatchObject({ kind: 'pending', lastAttempt: { outcome: 'not-sent' } });
    expect([state.log, state.requests]).toEqual([[], []]);
  });

  test('hands on a delivery that has to wait', async () => {
    const { dependencies } = deliveryWorld(limited(3000));
    const opened = await openStream(dependencies, order.stream, first());
    expect(opened.delivery).toMatchObject({ kind: 'pending', wasThrottled: true });
  });
});
