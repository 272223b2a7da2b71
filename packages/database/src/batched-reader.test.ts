import { expect, test } from '@jest/globals';
import { createBatchedReader, type BatchedReaderOptions } from './batched-reader.ts';

/** A source that answers when told to, and remembers what it was asked. */
function source(options: Partial<BatchedReaderOptions<number, { readonly id: number }>> = {}) {
  const asked: (readonly number[])[] = [];
  const answers: ((fail?: unknown) => void)[] = [];
  const read = createBatchedReader<number, { readonly id: number }>({
    keyOf: (key) => String(typeof key === 'number' ? key : key.id),
    maxBatch: 3,
    maxConcurrent: 1,
    ...options,
    readMany: (keys) => {
      asked.push(keys);
      return new Promise((resolve, reject) => {
        answers.push((fail) =>
          fail === undefined
            ? resolve(
                keys
                  .filter((id) => id < 100)
                  .map((id) => ({ id }))
                  .toReversed(),
              )
            : reject(fail),
        );
      });
    },
  });
  return { asked, answers, read };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the first read starts at once; those that come meanwhile are read together, in bounded batches', async () => {
  const { asked, answers, read } = source();
  const reads = [1, 2, 3, 4, 5].map((key) => read(key));
  expect(asked).toEqual([[1]]);
  for (let step = 0; step < 3; step++) {
    answers[step]?.();
    await turn();
  }
  await expect(Promise.all(reads)).resolves.toEqual([1, 2, 3, 4, 5].map((id) => ({ id })));
  expect(asked).toEqual([[1], [2, 3, 4], [5]]);
});

test('what does not exist is null', async () => {
  const { answers, read } = source();
  const missing = read(100);
  answers[0]?.();
  await expect(missing).resolves.toBeNull();
});

test('a reading that fails fails its own reads only', async () => {
  const { answers, read } = source();
  const first = read(1);
  const second = read(2);
  answers[0]?.(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await turn();
  answers[1]?.();
  await expect(second).resolves.toEqual({ id: 2 });
});

test('the same key asked for twice is answered twice', async () => {
  const { answers, read } = source();
  const both = [read(1), read(1)];
  answers[0]?.();
  await turn();
  answers[1]?.();
  await expect(Promise.all(both)).resolves.toEqual([{ id: 1 }, { id: 1 }]);
});

test('a read that waited too long is given up and never carried out', async () => {
  const { asked, answers, read } = source({ maxWaitMs: 50 });
  const first = read(1);
  const late = read(2);
  late.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 60));
  const inTime = read(3);
  answers[0]?.();
  await expect(first).resolves.toEqual({ id: 1 });
  await expect(late).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT', retryable: true });
  await turn();
  answers[1]?.();
  await expect(inTime).resolves.toEqual({ id: 3 });
  expect(asked).toEqual([[1], [3]]);
});

test('no more reads wait than may', async () => {
  const { asked, answers, read } = source({ maxWaiting: 2 });
  const reads = [1, 2, 3].map((key) => read(key));
  await expect(read(4)).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT', retryable: true });
  answers[0]?.();
  await turn();
  answers[1]?.();
  await expect(Promise.all(reads)).resolves.toHaveLength(3);
  expect(asked).toEqual([[1], [2, 3]]);
});
