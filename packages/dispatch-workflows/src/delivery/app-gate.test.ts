import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createAppGate, type AppGate, type Delay, type Permit } from './app-gate.ts';

const app = { id: 'app', targetVersion: 1 };

/** A gate on a clock that only `pass` moves. */
function world(options: { readonly maxWaitingPerApp?: number } = {}) {
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  const gate = createAppGate({
    ...options,
    now: () => now,
    setTimer: (run, ms) => timers.push({ at: now + ms, run }),
  });
  const pass = async (ms: number): Promise<void> => {
    const until = now + ms;
    for (;;) {
      const next = timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      timers = timers.filter((each) => each !== next);
      now = next.at;
      next.run();
      await settled();
    }
    now = until;
    await settled();
  };
  return { gate, pass };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const isPermit = (given: Permit | Delay): given is Permit => 'release' in given;
const never = new AbortController().signal;
const acquire = (gate: AppGate, wish: Partial<Parameters<AppGate['acquire']>[1]> = {}) =>
  gate.acquire(app, { wasThrottled: false, maxWaitMs: 60_000, signal: never, ...wish });

/** Deliveries that wait at the gate, and those that have got their permit, in their order. */
function crowd(gate: AppGate, names: readonly string[], wish: (name: string) => object = () => ({})) {
  const permits: { readonly name: string; readonly permit: Permit }[] = [];
  for (const name of names)
    void (async () => {
      const given = await acquire(gate, wish(name));
      if (isPermit(given)) permits.push({ name, permit: given });
    })();
  return permits;
}

function take(gate: AppGate, target = app): Permit {
  const given = gate.tryAcquire(target);
  if (!isPermit(given)) throw new Error('the gate is closed');
  return given;
}

describe('a gate', () => {
  test('admits every delivery while none was throttled', async () => {
    const { gate } = world();
    expect(Array.from({ length: 500 }, () => gate.tryAcquire(app)).every(isPermit)).toBe(true);
    expect(isPermit(await acquire(gate))).toBe(true);
  });

  test('is closed for everybody for as long as the provider asked one, and for this app only', async () => {
    const { gate, pass } = world();
    take(gate).throttle(1000);
    expect(gate.tryAcquire(app)).toEqual({ waitMs: 1000 });
    expect(isPermit(gate.tryAcquire({ ...app, id: 'other' }))).toBe(true);
    await pass(999);
    expect(isPermit(gate.tryAcquire(app))).toBe(false);
    await pass(1);
    expect(isPermit(gate.tryAcquire(app))).toBe(true);
  });

  test('lets eight in after a throttle, and twice as many with each round that goes well', async () => {
    const { gate, pass } = world({ maxWaitingPerApp: 1000 });
    take(gate).throttle(1000);
    const permits = crowd(
      gate,
      Array.from({ length: 300 }, (_, index) => `d${index}`),
    );
    await pass(1000);
    const rounds: number[] = [];
    while (permits.length > 0) {
      const round = permits.splice(0);
      rounds.push(round.length);
      for (const { permit } of round) permit.release('accepted');
      await settled();
    }
    expect(rounds.slice(0, 5)).toEqual([8, 16, 32, 64, 128]);
    expect(rounds.reduce((sum, each) => sum + each, 0)).toBe(300);
  });

  /** Throttled so often that only one begins. */
  async function narrow({ gate, pass }: ReturnType<typeof world>): Promise<void> {
    for (let time = 0; time < 4; time++) {
      take(gate).throttle(1000);
      await pass(1000);
    }
  }

  test('lets half as many in after each further throttle, and counts those refused together as one', async () => {
    const { gate, pass } = world();
    const widths: number[] = [];
    for (let time = 0; time < 5; time++) {
      const together: Permit[] = [];
      for (
        let given = gate.tryAcquire(app);
        isPermit(given) && together.length < 20;
        given = gate.tryAcquire(app)
      )
        together.push(given);
      widths.push(together.length);
      for (const permit of together) permit.throttle(1000);
      await pass(1000);
    }
    expect(widths.slice(1)).toEqual([8, 4, 2, 1]);
  });

  test('does not widen by what failed, nor by what began before the throttle', async () => {
    const { gate, pass } = world();
    await narrow({ gate, pass });
    const refused = take(gate);
    refused.throttle(1000);
    await pass(1000);
    const permits = crowd(gate, ['a', 'b', 'c']);
    await settled();
    expect(permits.map(({ name }) => name)).toEqual(['a']);
    permits[0]?.permit.release('other');
    await settled();
    expect(permits.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('lets those in first that were sent and throttled before, each kind in its order', async () => {
    const { gate, pass } = world();
    await narrow({ gate, pass });
    take(gate).throttle(1000);
    const permits = crowd(gate, ['new1', 'old1', 'new2', 'old2'], (name) => ({
      wasThrottled: name.startsWith('old'),
    }));
    await pass(1000);
    for (let round = 0; round < 4; round++) {
      for (const { permit } of permits) permit.release('accepted');
      await settled();
    }
    expect(permits.map(({ name }) => name)).toEqual(['old1', 'old2', 'new1', 'new2']);
  });

  test('closes again, and longer, when the next one is refused', async () => {
    const { gate, pass } = world();
    await narrow({ gate, pass });
    take(gate).throttle(1000);
    const permits = crowd(gate, ['a', 'b']);
    await pass(1000);
    permits[0]?.permit.throttle(5000);
    await pass(4999);
    expect(permits).toHaveLength(1);
    await pass(1);
    expect(permits).toHaveLength(2);
  });

  test('does not let a delivery wait for longer than it wants, nor one too many', async () => {
    const { gate } = world({ maxWaitingPerApp: 2 });
    take(gate).throttle(10_000);
    await expect(acquire(gate, { maxWaitMs: 9999 })).resolves.toEqual({ waitMs: 10_000 });
    crowd(gate, ['a', 'b']);
    await settled();
    await expect(acquire(gate)).resolves.toEqual({ waitMs: 10_000 });
  });

  test('lets a delivery go that is stopped, and its place with it', async () => {
    const { gate, pass } = world({ maxWaitingPerApp: 1 });
    take(gate).throttle(1000);
    const controller = new AbortController();
    const stopped = acquire(gate, { signal: controller.signal });
    await expect(acquire(gate)).resolves.toMatchObject({ waitMs: 1000 });
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    const permits = crowd(gate, ['next']);
    await pass(1000);
    expect(permits).toHaveLength(1);
    await expect(acquire(gate, { signal: AbortSignal.abort(), maxWaitMs: 1 })).resolves.toBeDefined();
  });

  test('learns of a throttle elsewhere, and of one that it knows nothing new', async () => {
    const { gate, pass } = world();
    gate.learn(app, 2000);
    expect(gate.tryAcquire(app)).toEqual({ waitMs: 2000 });
    await pass(500);
    gate.learn(app, 1505);
    expect(gate.tryAcquire(app)).toEqual({ waitMs: 1500 });
    gate.learn(app, 3000);
    expect(gate.tryAcquire(app)).toEqual({ waitMs: 3000 });
    gate.learn({ ...app, id: 'free' }, 0);
    expect(isPermit(gate.tryAcquire({ ...app, id: 'free' }))).toBe(true);
  });

  test('forgets a throttle once the app has another target, and its narrow window', async () => {
    const { gate, pass } = world();
    await narrow({ gate, pass });
    take(gate).throttle(60_000);
    const later = { ...app, targetVersion: 2 };
    const permits = Array.from({ length: 20 }, () => gate.tryAcquire(later));
    expect(permits.every(isPermit)).toBe(true);
  });

  test('sends deliveries of an earlier target back, also those that wait', async () => {
    const { gate } = world();
    take(gate).throttle(60_000);
    const waiting = acquire(gate);
    const later = { ...app, targetVersion: 2 };
    const permit = take(gate, later);
    await expect(waiting).resolves.toEqual({ waitMs: 50 });
    permit.throttle(2000);
    expect(gate.tryAcquire(app)).toEqual({ waitMs: 50 });
    await expect(acquire(gate)).resolves.toEqual({ waitMs: 50 });
    expect(gate.tryAcquire(later)).toEqual({ waitMs: 2000 });
  });

  test('does not close for what an earlier target answers or another process knew of it', async () => {
    const { gate, pass } = world();
    const earlier = take(gate);
    const later = { ...app, targetVersion: 2 };
    take(gate, later).throttle(1000);
    earlier.throttle(60_000);
    gate.learn(app, 60_000);
    await pass(1000);
    expect(isPermit(gate.tryAcquire(later))).toBe(true);
  });

  test('counts a permit once, however often it is given back', async () => {
    const { gate, pass } = world();
    await narrow({ gate, pass });
    const permit = take(gate);
    for (let time = 0; time < 5; time++) permit.release('accepted');
    // The window is two: one more than it was.
    expect([gate.tryAcquire(app), gate.tryAcquire(app), gate.tryAcquire(app)].map(isPermit)).toEqual([
      true,
      true,
      false,
    ]);
  });
});

test('whatever happens, no delivery is admitted while it is closed, and none waits for ever', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('enter' as const), wasThrottled: fc.boolean() }),
      fc.record({ kind: fc.constant('end' as const), accepted: fc.boolean() }),
      fc.record({ kind: fc.constant('throttle' as const), forMs: fc.nat(2000) }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(1500) }),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const { gate, pass } = world({ maxWaitingPerApp: 1000 });
      const permits: Permit[] = [];
      const waiting = new Set<symbol>();
      const arrive = async (wasThrottled: boolean): Promise<void> => {
        const me = Symbol('delivery');
        waiting.add(me);
        const given = await acquire(gate, { wasThrottled, maxWaitMs: 1_000_000 });
        waiting.delete(me);
        if (isPermit(given)) permits.push(given);
      };
      let [now, closedUntil] = [0, 0];
      for (const step of list) {
        if (step.kind === 'enter') {
          void arrive(step.wasThrottled);
          await settled();
        } else if (step.kind === 'pass') {
          now += step.ms;
          await pass(step.ms);
        } else {
          const permit = permits.shift();
          if (permit === undefined) continue;
          if (step.kind === 'throttle') {
            permit.throttle(step.forMs);
            closedUntil = Math.max(closedUntil, now + step.forMs);
          } else permit.release(step.accepted ? 'accepted' : 'other');
          await settled();
        }
        if (now < closedUntil) expect(isPermit(gate.tryAcquire(app))).toBe(false);
      }
      for (let round = 0; round < 200 && waiting.size + permits.length > 0; round++) {
        for (const permit of permits.splice(0)) permit.release('accepted');
        await pass(2000);
      }
      expect(waiting.size).toBe(0);
    }),
    { numRuns: 60 },
  );
});
