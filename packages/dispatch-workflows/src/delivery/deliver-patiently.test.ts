import { DatabaseError } from '@heliograph/database';
import { describe, expect, test } from '@jest/globals';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import { accepted, deliveryWorld, limited, lost, rejected, testOrder } from '../testing/delivery-world.ts';
import type { AppGate, Permit } from './app-gate.ts';
import { deliverPatiently, type Patience } from './deliver-patiently.ts';

const order = testOrder();

/** A patient delivery on the world's clock, on which waiting takes no time. */
function patience(
  { clock }: { readonly clock: { now: number; slept: number[] } },
  options: { readonly ageMs?: number; readonly random?: number } = {},
) {
  const controller = new AbortController();
  const asking = new AbortController();
  const log = { onSleep: (): void => undefined };
  const given: Patience = {
    scheduledAt: clock.now - (options.ageMs ?? 0),
    signal: controller.signal,
    comeBack: asking.signal,
    random: () => options.random ?? 1,
    sleep: async (ms, signal) => {
      log.onSleep();
      signal.throwIfAborted();
      clock.slept.push(ms);
      clock.now += ms;
    },
  };
  return { log, given, controller, asking };
}

describe('a patient delivery', () => {
  test('retries until the provider accepts it, with one id and ten seconds for each attempt', async () => {
    const { state, dependencies } = deliveryWorld(rejected(true), lost);
    const { given } = patience(state);
    await expect(deliverPatiently(dependencies, order, given)).resolves.toMatchObject({ kind: 'delivered' });
    expect(new Set(state.requests.map(({ notification }) => notification.id))).toEqual(
      new Set([order.notificationId]),
    );
    expect(state.requests.map(({ timeoutMs }) => timeoutMs)).toEqual([10_000, 10_000, 10_000]);
    expect(state.states).toHaveLength(1);
  });

  test('ends at a permanent refusal', async () => {
    const { state, dependencies } = deliveryWorld(rejected(true), rejected(false));
    await expect(deliverPatiently(dependencies, order, patience(state).given)).resolves.toMatchObject({
      kind: 'dropped',
      code: 'REJECTED',
    });
  });

  test.each<[number, readonly number[]]>([
    [1, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]],
    [0, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]],
  ])('waits twice as long each time up to half a minute, with jitter %d', async (random, waits) => {
    const { state, dependencies } = deliveryWorld(...waits.map(() => rejected(true)));
    const { given } = patience(state, { random });
    const waited: number[] = [];
    let next: DeliveryOrder = { ...order, timeToLiveMs: 3_600_000 };
    // Goes on as the workflow does: long waits are handed back.
    for (;;) {
      const result = await deliverPatiently(dependencies, next, { ...given, scheduledAt: state.clock.now });
      waited.push(...state.clock.slept.splice(0));
      if (result.kind !== 'pending') break;
      expect(result.inSlot).toBe(false);
      expect(result.waitMs).toBeGreaterThan(5000);
      waited.push(result.waitMs);
      next = { ...next, failures: result.failures ?? 0 };
    }
    expect(waited).toEqual(waits);
  });

  test.each<[string, number, number]>([
    ['for as long as the provider asks', 40_000, 40_000],
    ['at least a second', 0, 1000],
  ])('waits %s inside', async (_, asked, waited) => {
    const { state, dependencies } = deliveryWorld(limited(asked));
    const { given } = patience(state);
    await expect(deliverPatiently(dependencies, order, given)).resolves.toMatchObject({ kind: 'delivered' });
    expect(state.clock.slept).toEqual([waited]);
  });

  test('waits where another stream was throttled, without sending anything meanwhile', async () => {
    const { state, dependencies } = deliveryWorld();
    dependencies.gate.learn({ id: 'app1', targetVersion: 1 }, 7000);
    await expect(deliverPatiently(dependencies, order, patience(state).given)).resolves.toMatchObject({
      kind: 'delivered',
    });
    expect([state.clock.slept, state.requests.length]).toEqual([[7000], 1]);
  });

  test('hands back what would keep its slot for too long, with what it knows', async () => {
    const { state, dependencies } = deliveryWorld(rejected(true), limited(500_000));
    await expect(
      deliverPatiently(dependencies, { ...order, timeToLiveMs: 3_600_000 }, patience(state).given),
    ).resolves.toEqual({
      kind: 'pending',
      code: 'RATE_LIMITED',
      waitMs: 300_000,
      failures: 1,
      wasThrottled: true,
      handBacks: 1,
      inSlot: false,
    });
    expect(state.clock.slept).toEqual([500]);
  });

  test('hands back where too many wait for this app already', async () => {
    const { state, dependencies } = deliveryWorld();
    const crowded = { ...dependencies.gate, acquire: async () => ({ waitMs: 50 }) };
    await expect(
      deliverPatiently({ ...dependencies, gate: crowded }, order, patience(state).given),
    ).resolves.toMatchObject({ kind: 'pending', waitMs: 2000, handBacks: 1, inSlot: false });
    const often = { ...order, handBacks: 3 };
    await expect(
      deliverPatiently({ ...dependencies, gate: crowded }, often, patience(state).given),
    ).resolves.toMatchObject({ waitMs: 16_000, handBacks: 4 });
    expect(state.requests).toEqual([]);
  });

  test('that was interrupted does not wait for what it had waited for already', async () => {
    const { state, dependencies } = deliveryWorld();
    const { given } = patience(state, { ageMs: 9000 });
    await deliverPatiently(dependencies, { ...order, waitMs: 9000 }, given);
    expect(state.clock.slept).toEqual([]);
  });

  test('drops at once when the provider asks for more time than is left', async () => {
    const { state, dependencies } = deliveryWorld(limited(60_000));
    await expect(deliverPatiently(dependencies, order, patience(state).given)).resolves.toMatchObject({
      kind: 'dropped',
      code: 'EXPIRED_RATE_LIMITED',
    });
    expect(state.clock.slept).toEqual([]);
    expect(state.requests).toHaveLength(1);
  });

  describe('that was never sent, of an app that is throttled for longer than it lives', () => {
    const closed = (state: ReturnType<typeof deliveryWorld>['state'], closedUntil: number) => {
      const wishes: (number | undefined)[] = [];
      const acquire: AppGate['acquire'] = async (_, { probeWithinMs }) => {
        wishes.push(probeWithinMs);
        return { waitMs: closedUntil - state.clock.now };
      };
      return { wishes, acquire };
    };

    test('may probe until it expires, and is dropped then', async () => {
      const { state, dependencies } = deliveryWorld();
      const startedAt = state.clock.now;
      const { wishes, acquire } = closed(state, startedAt + 90_000);
      const gate = { ...dependencies.gate, acquire };
      let next: DeliveryOrder = order;
      for (let round = 0; ; round++) {
        // As the workflow does: it waits on a timer, and the order says how much of its life is left.
        const given = patience(state).given;
        const result = await deliverPatiently({ ...dependencies, gate }, next, given);
        if (result.kind !== 'pending') {
          expect(result).toEqual({ kind: 'dropped', code: 'EXPIRED_RATE_LIMITED', recorded: true });
          break;
        }
        expect(round).toBeLessThan(12);
        state.clock.now += result.waitMs;
        const { code, handBacks = 0 } = result;
        next = { ...order, code, handBacks, timeToLiveMs: startedAt + 60_000 - state.clock.now };
      }
      expect(state.clock.now - startedAt).toBe(60_000);
      expect(wishes[0]).toBe(60_000);
      expect(wishes.length).toBeGreaterThan(3);
      expect(state.requests).toEqual([]);
    });

    test('is sent as a probe', async () => {
      const { state, dependencies } = deliveryWorld(accepted);
      const permit: Permit = { release: () => undefined, throttle: () => undefined, isProbe: true };
      const gate = { ...dependencies.gate, acquire: async () => permit };
      await expect(
        deliverPatiently({ ...dependencies, gate }, order, patience(state).given),
      ).resolves.toMatchObject({ kind: 'delivered' });
    });

    test('may probe although attempts failed before anything was sent', async () => {
      const { state, dependencies } = deliveryWorld();
      const { wishes, acquire } = closed(state, state.clock.now + 90_000);
      const gate = { ...dependencies.gate, acquire };
      const { given } = patience(state);
      const unsent = { ...order, failures: 2, wasSent: false };
      await expect(deliverPatiently({ ...dependencies, gate }, unsent, given)).resolves.toMatchObject({
        kind: 'pending',
        failures: 2,
        wasSent: false,
      });
      expect(wishes).toEqual([60_000]);
    });

    test('may probe although no connection could be made before', async () => {
      const { state, dependencies } = deliveryWorld(
        rejected(true, { code: 'CONNECT_FAILED' }),
        rejected(true, { code: 'NOT_SENT' }),
      );
      const { wishes, acquire } = closed(state, state.clock.now + 90_000);
      let attempts = 0;
      const free: AppGate['acquire'] = (...args) =>
        attempts++ < 2 ? dependencies.gate.acquire(...args) : acquire(...args);
      const gate = { ...dependencies.gate, acquire: free };
      await expect(
        deliverPatiently({ ...dependencies, gate }, order, patience(state).given),
      ).resolves.toMatchObject({ kind: 'pending', wasSent: false });
      expect(wishes).toEqual([expect.any(Number)]);
    });

    test.each<[string, Partial<DeliveryOrder>]>([
      ['throttled', { wasThrottled: true }],
      ['sent without success', { failures: 2 }],
    ])('does not probe once it was %s', async (_, parts) => {
      const { state, dependencies } = deliveryWorld();
      const { wishes, acquire } = closed(state, state.clock.now + 90_000);
      const gate = { ...dependencies.gate, acquire };
      await expect(
        deliverPatiently({ ...dependencies, gate }, { ...order, ...parts }, patience(state).given),
      ).resolves.toMatchObject({ kind: 'dropped', code: 'EXPIRED_RATE_LIMITED' });
      expect(wishes).toEqual([undefined]);
    });
  });

  test('ends when its time to live has passed, earlier attempts included', async () => {
    const { state, dependencies } = deliveryWorld(...Array.from({ length: 100 }, () => rejected(true)));
    const startedAt = state.clock.now;
    await expect(
      deliverPatiently(dependencies, order, patience(state, { ageMs: 57_000 }).given),
    ).resolves.toMatchObject({ kind: 'dropped', code: 'EXPIRED', recorded: true });
    expect(state.clock.now - startedAt).toBeLessThanOrEqual(3000);
    expect(state.requests.length).toBeGreaterThan(1);
    await expect(
      deliverPatiently(dependencies, order, patience(state, { ageMs: 60_000 }).given),
    ).resolves.toMatchObject({ kind: 'dropped', code: 'EXPIRED' });
  });

  test('hands back what it has learnt before a database that is away makes it fail', async () => {
    const { state, dependencies } = deliveryWorld(rejected(true));
    state.onDeliver = () => (state.faultOf = () => 'fails');
    const result = await deliverPatiently(dependencies, order, patience(state).given);
    expect(result).toMatchObject({ kind: 'pending', inSlot: false, lastAttempt: { outcome: 'refused' } });
    if (result.kind !== 'pending' || result.lastAttempt === undefined) throw new Error('nothing was learnt');
    // It has nothing more to say, so the server repeats it.
    const next = { ...order, lastAttempt: result.lastAttempt };
    await expect(deliverPatiently(dependencies, next, patience(state).given)).rejects.toThrow('away');
    state.faultOf = () => null;
    await expect(deliverPatiently(dependencies, next, patience(state).given)).resolves.toMatchObject({
      kind: 'delivered',
    });
    expect(state.log.filter((line) => line.startsWith('claim'))).toEqual([
      'claim after null',
      'claim after refused',
    ]);
  });

  test('without a free connection claims nothing, and hands its slot back', async () => {
    const { state, dependencies } = deliveryWorld();
    state.connections = 0;
    await expect(deliverPatiently(dependencies, order, patience(state).given)).resolves.toEqual({
      kind: 'pending',
      code: 'NO_CONNECTION',
      waitMs: 2000,
      failures: 0,
      wasThrottled: false,
      handBacks: 1,
      inSlot: false,
    });
    expect(state.log).toEqual([]);
  });

  test('of an app whose sealing key is not here yet is repeated, and dropped for it in the end', async () => {
    const { state, dependencies } = deliveryWorld();
    const unknown = new DatabaseError('DATABASE_SEALED_KEY_UNKNOWN', 'k2');
    const without = { ...dependencies, connectedApps: { deliveryTarget: () => Promise.reject(unknown) } };
    const waiting = await deliverPatiently(without, order, patience(state).given);
    expect(waiting).toMatchObject({ kind: 'pending', code: 'SECRET_UNREADABLE', failures: 5, waitMs: 8000 });
    expect(state.unwritten).toHaveLength(5);
    const late = patience(state, { ageMs: 59_900 }).given;
    await expect(deliverPatiently(without, order, late)).resolves.toEqual({
      kind: 'dropped',
      code: 'SECRET_UNREADABLE',
      recorded: true,
    });
    await expect(deliverPatiently(dependencies, order, patience(state).given)).resolves.toMatchObject({
      kind: 'delivered',
    });
  });

  test('ages while it waits for a worker: a trigger in doubt leaves an incident that may be open', async () => {
    const { state, dependencies } = deliveryWorld();
    state.intents.set(order.notificationId, 'intended');
    const { given } = patience(state, { ageMs: 40 * 60_000 });
    await expect(deliverPatiently(dependencies, order, given)).resolves.toMatchObject({
      kind: 'dropped',
      code: 'EXPIRED',
      mayBeOpen: true,
    });
    expect(state.requests).toEqual([]);
  });

  test('stops while it waits', async () => {
    const { state, dependencies } = deliveryWorld(rejected(true));
    const { log, given, controller } = patience(state);
    log.onSleep = () => controller.abort();
    await expect(deliverPatiently(dependencies, order, given)).rejects.toMatchObject({ name: 'AbortError' });
    expect(state.requests).toHaveLength(1);
  });

  test('stops after an interrupted attempt, rather than begin another', async () => {
    const { state, dependencies } = deliveryWorld({ kind: 'uncertain', code: 'ABORTED' });
    const { given, controller } = patience(state);
    state.onDeliver = () => controller.abort();
    await expect(deliverPatiently(dependencies, order, given)).rejects.toMatchObject({ name: 'AbortError' });
    expect(state.requests).toHaveLength(1);
    expect(state.requests[0]?.signal).toBe(given.signal);
    expect(state.settled).toMatchObject([{ status: 'uncertain' }]);
  });

  test('keeps a delivery that came while it was stopped', async () => {
    const { state, dependencies } = deliveryWorld(accepted);
    const { given, controller } = patience(state);
    state.onDeliver = () => controller.abort();
    await expect(deliverPatiently(dependencies, order, given)).resolves.toMatchObject({ kind: 'delivered' });
    expect(state.states).toHaveLength(1);
  });

  test('comes first at the gate where it was throttled before', async () => {
    const { state, dependencies } = deliveryWorld(rejected(true), limited(1000));
    const wishes: boolean[] = [];
    const gate: typeof dependencies.gate = {
      ...dependencies.gate,
      acquire: (target, wish) => {
        wishes.push(wish.wasThrottled);
        return dependencies.gate.acquire(target, wish);
      },
    };
    const given: DeliveryOrder = { ...order, wasThrottled: false };
    await deliverPatiently({ ...dependencies, gate }, given, patience(state).given);
    expect(wishes).toEqual([false, false, true]);
  });
});

