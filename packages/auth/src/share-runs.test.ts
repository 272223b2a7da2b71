import { expect, test } from '@jest/globals';
import { shareRuns } from './share-runs.ts';

test('whoever asks for the same while it runs is given the same', async () => {
  const asked: string[] = [];
  const count = shareRuns(async (key: string) => asked.push(key));
  await expect(Promise.all([count('a'), count('b'), count('a')])).resolves.toEqual([1, 2, 1]);
  await expect(count('a')).resolves.toBe(3);
});

test('a failure is for those who wait for it, and for no one after them', async () => {
  let runs = 0;
  const fail = shareRuns(async () => {
    runs++;
    throw new Error(`run ${runs}`);
  });
  const outcomes = await Promise.allSettled([fail('a'), fail('a')]);
  expect(outcomes).toEqual([1, 1].map((n) => ({ status: 'rejected', reason: new Error(`run ${n}`) })));
  await expect(fail('a')).rejects.toThrow('run 2');
});
