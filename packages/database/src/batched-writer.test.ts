import { expect, test } from '@jest/globals';
import { createBatchedWriter } from './batched-writer.ts';

function target(refuses: (items: readonly string[]) => boolean = () => false, message = 'refused') {
  const batches: (readonly string[])[] = [];
  const write = createBatchedWriter<string>({
    keyOf: (item) => item.charAt(0),
    maxBatch: 3,
    isTemporary: (error) => error instanceof Error && error.message.startsWith('away'),
    writeMany: async (items) => {
      batches.push(items);
      await new Promise((resolve) => setImmediate(resolve));
      if (refuses(items)) throw new Error(message);
    },
  });
  return { batches, write };
}

test('the first write starts at once; those that come meanwhile are written together, in bounded batches', async () => {
  const { batches, write } = target();
  await Promise.all(['a1', 'b1', 'c1', 'd1', 'e1'].map(write));
  expect(batches).toEqual([['a1'], ['b1', 'c1', 'd1'], ['e1']]);
});

test('items of one key are never in one batch and keep their order', async () => {
  const { batches, write } = target();
  await Promise.all(['a1', 'b1', 'b2', 'c1', 'b3'].map(write));
  expect(batches).toEqual([['a1'], ['b1', 'c1'], ['b2'], ['b3']]);
});

test('a bad item fails alone', async () => {
  const { write } = target((items) => items.includes('c1'));
  const results = await Promise.allSettled(['a1', 'b1', 'c1', 'd1'].map(write));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
});

test('what would fail for all alike is not tried item by item', async () => {
  const { batches, write } = target((items) => !items.includes('a1'), 'away');
  const results = await Promise.allSettled(['a1', 'b1', 'c1', 'd1'].map(write));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
  expect(batches).toHaveLength(2);
});
