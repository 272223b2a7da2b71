import { expect, test } from '@jest/globals';
import { manualClock, systemClock } from './clock.ts';
import { sequentialIds, uuidV7Ids } from './ids.ts';

test('a manual clock wakes sleepers when their time has come, in order', async () => {
  const clock = manualClock(1000);
  const woken: string[] = [];
  const sleepers = [
    clock.sleep(20).then(() => woken.push('b')),
    clock.sleep(10).then(() => woken.push('a')),
    clock.sleep(50).then(() => woken.push('c')),
  ];
  clock.advance(5);
  expect(clock.sleepers()).toBe(3);
  clock.advance(20);
  await Promise.all(sleepers.slice(0, 2));
  expect(woken).toEqual(['a', 'b']);
  expect([clock.now(), clock.monotonicMs()]).toEqual([1025, 25]);
  clock.advance(25);
  await sleepers[2];
  expect(clock.sleepers()).toBe(0);
});

test.each([
  ['manual', manualClock()],
  ['system', systemClock],
])('an abort wakes a sleeper of the %s clock', async (_, clock) => {
  const abort = new AbortController();
  const sleeping = clock.sleep(3_600_000, abort.signal);
  abort.abort();
  await expect(sleeping).resolves.toBeUndefined();
  await expect(clock.sleep(3_600_000, abort.signal)).resolves.toBeUndefined();
});

test('ids are UUIDs of version 7 in ascending order, or a sequence', () => {
  const ids = Array.from({ length: 1000 }, () => uuidV7Ids.next());
  expect(
    ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toBe(true);
  expect(ids.toSorted()).toEqual(ids);
  const sequence = sequentialIds('r');
  expect([sequence.next(), sequence.next()]).toEqual(['r-1', 'r-2']);
});
