import { expect, test } from '@jest/globals';
import { keyRefused, sourceAway } from '../testing/memory-source.ts';
import { createKey } from './codec-key.ts';
import { createKeyCache } from './key-cache.ts';

test('a key that is over its lifetime leaves the memory, although nobody asks for it', async () => {
  let now = 0;
  const cache = createKeyCache({
    maxKeys: 10,
    lifetimeMs: 100,
    staleMs: 0,
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

test('a key that is over its lifetime is used as long as its source is away, and no longer than that', async () => {
  let now = 0;
  const cache = createKeyCache({
    maxKeys: 10,
    lifetimeMs: 100,
    staleMs: 50,
    refusalLifetimeMs: 10,
    backoffMs: 10,
    now: () => now,
  });
  const key = createKey('k', new Uint8Array(32));
  const away = () => Promise.reject(sourceAway());
  let asked = 0;
  const counting = () => {
    asked++;
    return away();
  };
  cache.store('a', key);
  now = 99;
  expect(cache.find('a', counting)).toBe(key);
  now = 100;
  cache.sweep();
  expect(await cache.find('a', counting)).toBe(key);
  expect(cache.find('a', counting)).toBe(key);
  expect(asked).toBe(1);
  now = 120;
  expect(await cache.find('a', counting)).toBe(key);
  expect(asked).toBe(2);
  now = 150;
  await expect(cache.find('a', away)).rejects.toMatchObject({ code: 'CODEC_KEY_UNAVAILABLE' });
});

test('a key that its source refuses is not used any more, also not when the source is away after that', async () => {
  let now = 0;
  const cache = createKeyCache({
    maxKeys: 10,
    lifetimeMs: 100,
    staleMs: 50,
    refusalLifetimeMs: 10,
    backoffMs: 10,
    now: () => now,
  });
  cache.store('a', createKey('k', new Uint8Array(32)));
  now = 100;
  await expect(cache.find('a', () => Promise.reject(keyRefused()))).rejects.toMatchObject({
    code: 'CODEC_KEY_REFUSED',
  });
  now = 120;
  await expect(cache.find('a', () => Promise.reject(sourceAway()))).rejects.toMatchObject({
    code: 'CODEC_KEY_UNAVAILABLE',
  });
});
