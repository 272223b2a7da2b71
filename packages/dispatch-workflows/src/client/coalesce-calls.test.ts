import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { coalesceCalls } from './coalesce-calls.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A call that is counted and may be held or fail. */
function call() {
  const state = { calls: 0, answer: async (): Promise<void> => undefined };
  return {
    state,
    run: (): Promise<void> => {
      state.calls++;
      return state.answer();
    },
  };
}
const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

describe('coalesced calls', () => {
  test('the first is a call at once, all others of the window are one call at its end', async () => {
    const { state, run } = call();
    const wake = coalesceCalls(run, { windowMs: 100 });
    wake.request();
    expect(state.calls).toBe(1);
    for (let wish = 0; wish < 50; wish++) wake.request();
    await pass(99);
    expect(state.calls).toBe(1);
    await pass(1);
    expect(state.calls).toBe(2);
    await pass(1000);
    expect(state.calls).toBe(2);
    wake.request();
    expect(state.calls).toBe(3);
    await wake.stop();
  });

  test('a wish during a call is a call after it, never beside it', async () => {
    const { state, run } = call();
    let finish = (): void => undefined;
    state.answer = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const wake = coalesceCalls(run, { windowMs: 100 });
    wake.request();
    wake.request();
    await pass(5000);
    expect(state.calls).toBe(1);
    finish();
    await pass(0);
    expect(state.calls).toBe(2);
    finish();
    await wake.stop();
  });

  test('a call that fails is reported, and the next wish is tried', async () => {
    const { state, run } = call();
    const failure = new Error('away');
    const errors: unknown[] = [];
    state.answer = async () => {
      throw failure;
    };
    const wake = coalesceCalls(run, { windowMs: 100, onError: (error) => errors.push(error) });
    wake.request();
    await pass(100);
    wake.request();
    await pass(100);
    expect(errors).toEqual([failure, failure]);
    await wake.stop();
  });

  test('after a stop nothing is called', async () => {
    const { state, run } = call();
    const wake = coalesceCalls(run, { windowMs: 100 });
    wake.request();
    wake.request();
    await pass(10);
    await wake.stop();
    wake.request();
    await pass(1000);
    expect(state.calls).toBe(1);
  });

  test('a stop while a call runs waits for it and calls nothing afterwards', async () => {
    const { state, run } = call();
    let finish = (): void => undefined;
    state.answer = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const wake = coalesceCalls(run, { windowMs: 100 });
    wake.request();
    wake.request();
    let stopped = false;
    const stopping = (async () => {
      await wake.stop();
      stopped = true;
    })();
    await pass(1000);
    expect(stopped).toBe(false);
    finish();
    await stopping;
    await pass(1000);
    expect(state.calls).toBe(1);
  });
});
