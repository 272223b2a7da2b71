import { expect, test } from '@jest/globals';
import { createMemoryRegistry } from '../testing/memory-registry.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { collectClaims } from './collect-claims.ts';
import type { ExecutionDirectory } from './execution-directory.ts';

const HOUR = 3_600_000;
const signal = new AbortController().signal;

async function ground() {
  let now = 0;
  const store = createMemoryStore();
  const registry = createMemoryRegistry(() => now);
  const name = await registry.claim(`c1-${'0'.repeat(64)}`, { namespace: 'prod', workflowId: 'w1' }, signal);
  await store.put(name, Buffer.from('x'), signal);
  const nothing: ExecutionDirectory = {
    readRetentionMs: async () => 72 * HOUR,
    findFamilies: async () => new Map(),
    hasAny: async () => false,
  };
  const collect = (directory: Partial<ExecutionDirectory> = {}, options: { graceMs?: number } = {}) =>
    collectClaims({
      registry,
      store,
      directory: { ...nothing, ...directory },
      namespace: 'prod',
      now: (now += 25 * HOUR),
      ...options,
    });
  return { store, registry, collect };
}

test('an error of a look is no answer: nothing is forgotten or deleted', async () => {
  const { store, registry, collect } = await ground();
  await collect();
  for (const failing of ['findFamilies', 'readRetentionMs'] as const) {
    const unavailable = async () => Promise.reject(new Error('14 UNAVAILABLE'));
    await expect(collect({ [failing]: unavailable })).rejects.toMatchObject({ message: '14 UNAVAILABLE' });
    expect(store.objects.size).toBe(1);
    expect(await registry.listOwners('prod', { after: null, limit: 9 }, signal)).toHaveLength(1);
  }
  expect(await collect()).toMatchObject({ uncertain: 1 });
});

test('a store that is away ends a collection, and the next one goes on', async () => {
  const { store, collect } = await ground();
  await collect();
  store.isAway = true;
  await expect(collect()).rejects.toMatchObject({ code: 'CODEC_CLAIMS_UNAVAILABLE' });
  store.isAway = false;
  expect(await collect()).toMatchObject({ deleted: 1, owners: 0 });
  expect(store.objects.size).toBe(0);
});

test('a grace period that is shorter than an upload may take is refused', async () => {
  const { collect } = await ground();
  await expect(collect({}, { graceMs: 599_999 })).rejects.toMatchObject({ code: 'CODEC_OPTIONS_INVALID' });
});
