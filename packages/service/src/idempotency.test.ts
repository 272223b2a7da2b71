import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { manualClock } from './clock.ts';
import { memoryIdempotencyStore } from './idempotency.ts';

const response = { status: 201, headers: {}, body: '{}' };

test('a response is kept for its time and then forgotten', async () => {
  const clock = manualClock();
  const store = memoryIdempotencyStore({ ttlMs: 1000, clock });
  await expect(store.start('k', 'h')).resolves.toEqual({ kind: 'started' });
  await store.complete('k', response);
  clock.advance(999);
  await expect(store.start('k', 'h')).resolves.toEqual({ kind: 'replay', response });
  await expect(store.start('k', 'other')).resolves.toEqual({ kind: 'mismatch' });
  clock.advance(1);
  await expect(store.start('k', 'other')).resolves.toEqual({ kind: 'started' });
});

test('a running request is not forgotten, however long it takes', async () => {
  const clock = manualClock();
  const store = memoryIdempotencyStore({ ttlMs: 1000, clock });
  await store.start('k', 'h');
  clock.advance(5000);
  await expect(store.start('k', 'h')).resolves.toEqual({ kind: 'running' });
  await store.abandon('k');
  await expect(store.start('k', 'h')).resolves.toEqual({ kind: 'started' });
});

test('the oldest finished responses make room; running ones never do', async () => {
  const store = memoryIdempotencyStore({ capacity: 2 });
  await store.start('running', 'h');
  await store.start('old', 'h');
  await store.complete('old', response);
  await store.start('new', 'h');
  await expect(store.start('running', 'h')).resolves.toEqual({ kind: 'running' });
  await expect(store.start('third', 'h')).rejects.toMatchObject({
    code: 'SERVICE_STORE_FULL',
    retryable: true,
  });
  await store.complete('new', response);
  await expect(store.start('third', 'h')).resolves.toEqual({ kind: 'started' });
});

test('a finished response is not given back by a late failure', async () => {
  const store = memoryIdempotencyStore();
  await store.start('k', 'h');
  await store.complete('k', response);
  await store.abandon('k');
  await expect(store.start('k', 'h')).resolves.toEqual({ kind: 'replay', response });
});

describe('memory', () => {
  const large = (bytes: number) => ({ status: 200, headers: {}, body: 'x'.repeat(bytes / 2) });

  test('is bounded by bytes, not only by keys: ten thousand large responses are not kept', async () => {
    const store = memoryIdempotencyStore({ maxBytes: 1_000_000, ownerShare: 1 });
    for (let n = 0; n < 200; n++) {
      await store.start(`k${n}`, 'h', 'a');
      await store.complete(`k${n}`, large(20_000));
    }
    const kinds = await Promise.all(Array.from({ length: 200 }, (_, n) => store.start(`k${n}`, 'h', 'a')));
    const kept = kinds.filter(({ kind }) => kind === 'replay').length;
    expect(kept).toBeGreaterThan(0);
    expect(kept * 20_000).toBeLessThan(1_000_000);
  });

  test('takes no response that is larger than one may be: the request runs again', async () => {
    const store = memoryIdempotencyStore({ maxResponseBytes: 10_000 });
    await store.start('k', 'h');
    await store.complete('k', large(10_010));
    await expect(store.start('k', 'h')).resolves.toEqual({ kind: 'started' });
  });

  test('of one owner is not taken by another, by bytes or by keys', async () => {
    const store = memoryIdempotencyStore({ maxBytes: 400_000, capacity: 100 });
    await store.start('mine', 'h', 'me');
    await store.complete('mine', large(20_000));
    for (let n = 0; n < 1000; n++) {
      await store.start(`theirs${n}`, 'h', 'they');
      if (n % 2 === 0) await store.complete(`theirs${n}`, large(n % 3 === 0 ? 30_000 : 100));
      else await store.abandon(`theirs${n}`);
    }
    await expect(store.start('mine', 'h', 'me')).resolves.toMatchObject({ kind: 'replay' });
  });

  test('that running requests of one owner take is not missing to another', async () => {
    const store = memoryIdempotencyStore({ capacity: 40 });
    const full = { code: 'SERVICE_STORE_FULL', retryable: true };
    for (let n = 0; n < 10; n++) await store.start(`theirs${n}`, 'h', 'they');
    await expect(store.start('theirs10', 'h', 'they')).rejects.toMatchObject(full);
    await expect(store.start('mine', 'h', 'me')).resolves.toEqual({ kind: 'started' });
  });

  test('is given back whatever happens, in whatever order', async () => {
    const step = fc.record({
      act: fc.constantFrom('start', 'complete', 'abandon'),
      key: fc.integer({ min: 0, max: 12 }),
      owner: fc.constantFrom('a', 'b', 'c'),
      size: fc.integer({ min: 0, max: 12_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
        const clock = manualClock();
        const store = memoryIdempotencyStore({ maxBytes: 60_000, capacity: 12, ttlMs: 50, clock });
        const keys = new Set<string>();
        for (const { act, key, owner, size } of steps) {
          const name = `${owner} ${key}`;
          keys.add(name);
          clock.advance(1);
          if (act === 'start') await store.start(name, 'h', owner).catch(() => undefined);
          else if (act === 'complete') await store.complete(name, large(size));
          else await store.abandon(name);
        }
        for (const name of keys) await store.complete(name, response);
        clock.advance(51);
        // All are finished and expired, so that the whole capacity is there again.
        for (const owner of ['x', 'y', 'z'])
          for (let n = 0; n < 3; n++)
            await expect(store.start(`${owner} ${n}`, 'h', owner)).resolves.toEqual({ kind: 'started' });
      }),
    );
  });
});
