import { describe, expect, test } from '@jest/globals';
import type { DeliveryOrder, DeliveryResult } from '../contract/delivery-order.ts';
import { testOrder } from '../testing/delivery-world.ts';
import { settleDelivery, type SettlePorts } from './settle-delivery.ts';

const cancelled = new Error('cancelled');
const delivered: DeliveryResult = {
  kind: 'delivered',
  provider: 'webhook',
  externalId: null,
  recorded: true,
};

/** Settles a delivery whose patient activity answers so in turn; what was done, in its order. */
async function settle(
  first: DeliveryResult,
  answers: readonly (DeliveryResult | Error)[],
  patches: readonly string[] = ['patience', 'decision-ledger'],
  parts: Partial<DeliveryOrder> = {},
  mustHandOver: (log: readonly string[]) => boolean = () => false,
) {
  const order = testOrder({ decidedAt: 0, timeToLiveMs: 60_000, ...parts });
  const script = [...answers];
  const log: string[] = [];
  const orders: DeliveryOrder[] = [];
  let now = 0;
  const ports: SettlePorts = {
    now: () => now,
    sleep: async (ms) => {
      log.push(`sleep ${ms}`);
      now += ms;
    },
    deliverPatiently: async (given) => {
      log.push('deliver');
      orders.push(given);
      const answer = script.shift() ?? delivered;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    isCancellation: (error) => error === cancelled,
    hasPatch: (patch) => {
      log.push(`asked for ${patch}`);
      return patches.includes(patch);
    },
    mustHandOver: () => mustHandOver(log),
  };
  const result = await settleDelivery(order, first, ports);
  return { log, orders, result };
}

const pending = (parts: Partial<Extract<DeliveryResult, { kind: 'pending' }>> = {}): DeliveryResult => ({
  kind: 'pending',
  code: 'RATE_LIMITED',
  waitMs: 0,
  ...parts,
});

describe('settling a delivery', () => {
  test('does nothing where the first attempt ended it', async () => {
    await expect(settle(delivered, [])).resolves.toMatchObject({ log: [], result: delivered });
  });

  test('waits by timer for what is handed back, in the slot for what is short, and asks for no patch', async () => {
    const { log, orders, result } = await settle(pending({ waitMs: 5000 }), [
      pending({ waitMs: 5001, failures: 3, wasThrottled: true }),
      pending({ waitMs: 10, inSlot: false, handBacks: 2 }),
    ]);
    expect(log).toEqual(['deliver', 'sleep 5001', 'deliver', 'sleep 10', 'deliver']);
    expect(
      orders.map(({ waitMs, failures, wasThrottled, handBacks, timeToLiveMs }) => [
        waitMs,
        failures,
        wasThrottled,
        handBacks,
        timeToLiveMs,
      ]),
    ).toEqual([
      [5000, 0, false, 0, 60_000],
      [0, 3, true, 0, 54_999],
      [0, 3, false, 2, 54_989],
    ]);
    expect(result).toEqual(delivered);
  });

  test('waits no longer than the notification is worth, and lets the activity record the drop', async () => {
    const { log, orders } = await settle(pending({ waitMs: 90_000 }), []);
    expect(log).toEqual(['sleep 60000', 'deliver']);
    expect(orders[0]?.timeToLiveMs).toBe(0);
  });

  test('goes on after a pause where not even a failure could be reported', async () => {
    const { log, result } = await settle(pending(), [new Error('away')]);
    expect(log).toEqual(['deliver', 'asked for patience', 'sleep 30000', 'deliver']);
    expect(result).toEqual(delivered);
  });

  test.each<[readonly string[], DeliveryResult]>([
    [
      ['decision-ledger', 'unknown-is-doubt'],
      { kind: 'dropped', code: 'EXPIRED', recorded: false, mayBeOpen: true },
    ],
    [['decision-ledger'], { kind: 'dropped', code: 'EXPIRED', recorded: false }],
    [[], { kind: 'dropped', code: 'EXPIRED' }],
  ])('without that patience, but with %p, gives up', async (patches, expected) => {
    const { result } = await settle(pending(), [new Error('away')], patches);
    expect(result).toEqual(expected);
  });

  test('of an update that nobody could attempt leaves no new doubt, and asks for none', async () => {
    const { result, log } = await settle(
      pending(),
      [new Error('away')],
      ['decision-ledger', 'unknown-is-doubt'],
      { kind: 'update', reason: 'renotify' },
    );
    expect(result).toEqual({ kind: 'dropped', code: 'EXPIRED', recorded: false });
    expect(log).not.toContain('asked for unknown-is-doubt');
  });

  test('hands on what is known of the latest attempt, also over activities that fail', async () => {
    const [one, two] = [
      { token: 'a', outcome: 'not-sent' },
      { token: 'b.a', outcome: 'refused' },
    ] as const;
    const { orders } = await settle(pending({ lastAttempt: one }), [
      new Error('away'),
      pending({ lastAttempt: two }),
      pending(),
    ]);
    expect(orders.map(({ lastAttempt }) => lastAttempt)).toEqual([one, one, two, two]);
  });

  const standard = ['patience', 'decision-ledger'];

  test('leaves what is pending to the next run, before it begins to wait', async () => {
    const { log, result } = await settle(
      pending({ waitMs: 90_000, failures: 4 }),
      [],
      standard,
      {},
      () => true,
    );
    expect(log).toEqual([]);
    expect(result).toEqual(pending({ waitMs: 90_000, failures: 4 }));
  });

  test('leaves the rest of a wait, and how often it failed, to the next run', async () => {
    const { log, result } = await settle(
      pending({ waitMs: 0, failures: 2 }),
      [pending({ waitMs: 20_000, wasThrottled: true, handBacks: 3 })],
      standard,
      {},
      (done) => done.length === 2,
    );
    expect(log).toEqual(['deliver', 'sleep 20000']);
    expect(result).toEqual(
      pending({ waitMs: 0, failures: 2, wasThrottled: true, handBacks: 3, inSlot: false }),
    );
  });

  test('ends all the same where the activity that was asked back has ended it', async () => {
    const { result } = await settle(pending(), [delivered], standard, {}, (done) => done.length > 0);
    expect(result).toEqual(delivered);
  });

  test('ends with the run that is cancelled', async () => {
    await expect(settle(pending(), [cancelled])).rejects.toBe(cancelled);
  });
});
