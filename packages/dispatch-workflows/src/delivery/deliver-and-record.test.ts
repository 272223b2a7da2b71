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
