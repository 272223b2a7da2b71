import { expect, test } from '@jest/globals';
import { readProcessMemory, sizeWorkflowCache } from './workflow-cache.ts';

const MIB = 2 ** 20;
const size = (limitMib: number | undefined, heapMib: number, workers?: number) =>
  sizeWorkflowCache(
    { limit: limitMib === undefined ? undefined : limitMib * MIB, heapLimit: heapMib * MIB },
    workers,
  );

// Heap limits as Node chooses them in containers of that size.
test.each([
  { limitMib: 512, heapMib: 268, cached: 39 },
  { limitMib: 1024, heapMib: 536, cached: 196 },
  { limitMib: 2048, heapMib: 1072, cached: 510 },
  { limitMib: 4096, heapMib: 2144, cached: 1139 },
])('a container of $limitMib MiB keeps $cached workflows', ({ limitMib, heapMib, cached }) => {
  expect(size(limitMib, heapMib)).toBe(cached);
});

test('a heap that was allowed more than the container has does not count', () => {
  expect(size(1024, 8192)).toBe(size(1024, 768));
});

test('a process without a limit keeps 600, or what its heap holds', () => {
  expect(size(undefined, 4096)).toBe(600);
  expect(size(undefined, 512)).toBe(182);
});

test('workers that run workflows in one process share what fits', () => {
  expect(size(2048, 1072, 2)).toBe(255);
  expect(size(undefined, 4096, 3)).toBe(200);
});

test('ten are kept even where nothing fits', () => {
  expect(size(128, 64)).toBe(10);
  expect(size(512, 268, 8)).toBe(10);
});

test('limits of this process are read in bytes', () => {
  const { limit, heapLimit } = readProcessMemory();
  expect(heapLimit).toBeGreaterThan(16 * MIB);
  if (limit !== undefined) expect(limit).toBeGreaterThan(16 * MIB);
});
