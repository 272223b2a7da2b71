import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { createFetchTurns } from './fetch-turns.ts';

/** Fetches that end when they are told to. */
function startFetches(places: number, perCaller: number) {
  const turns = createFetchTurns({ places, perCaller });
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const fetch = (caller: string, name: string, signal = new AbortController().signal): Promise<string> =>
    turns.run(caller, signal, () => {
      started.push(name);
      return new Promise((resolve) => ends.push(() => resolve(name)));
    });
  const endOne = async (): Promise<void> => {
    ends.shift()?.();
    await turn();
  };
  return { turns, started, fetch, endOne };
}

describe('turns of fetches', () => {
  test('come to each caller, however many fetches one of them waits for', async () => {
    const { started, fetch, endOne } = startFetches(2, 2);
    const ada = Array.from({ length: 100 }, (_, at) => fetch('ada', `a${at}`));
    const others = [fetch('eve', 'e0'), fetch('eve', 'e1'), fetch('bob', 'b0')];
    await turn();
    expect(started).toEqual(['a0', 'a1']);
    for (let ended = 0; ended < 5; ended++) await endOne();
    expect(started).toEqual(['a0', 'a1', 'a2', 'e0', 'b0', 'a3', 'e1']);
    while (started.length < 103) await endOne();
    await endOne();
    await endOne();
    await expect(Promise.all([...ada, ...others])).resolves.toHaveLength(103);
  });

  test('leave places to others', async () => {
    const { started, fetch, endOne } = startFetches(4, 2);
    const all = [1, 2, 3].map((at) => fetch('ada', `a${at}`));
    await turn();
    expect(started).toEqual(['a1', 'a2']);
    all.push(fetch('eve', 'e1'));
    await turn();
    expect(started).toEqual(['a1', 'a2', 'e1']);
    for (const _ of all) await endOne();
    await expect(Promise.all(all)).resolves.toEqual(['a1', 'a2', 'a3', 'e1']);
  });

  test('are given back by fetches that fail, and not taken by those that are aborted', async () => {
    const { turns, started, fetch, endOne } = startFetches(1, 1);
    const { signal } = new AbortController();
    await expect(turns.run('ada', signal, () => Promise.reject(new RangeError('away')))).rejects.toThrow(
      RangeError,
    );
    const first = fetch('ada', 'a1');
    const over = new AbortController();
    const aborted = fetch('eve', 'e1', over.signal);
    const last = fetch('bob', 'b1');
    over.abort(new TypeError('too late'));
    await expect(aborted).rejects.toThrow('too late');
    await expect(fetch('eve', 'e2', over.signal)).rejects.toThrow('too late');
    await endOne();
    await endOne();
    await expect(Promise.all([first, last])).resolves.toEqual(['a1', 'b1']);
    expect(started).toEqual(['a1', 'b1']);
  });
});
