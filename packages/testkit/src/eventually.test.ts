import { expect, test } from '@jest/globals';
import { eventually } from './eventually.ts';

/** A probe that answers these in turn, and then the last for ever. */
function answers<T>(...values: readonly T[]): { readonly probe: () => T; asked: number } {
  const state = {
    asked: 0,
    probe: (): T => values[Math.min(state.asked++, values.length - 1)] as T,
  };
  return state;
}

test.each<[string, unknown]>([
  ['true', true],
  ['zero', 0],
  ['an empty text', ''],
  ['null', null],
  ['a list', []],
])('%s is an answer', async (_, value) => {
  await expect(eventually('it', answers(value).probe)).resolves.toEqual(value);
});

test('it asks until there is an answer', async () => {
  const state = answers<number | false | undefined>(undefined, false, 7);
  await expect(eventually('it', state.probe, { intervalMs: 1 })).resolves.toBe(7);
  expect(state.asked).toBe(3);
});

test('it fails with what did not happen', async () => {
  await expect(
    eventually('the sun rises', async () => false, { timeoutMs: 20, intervalMs: 1 }),
  ).rejects.toThrow('did not happen in time: the sun rises');
});

test('a probe that throws fails it at once', async () => {
  await expect(
    eventually('it', () => {
      throw new Error('broken');
    }),
  ).rejects.toThrow('broken');
});
