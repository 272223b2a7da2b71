import { describe, expect, test } from '@jest/globals';
import { deliveryWorld, limited, lost, rejected, testOrder } from '../testing/delivery-world.ts';
import { deliverAndRecord } from './deliver-and-record.ts';

const order = testOrder();

describe('the first, short attempt', () => {
  test('has two seconds', async () => {
    const { state, dependencies } = deliveryWorld();
    await expect(deliverAndRecord(dependencies, order)).resolves.toMatchObject({ kind: 'delivered' });
    expect(state.requests[0]?.timeoutMs).toBe(2000);
  });

  test.each([
    ['a refusal for now', rejected(true), 'HTTP_STATUS', false],
    ['a rate limit', limited(4000), 'RATE_LIMITED', true],
    ['an answer that never came', lost, 'CONNECTION_LOST', false],
  ] as const)('leaves the rest after %s', async (_, outcome, code, wasThrottled) => {
    const { dependencies } = deliveryWorld(outcome);
    await expect(deliverAndRecord(dependencies, order)).resolves.toEqual({
      kind: 'pending',
      code,
      waitMs: 0,
      inSlot: true,
      wasThrottled,
    });
  });

  test('is too late where no worker came for longer than the notification is worth', async () => {
    const { state, dependencies } = deliveryWorld();
    const decidedAt = state.clock.now - 40 * 60_000;
    await expect(
      deliverAndRecord(dependencies, testOrder({ decidedAt, timeToLiveMs: 300_000 })),
    ).resolves.toEqual({ kind: 'dropped', code: 'EXPIRED', recorded: true });
    expect(state.requests).toEqual([]);
    expect(state.entries.map(({ stage }) => stage)).toEqual(['decided', 'settled']);
  });

  test.each([
    [30_000, 'delivered'],
    [40 * 60_000, 'dropped'],
  ])('that was begun before it became stale is attempted again, but not %d ms later', async (ms, kind) => {
    const { state, dependencies } = deliveryWorld();
    const { now } = state.clock;
    const policy = { version: 1, renotifyIntervalMs: null, maxSignalAgeMs: 300_000 };
    const issue = { ...testOrder().issue, storedAt: now - 300_000 - ms, policy };
    await expect(
      deliverAndRecord(dependencies, testOrder({ issue, decidedAt: now, timeToLiveMs: 0 })),
    ).resolves.toMatchObject({ kind });
    expect(state.requests).toHaveLength(kind === 'delivered' ? 1 : 0);
  });

  test.each([5000, -5000])('has its time although the clock of the machine jumps by %d ms', async (ms) => {
    const { state, dependencies } = deliveryWorld();
    state.onClaim = () => (state.clock.jumped = ms);
    await expect(deliverAndRecord(dependencies, order)).resolves.toMatchObject({ kind: 'delivered' });
    expect(state.requests[0]?.timeoutMs).toBe(2000);
  });

  test('claims nothing without a connection, and leaves the rest', async () => {
    const { state, dependencies } = deliveryWorld();
    state.connections = 0;
    await expect(deliverAndRecord(dependencies, order)).resolves.toMatchObject({
      kind: 'pending',
      code: 'NO_CONNECTION',
    });
    expect(state.log).toEqual(['write ']);
    expect(state.intents.rows.size).toBe(0);
  });

  test('hands on that it gave a claim up, so that nothing is doubted', async () => {
    const { state, dependencies } = deliveryWorld();
    state.faultOf = (call) => (call === 'claim' ? 'answer lost' : null);
    await expect(deliverAndRecord(dependencies, order)).resolves.toMatchObject({
      kind: 'pending',
      lastAttempt: {
        token: 'a1',
        outcome: 'not-sent',
      },
    });
    expect(state.requests).toEqual([]);
  });

  test('does not wait for an app that is throttled', async () => {
    const { state, dependencies } = deliveryWorld();
    dependencies.gate.learn({ id: 'app1', targetVersion: 1 }, 3000);
    await expect(deliverAndRecord(dependencies, order)).resolves.toMatchObject({
      kind: 'pending',
      wasThrottled: false,
    });
    expect(state.requests).toEqual([]);
    // Nothing was sent, and the ledger records that it waits.
    expect(state.entries.map(({ stage }) => stage)).toEqual(['decided']);
  });
});
