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
    setTimer: (run, ms) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
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
  return { gate, pass, now: () => now };
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
  async function narrow({ gate, pass }: Pick<ReturnType<typeof world>, 'gate' | 'pass'>): Promise<void> {
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

test.each([0, 0.2, 0.4, 0.6, 0.8])(
  'a timer that is early leaves nobody waiting, %s ms after a whole millisecond',
  async (fraction) => {
    // The clock goes on between two looks at it, and timers count whole milliseconds, as those of Node do.
    let now = fraction;
    let timers: { readonly at: number; readonly run: () => void }[] = [];
    const gate = createAppGate({
      maxWaitingPerApp: 125,
      now: () => (now += 0.01),
      setTimer: (run, ms) => {
        const timer = { at: now + Math.max(1, Math.trunc(ms)), run };
        timers.push(timer);
        return () => {
          timers = timers.filter((each) => each !== timer);
        };
      },
    });
    take(gate).throttle(1000);
    // No place to wait is left, so none comes later that would have the gate look again.
    const names = Array.from({ length: 125 }, (_, at) => String(at));
    const permits = crowd(gate, names, () => ({ maxWaitMs: 240_000 }));
    while (permits.length < names.length) {
      const [next] = timers.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > 2000) break;
      timers = timers.filter((each) => each !== next);
      now = Math.max(now, next.at);
      next.run();
      for (let admitted = -1; admitted < permits.length; await settled()) {
        admitted = permits.length;
        for (const { permit } of permits) permit.release('accepted');
      }
    }
    expect(permits).toHaveLength(names.length);
  },
);

