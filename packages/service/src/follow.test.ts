import { expect, test } from '@jest/globals';
import { follow } from './follow.ts';

const isSame = (before: string, now: string): boolean => before === now;

/** A source whose value, or trouble, the test sets. */
function source(first: string | Error) {
  const state = { value: first };
  const read = async (): Promise<string> => {
    if (state.value instanceof Error) throw state.value;
    return state.value;
  };
  return { state, read };
}

test('a value follows its source, and outlives a source that cannot be used', async () => {
  const { state, read } = source('a');
  const seen: unknown[] = [];
  const followed = await follow({
    read,
    isSame,
    onChange: (now) => seen.push(now),
    onProblem: (error) => seen.push(error),
  });
  await followed.reload();
  const trouble = new Error('line 3');
  for (const value of ['b', 'b', trouble, trouble, new Error('line 4'), 'b', 'c']) {
    state.value = value;
    await followed.reload();
    expect(followed.problem()).toBe(value instanceof Error ? value : null);
  }
  expect(seen).toEqual(['b', trouble, new Error('line 4'), 'c']);
  expect(followed.current()).toBe('c');
  followed.close();
});

test('a value that the listener refuses is not in use', async () => {
  const { state, read } = source('a');
  const refuse = (): void => {
    throw new Error('not this one');
  };
  const followed = await follow({ read, isSame, onChange: refuse });
  state.value = 'b';
  await followed.reload();
  expect([followed.current(), String(followed.problem())]).toEqual(['a', 'Error: not this one']);
  followed.close();
});

test('a listener that takes its time is not called again meanwhile, and is offered again what it refused', async () => {
  const { state, read } = source('a');
  const offered: string[] = [];
  let refuse: (error: Error) => void = () => undefined;
  const followed = await follow({
    read,
    isSame,
    intervalMs: 5,
    onChange: (now) =>
      new Promise<void>((resolve, reject) => {
        offered.push(now);
        if (offered.length === 2) resolve();
        else refuse = reject;
      }),
  });
  state.value = 'b';
  while (offered.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  await new Promise((resolve) => setTimeout(resolve, 25));
  expect([offered, followed.current()]).toEqual([['b'], 'a']);
  refuse(new Error('not now'));
  while (followed.current() !== 'b') await new Promise((resolve) => setTimeout(resolve, 2));
  expect([offered, followed.problem()]).toEqual([['b', 'b'], null]);
  followed.close();
});

test('there is nothing without a first value', async () => {
  await expect(follow({ ...source(new Error('missing')), isSame })).rejects.toThrow('missing');
});
