import { expect, test } from '@jest/globals';
import { createKey } from './codec-key.ts';
import { createKeyCache } from './key-cache.ts';

test('a key that is over its lifetime leaves the memory, although nobody asks for it', async () => {
  let now = 0;
  const cache = createKeyCache({
    maxKeys: 10,
    lifetimeMs: 100,
    refusalLifetimeMs: 100,
    backoffMs: 100,
    now: () => now,
  });
  cache.store('old', createKey('k', new Uint8Array(32)));
  now = 50;
  cache.store('new', createKey('k', new Uint8Array(32)));
  now = 100;
  cache.sweep();
  // Back at a moment at which both would count: only one is still there.
  now = 60;
  let loads = 0;
  const load = async () => {
    loads++;
    return createKey('k', new Uint8Array(32));
  };
  await cache.find('new', load);
  expect(loads).toBe(0);
  await cache.find('old', load);
  expect(loads).toBe(1);
});
