import { expect, test } from '@jest/globals';
import { createRunningAlerts } from './running-alerts.ts';

/** An index with a number to answer (or an error), a clock, and what was asked. */
function world() {
  const state = { now: 0, count: 0 as number | Error, asked: 0, errors: [] as unknown[] };
  const running = createRunningAlerts({
    now: () => state.now,
    count: async () => {
      state.asked++;
      if (state.count instanceof Error) throw state.count;
      return state.count;
    },
    indexLagMs: 3000,
    countForMs: 500,
    onError: (error) => state.errors.push(error),
  });
  return { state, running };
}

test('the index is asked at most once per half second', async () => {
  const { state, running } = world();
  state.count = 7;
  await expect(running.estimate()).resolves.toBe(7);
  state.count = 9;
  state.now = 499;
  await expect(running.estimate()).resolves.toBe(7);
  state.now = 500;
  await expect(running.estimate()).resolves.toBe(9);
  expect(state.asked).toBe(2);
});

test('runs touched since the index may lag are added, each once, and forgotten afterwards', async () => {
  const { state, running } = world();
  state.count = 10;
  running.track('w1', 'r1');
  running.track('w1', 'r1');
  state.now = 1000;
  running.track('w1', 'r2');
  running.track('w2', 'r1');
  await expect(running.estimate()).resolves.toBe(13);
  state.now = 3001;
  await expect(running.estimate()).resolves.toBe(12);
  running.track('w1', 'r2');
  state.now = 4001;
  await expect(running.estimate()).resolves.toBe(11);
  state.now = 7000;
  await expect(running.estimate()).resolves.toBe(10);
});

test('an index that does not answer makes the estimate unknown, is reported, and is queried again at once', async () => {
  const { state, running } = world();
  const failure = new Error('away');
  state.count = failure;
  running.track('w', 'r');
  await expect(running.estimate()).resolves.toBeNull();
  state.count = 1;
  await expect(running.estimate()).resolves.toBe(2);
  expect(state.errors).toEqual([failure]);
  state.now = 600;
  state.count = failure;
  await expect(running.estimate()).resolves.toBeNull();
});
