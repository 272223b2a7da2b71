import { describe, expect, test } from '@jest/globals';
import { createRunningAlerts } from './running-alerts.ts';

/** An index with a number to answer (or an error), a clock, and what was asked. */
function world() {
  const state = {
    now: 0,
    count: 0 as number | Error,
    countOf: new Map<string, number | Error>(),
    asked: 0,
    askedOf: [] as string[],
    errors: [] as unknown[],
  };
  const running = createRunningAlerts({
    now: () => state.now,
    count: async (connectedAppId) => {
      state.asked++;
      if (connectedAppId !== undefined) {
        state.askedOf.push(connectedAppId);
        const count = state.countOf.get(connectedAppId) ?? 0;
        if (count instanceof Error) throw count;
        return count;
      }
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

test('runs first reached since the index may lag are added, each once, and forgotten afterwards', async () => {
  const { state, running } = world();
  state.count = 10;
  running.track({ workflowId: 'w1', runId: 'r1', connectedAppId: 'a' });
  running.track({ workflowId: 'w1', runId: 'r1', connectedAppId: 'a' });
  state.now = 1000;
  running.track({ workflowId: 'w1', runId: 'r2', connectedAppId: 'a' });
  running.track({ workflowId: 'w2', runId: 'r1', connectedAppId: 'a' });
  await expect(running.estimate()).resolves.toBe(13);
  state.now = 3001;
  await expect(running.estimate()).resolves.toBe(12);
  running.track({ workflowId: 'w1', runId: 'r2', connectedAppId: 'a' });
  // A run that is signalled again and again is in the index since long: added again, it would count twice for ever.
  state.now = 4001;
  await expect(running.estimate()).resolves.toBe(10);
});

test('an index that does not answer makes the estimate unknown, is reported, and is queried again at once', async () => {
  const { state, running } = world();
  const failure = new Error('away');
  state.count = failure;
  running.track({ workflowId: 'w', runId: 'r', connectedAppId: 'a' });
  await expect(running.estimate()).resolves.toBeNull();
  state.count = 1;
  await expect(running.estimate()).resolves.toBe(2);
  expect(state.errors).toEqual([failure]);
  state.now = 600;
  state.count = failure;
  await expect(running.estimate()).resolves.toBeNull();
});

describe('the runs of connected apps', () => {
  test('are counted for those that are asked for, each at most every two seconds, with what was started since', async () => {
    const { state, running } = world();
    state.countOf.set('a', 5).set('b', 7);
    running.track({ workflowId: 'w1', runId: 'r1', connectedAppId: 'a' });
    await expect(running.estimateOf(['a', 'b', 'a'])).resolves.toEqual(
      new Map([
        ['a', 6],
        ['b', 7],
      ]),
    );
    state.now = 1999;
    running.track({ workflowId: 'w2', runId: 'r1', connectedAppId: 'b' });
    await expect(running.estimateOf(['b'])).resolves.toEqual(new Map([['b', 8]]));
    expect(state.askedOf).toEqual(['a', 'b']);
    state.now = 5000;
    await expect(running.estimateOf(['a', 'b'])).resolves.toEqual(
      new Map([
        ['a', 5],
        ['b', 7],
      ]),
    );
    expect(state.askedOf).toEqual(['a', 'b', 'a', 'b']);
  });

  test('are asked for a few at a time, and an app that was never counted is unknown', async () => {
    const { state, running } = world();
    const apps = Array.from({ length: 20 }, (_, index) => `app${index}`);
    const first = await running.estimateOf(apps);
    expect(first.size).toBe(8);
    state.now = 1000;
    const second = await running.estimateOf(apps);
    expect(second.size).toBe(16);
    expect(new Set(state.askedOf).size).toBe(16);
  });

  test('whose count fails are unknown, unless an earlier count is young', async () => {
    const { state, running } = world();
    state.countOf.set('a', 3).set('b', new Error('away'));
    await expect(running.estimateOf(['a', 'b'])).resolves.toEqual(new Map([['a', 3]]));
    state.countOf.set('a', new Error('away'));
    state.now = 10_000;
    await expect(running.estimateOf(['a'])).resolves.toEqual(new Map([['a', 3]]));
    state.now = 30_001;
    await expect(running.estimateOf(['a'])).resolves.toEqual(new Map());
  });
});
