import { expect, test } from '@jest/globals';
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