describe('a probe', () => {
  /** Notifications that were never sent, each worth a minute; what became of each. */
  function pages({ gate, now }: ReturnType<typeof world>, count: number, lifeMs = 60_000) {
    const outcomes: { readonly at: number; readonly given: Permit | Delay }[] = [];
    for (let page = 0; page < count; page++)
      void (async () => {
        const given = await acquire(gate, { maxWaitMs: lifeMs, probeWithinMs: lifeMs });
        outcomes.push({ at: now(), given });
      })();
    return outcomes;
  }
  const permitsOf = (outcomes: ReturnType<typeof pages>) =>
    outcomes.flatMap(({ at, given }) => (isPermit(given) ? [{ at, permit: given }] : []));

  test('is what a notification gets that would expire before the throttle ends', async () => {
    const on = world();
    take(on.gate).throttle(300_000);
    await on.pass(1000);
    const outcomes = pages(on, 1);
    await settled();
    expect(permitsOf(outcomes)).toMatchObject([{ at: 1000, permit: { isProbe: true } }]);
  });

  test('is one at a time, and one in ten seconds: a hundred notifications are not a hundred requests', async () => {
    const on = world({ maxWaitingPerApp: 1000 });
    take(on.gate).throttle(300_000);
    const outcomes = pages(on, 100);
    await settled();
    for (let second = 0; second < 120; second++) {
      // The provider takes half a second to refuse.
      await on.pass(500);
      for (const { permit } of permitsOf(outcomes)) permit.throttle(300_000);
      await on.pass(500);
    }
    const probed = permitsOf(outcomes).map(({ at }) => at);
    expect(probed).toEqual([0, 10_500, 20_500, 30_500, 40_500, 50_500]);
    // All others waited until they expired.
    expect(outcomes).toHaveLength(100);
    expect(new Set(outcomes.slice(6).map(({ at }) => at))).toEqual(new Set([60_000]));
  });

  test('that was not sent is followed by another at once', async () => {
    const on = world();
    take(on.gate).throttle(300_000);
    const outcomes = pages(on, 3);
    await settled();
    await on.pass(1000);
    permitsOf(outcomes)[0]?.permit.release('unsent');
    await settled();
    expect(permitsOf(outcomes)).toMatchObject([{ at: 0 }, { at: 1000, permit: { isProbe: true } }]);
    permitsOf(outcomes)[1]?.permit.release('other');
    await on.pass(9000);
    expect(permitsOf(outcomes)).toHaveLength(2);
  });

  test('that takes long is not joined by another', async () => {
    const on = world();
    take(on.gate).throttle(300_000);
    const outcomes = pages(on, 3);
    await on.pass(45_000);
    expect(permitsOf(outcomes)).toHaveLength(1);
    permitsOf(outcomes)[0]?.permit.release('other');
    await on.pass(9999);
    expect(permitsOf(outcomes)).toHaveLength(1);
    await on.pass(1);
    expect(permitsOf(outcomes)).toHaveLength(2);
  });

  test('that is accepted ends the throttle for all, a few at first', async () => {
    const on = world();
    take(on.gate).throttle(300_000);
    const others = crowd(on.gate, ['a', 'b'], () => ({ maxWaitMs: 400_000 }));
    const outcomes = pages(on, 20);
    await settled();
    expect(others).toHaveLength(0);
    permitsOf(outcomes)[0]?.permit.release('accepted');
    await settled();
    expect(others).toHaveLength(2);
    // Nine at once: eight, and one more for the one that was accepted.
    expect(permitsOf(outcomes)).toHaveLength(1 + 7);
    expect(
      permitsOf(outcomes)
        .slice(1)
        .every(({ permit }) => !permit.isProbe),
    ).toBe(true);
  });

  test('that is accepted is not undone by what was read before it', async () => {
    const on = world();
    take(on.gate).throttle(300_000);
    const outcomes = pages(on, 1);
    await settled();
    permitsOf(outcomes)[0]?.permit.release('accepted');
    on.gate.learn(app, 299_000);
    expect(isPermit(on.gate.tryAcquire(app))).toBe(true);
    await on.pass(2000);
    on.gate.learn(app, 60_000);
    expect(on.gate.tryAcquire(app)).toEqual({ waitMs: 60_000 });
  });

  test('is nothing for what lives until the throttle ends, nor for what was sent before', async () => {
    const on = world();
    take(on.gate).throttle(30_000);
    const patient = pages(on, 1);
    await expect(acquire(on.gate, { maxWaitMs: 1000 })).resolves.toEqual({ waitMs: 30_000 });
    await on.pass(29_999);
    expect(patient).toEqual([]);
    await on.pass(1);
    expect(permitsOf(patient)).toMatchObject([{ at: 30_000, permit: { isProbe: false } }]);
  });

  test('is made once a throttle that was short becomes longer than its life', async () => {
    const on = world();
    take(on.gate).throttle(30_000);
    const outcomes = pages(on, 1);
    await on.pass(20_000);
    on.gate.learn(app, 200_000);
    await settled();
    expect(permitsOf(outcomes)).toMatchObject([{ at: 20_000, permit: { isProbe: true } }]);
  });

  test('needs no place to wait', async () => {
    const on = world({ maxWaitingPerApp: 1 });
    take(on.gate).throttle(300_000);
    crowd(on.gate, ['patient'], () => ({ maxWaitMs: 400_000 }));
    await settled();
    const outcomes = pages(on, 2);
    await settled();
    expect(outcomes.map(({ given }) => isPermit(given))).toEqual([true, false]);
  });

  test('of another target is free at once', async () => {
    const on = world();
    take(on.gate).throttle(300_000);
    const outcomes = pages(on, 2);
    await settled();
    const later = { ...app, targetVersion: 2 };
    expect(isPermit(on.gate.tryAcquire(later))).toBe(true);
    permitsOf(outcomes)[0]?.permit.throttle(300_000);
    await settled();
    expect(outcomes.slice(1)).toMatchObject([{ given: { waitMs: 50 } }]);
    expect(isPermit(on.gate.tryAcquire(later))).toBe(true);
  });

  test('whatever comes and however it is answered, is bounded, and nothing waits beyond its life', async () => {
    const arrivals = fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 200_000 }),
        lifeMs: fc.integer({ min: 1, max: 120_000 }),
        maxWaitMs: fc.integer({ min: 1, max: 120_000 }),
        mayProbe: fc.boolean(),
      }),
      { minLength: 1, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(
        arrivals,
        fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.boolean()), {
          minLength: 1,
          maxLength: 20,
        }),
        async (given, answers) => {
          const on = world({ maxWaitingPerApp: 10 });
          take(on.gate).throttle(250_000);
          const probes: { readonly from: number; to: number }[] = [];
          const running: { readonly until: number; readonly end: () => void }[] = [];
          const late: number[] = [];
          let [closedUntil, answered] = [250_000, 0];
          const arrive = async ({ lifeMs, maxWaitMs, mayProbe }: (typeof given)[number]): Promise<void> => {
            const expiresAt = on.now() + lifeMs;
            const permit = await acquire(on.gate, {
              maxWaitMs: Math.min(lifeMs, maxWaitMs),
              probeWithinMs: mayProbe ? lifeMs : undefined,
            });
            if (on.now() > expiresAt) late.push(on.now());
            if (!isPermit(permit)) return;
            if (permit.isProbe) {
              expect(mayProbe).toBe(true);
              expect(expiresAt).toBeLessThanOrEqual(closedUntil);
              const last = probes.at(-1);
              if (last !== undefined) expect(on.now()).toBeGreaterThanOrEqual(last.to + 10_000);
              probes.push({ from: on.now(), to: Infinity });
            } else expect(on.now()).toBeGreaterThanOrEqual(closedUntil);
            const probe = permit.isProbe ? probes.at(-1) : undefined;
            const [tookMs, isAccepted] = answers[answered++ % answers.length] ?? [0, false];
            running.push({
              until: on.now() + tookMs,
              end: () => {
                if (probe !== undefined) probe.to = on.now();
                if (isAccepted && probe !== undefined) closedUntil = Math.min(closedUntil, on.now());
                if (!isAccepted) closedUntil = Math.max(closedUntil, on.now() + 100_000);
                if (isAccepted) permit.release('accepted');
                else permit.throttle(100_000);
              },
            });
          };
          const failures: unknown[] = [];
          for (let second = 0; second < 400; second++) {
            for (const each of given)
              if (Math.ceil(each.at / 1000) === second)
                void arrive(each).catch((error) => failures.push(error));
            await settled();
            for (const each of running.filter(({ until }) => until <= on.now())) {
              running.splice(running.indexOf(each), 1);
              each.end();
              await settled();
            }
            await on.pass(1000);
          }
          expect([failures, late]).toEqual([[], []]);
        },
      ),
      { numRuns: 60 },
    );
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
