import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { startRelayLoop } from './relay-loop.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A relay that answers as scripted, then with nothing left. */
function relayOf(...script: readonly (number | Error)[]) {
  const left = [...script];
  const calls: number[] = [];
  return {
    calls,
    relay: async () => {
      calls.push(Date.now());
      const answer = left.shift() ?? 0;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}
const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

test('rounds follow one another after the interval, and at once while much is waiting', async () => {
  const { calls, relay } = relayOf(3, 50, 49);
  const loop = startRelayLoop(relay, { intervalMs: 100, busyRows: 50 });
  await pass(110);
  expect(calls).toHaveLength(3);
  await pass(80);
  expect(calls).toHaveLength(3);
  await pass(20);
  expect(calls).toHaveLength(4);
  await loop.stop();
});

test('failures are reported and repeated ever more rarely, up to the longest wait, until one succeeds', async () => {
  const away = new Error('away');
  const { calls, relay } = relayOf(away, away, away, 1);
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const loop = startRelayLoop(relay, { intervalMs: 100, maxBackoffMs: 300, onError });
  const startedAt = Date.now();
  await pass(200 + 300 + 300 + 100);
  expect(calls.map((at) => at - startedAt)).toEqual([0, 200, 500, 800, 900]);
  expect(errors).toEqual([away, away, away]);
  await loop.stop();
});

test('a stop waits for the round under way, relays what is left, and calls nothing afterwards', async () => {
  const { calls, relay } = relayOf(1, 2, 1, 0);
  const loop = startRelayLoop(relay, { intervalMs: 100 });
  await loop.stop();
  expect(calls).toHaveLength(4);
  await pass(1000);
  expect(calls).toHaveLength(4);
});

test('a stop ends where what is left cannot be relayed', async () => {
  const away = new Error('away');
  const errors: unknown[] = [];
  const loop = startRelayLoop(relayOf(1, away).relay, { onError: (error) => errors.push(error) });
  await loop.stop();
  expect(errors).toEqual([away]);
});
