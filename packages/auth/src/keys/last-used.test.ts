import { manualClock } from '@heliograph/service';
import { expect, test } from '@jest/globals';
import type { KeyUse } from './key-store.ts';
import { createLastUsed } from './last-used.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

const start = () => {
  const clock = manualClock();
  const writes: (readonly KeyUse[])[] = [];
  const problems: unknown[] = [];
  const state = { failure: undefined as Error | undefined };
  const lastUsed = createLastUsed({
    keys: {
      recordUses: (uses) => {
        if (state.failure !== undefined) return Promise.reject(state.failure);
        writes.push(uses);
        return Promise.resolve();
      },
    },
    onProblem: (error) => problems.push(error),
    clock,
  });
  const use = (id: string): void => lastUsed.record({ id, at: clock.now() });
  return { clock, writes, problems, state, lastUsed, use };
};

test('many uses are one write, with the latest of each key', async () => {
  const { clock, writes, lastUsed, use } = start();
  for (let n = 0; n < 1000; n++) use('a');
  clock.advance(10_000);
  use('a');
  use('b');
  const last = clock.now();
  expect(writes).toEqual([]);
  clock.advance(20_000);
  await settle();
  expect(writes).toEqual([
    [
      { id: 'a', at: last },
      { id: 'b', at: last },
    ],
  ]);
  await lastUsed.stop();
  expect(clock.sleepers()).toBe(0);
});

test('a key goes on being recorded after a write, and nothing waits without uses', async () => {
  const { clock, writes, lastUsed, use } = start();
  for (let round = 0; round < 3; round++) {
    use('a');
    clock.advance(30_000);
    await settle();
    expect(clock.sleepers()).toBe(0);
  }
  expect(writes).toHaveLength(3);
  await lastUsed.stop();
});

test('what could not be written is written with the next uses, never an older instant', async () => {
  const { clock, writes, problems, state, lastUsed, use } = start();
  use('a');
  use('b');
  const first = clock.now();
  state.failure = new Error('away');
  clock.advance(30_000);
  await settle();
  expect(problems).toEqual([state.failure]);
  use('a');
  const second = clock.now();
  state.failure = undefined;
  clock.advance(30_000);
  await settle();
  expect(writes).toEqual([
    [
      { id: 'a', at: second },
      { id: 'b', at: first },
    ],
  ]);
  await lastUsed.stop();
});

test('a stop writes what is left, and starts nothing again', async () => {
  const { writes, lastUsed, use } = start();
  use('a');
  await lastUsed.stop();
  use('b');
  await lastUsed.stop();
  expect(writes.flat().map(({ id }) => id)).toEqual(['a', 'b']);
});

test('as many keys as are remembered are written without a wait, and the next ones with the next write', async () => {
  const { clock, writes, state, problems, lastUsed, use } = start();
  for (let n = 0; n < 10_000; n++) use(`k${n}`);
  await settle();
  expect(writes.map(({ length }) => length)).toEqual([10_000]);
  use('one more');
  clock.advance(30_000);
  await settle();
  expect(writes.slice(1).map((uses) => uses.map(({ id }) => id))).toEqual([['one more']]);
  // While writes fail, they are not repeated for each further key.
  state.failure = new Error('away');
  for (let n = 0; n < 10_100; n++) {
    use(`k${n}`);
    if (n >= 9_999) await settle();
  }
  expect(problems).toHaveLength(1);
  await lastUsed.stop();
});

test('a listener that throws ends nothing', async () => {
  const clock = manualClock();
  let calls = 0;
  const lastUsed = createLastUsed({
    keys: { recordUses: () => Promise.reject(new Error(`away ${++calls}`)) },
    onProblem: () => {
      throw new Error('from the listener');
    },
    clock,
  });
  lastUsed.record({ id: 'a', at: 1 });
  for (const expected of [1, 2]) {
    clock.advance(30_000);
    await settle();
    expect(calls).toBe(expected);
  }
  await expect(lastUsed.stop()).resolves.toBeUndefined();
});

test('keys are bounded, whatever is used', async () => {
  const { writes, lastUsed, use } = start();
  for (let n = 0; n < 20_000; n++) use(`k${n}`);
  await lastUsed.stop();
  expect(writes.flat()).toHaveLength(10_000);
});
