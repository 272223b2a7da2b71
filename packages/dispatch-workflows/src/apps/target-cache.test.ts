import { expect, test } from '@jest/globals';
import { deliveryWorld } from '../testing/delivery-world.ts';
import type { DeliveryTarget } from './connected-app-store.ts';
import { createTargetCache } from './target-cache.ts';

const stream = { fingerprint: 'f', routeId: 'r', connectedAppId: 'a' };

function cached(answer: () => Promise<DeliveryTarget | null>) {
  let clock = 0;
  let reads = 0;
  const target = createTargetCache(
    {
      deliveryTarget: () => {
        reads++;
        return answer();
      },
    },
    { now: () => clock, ttlMs: 1000 },
  );
  return {
    target,
    reads: () => reads,
    pass: (ms: number) => {
      clock += ms;
    },
  };
}

test('a target is read once a second, whatever the fingerprint, and once per app and route', async () => {
  const { target, reads, pass } = cached(async () => null);
  await target(stream);
  await target({ ...stream, fingerprint: 'g' });
  expect(reads()).toBe(1);
  await target({ ...stream, routeId: 'other' });
  expect(reads()).toBe(2);
  pass(1000);
  await target(stream);
  expect(reads()).toBe(3);
});

test('a failure is not remembered', async () => {
  let away = true;
  const { target, reads } = cached(() => (away ? Promise.reject(new Error('away')) : Promise.resolve(null)));
  await expect(target(stream)).rejects.toThrow('away');
  away = false;
  await expect(target(stream)).resolves.toBeNull();
  expect(reads()).toBe(2);
});

test('a throttle is remembered with the time that is left of it', async () => {
  const { target: known } = deliveryWorld();
  const throttled = {
    ...known,
    app: { ...known.app, health: { throttledForMs: 700, failure: null } },
  };
  const { target, pass } = cached(async () => throttled);
  const left = async () => (await target(stream))?.app.health.throttledForMs;
  await expect(left()).resolves.toBe(700);
  pass(300);
  await expect(left()).resolves.toBe(400);
  pass(600);
  await expect(left()).resolves.toBe(0);
});