describe('a patient delivery that is asked to come back', () => {
  test('ends the attempt on its way, and returns what the provider answered', async () => {
    const { state, dependencies } = deliveryWorld(accepted);
    const { given, asking } = patience(state);
    state.onDeliver = () => asking.abort();
    await expect(deliverPatiently(dependencies, order, given)).resolves.toMatchObject({
      kind: 'delivered',
      recorded: true,
    });
    expect(state.requests[0]?.signal?.aborted).toBe(false);
  });

  test('begins no further attempt after a refusal, and says how long to wait and how often it failed', async () => {
    const { state, dependencies } = deliveryWorld(rejected(true));
    const { given, asking } = patience(state);
    state.onDeliver = () => asking.abort();
    await expect(
      deliverPatiently(dependencies, { ...order, failures: 3, handBacks: 2 }, given),
    ).resolves.toEqual({
      kind: 'pending',
      code: 'HTTP_STATUS',
      waitMs: 4000,
      failures: 4,
      wasThrottled: false,
      handBacks: 2,
      inSlot: false,
    });
    expect(state.requests).toHaveLength(1);
    expect(state.intents.rows.get(order.notificationId)?.status).toBe('refused');
  });

  test('interrupts a wait', async () => {
    const { state, dependencies } = deliveryWorld(rejected(true));
    const { given, asking } = patience(state);
    const sleep: Patience['sleep'] = async (ms, signal) => {
      state.clock.now += 100;
      asking.abort();
      signal.throwIfAborted();
    };
    await expect(deliverPatiently(dependencies, order, { ...given, sleep })).resolves.toMatchObject({
      kind: 'pending',
      waitMs: 400,
      failures: 1,
    });
  });

  test('does not wait for a permit, and sends nothing', async () => {
    const { state, dependencies } = deliveryWorld(limited(2000));
    const { given, asking } = patience(state);
    state.onDeliver = () => setImmediate(() => asking.abort());
    const gate = {
      ...dependencies.gate,
      acquire: async (...[target, request]: Parameters<AppGate['acquire']>) => {
        if (state.requests.length > 0) asking.abort();
        request.signal.throwIfAborted();
        return dependencies.gate.acquire(target, request);
      },
    };
    await expect(deliverPatiently({ ...dependencies, gate }, order, given)).resolves.toMatchObject({
      kind: 'pending',
      code: 'RATE_LIMITED',
      waitMs: 0,
      wasThrottled: true,
    });
    expect(state.requests).toHaveLength(1);
    expect(state.intents.rows.get(order.notificationId)?.status).toBe('refused');
  });

  test('is stopped by its worker all the same', async () => {
    const { state, dependencies } = deliveryWorld(rejected(true));
    const { given, asking, controller, log } = patience(state);
    log.onSleep = () => {
      controller.abort(new Error('stopped'));
      asking.abort();
    };
    await expect(deliverPatiently(dependencies, order, given)).rejects.toThrow('stopped');
  });
});
