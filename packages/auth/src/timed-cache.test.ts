import { manualClock } from '@heliograph/service';
import { expect, test } from '@jest/globals';
import { createTimedCache } from './timed-cache.ts';

const clock = manualClock();
const makeCache = (maxWeight = 100) =>
  createTimedCache<string>({
    maxAgeMs: 1000,
    maxWeight,
    weigh: (key, value) => key.length + value.length,
    clock,
  });

test('a value is kept for its age, counted from before it was read', () => {
  const cache = makeCache();
  const readAt = clock.monotonicMs();
  clock.advance(400);
  cache.set('a', 'x', readAt);
  clock.advance(599);
  expect(cache.get('a')).toBe('x');
  clock.advance(1);
  expect(cache.get('a')).toBeUndefined();
});

test('the oldest values make room, and one that is too heavy is not kept', () => {
  const cache = makeCache(10);
  const now = clock.monotonicMs();
  cache.set('a', '1234', now);
  cache.set('b', '1234', now);
  cache.set('a', '12345', now);
  expect([cache.get('a'), cache.get('b')]).toEqual(['12345', undefined]);
  cache.set('c', '12', now);
  expect([cache.get('a'), cache.get('c')]).toEqual(['12345', '12']);
  cache.set('d', '1234567890', now);
  expect([cache.get('a'), cache.get('c'), cache.get('d')]).toEqual(['12345', '12', undefined]);
});

test('a value that was deleted is gone, and its weight with it', () => {
  const cache = makeCache(5);
  cache.set('a', '1234', clock.monotonicMs());
  cache.deleteWhere((key) => key === 'a');
  cache.deleteWhere((key) => key === 'never');
  cache.set('b', '1234', clock.monotonicMs());
  expect([cache.get('a'), cache.get('b')]).toEqual([undefined, '1234']);
});
