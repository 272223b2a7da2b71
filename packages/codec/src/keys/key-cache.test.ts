import { describe, expect, test } from '@jest/globals';
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

describe('a cache of two', () => {
  const keyOf = (id: string) => createKey(id, new Uint8Array(32));
  const cacheOfTwo = () =>
    createKeyCache({
      maxKeys: 2,
      lifetimeMs: 100,
      staleMs: 50,
      refusalLifetimeMs: 100,
      backoffMs: 100,
      now: () => 0,
    });
  /** Whether a key is there, without a load. */
  const has = async (cache: ReturnType<typeof cacheOfTwo>, name: string): Promise<boolean> => {
    let isLoaded = false;
    await Promise.resolve(
      cache.find(name, async () => {
        isLoaded = true;
        throw new TypeError('not kept');
      }),
    ).catch(() => undefined);
    return !isLoaded;
  };

  test('keeps those that were stored or used last', async () => {
    const cache = cacheOfTwo();
    for (const name of ['a', 'b', 'a', 'c']) cache.store(name, keyOf(name));
    expect([await has(cache, 'b'), await has(cache, 'a'), await has(cache, 'c')]).toEqual([
      false,
      true,
      true,
    ]);
    // Used: a, then c.
    cache.store('d', keyOf('d'));
    expect([await has(cache, 'a'), await has(cache, 'c'), await has(cache, 'd')]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('loads a key once for all who ask meanwhile, and keeps it', async () => {
    const cache = cacheOfTwo();
    let loads = 0;
    const load = async () => {
      loads++;
      return keyOf('a');
    };
    const found = await Promise.all([cache.find('a', load), cache.find('a', load), cache.find('a', load)]);
    expect(new Set(found).size).toBe(1);
    expect(cache.find('a', load)).toBe(found[0]);
    expect(loads).toBe(1);
  });

  test('repeats failures of a source, and no other errors; two of them push out no key', async () => {
    const cache = cacheOfTwo();
    cache.store('key', keyOf('key'));
    let loads = 0;
    const failing = (error: Error) => () => {
      loads++;
      return Promise.reject(error);
    };
    const fail = (name: string, error: Error) =>
      Promise.resolve()
        .then(() => cache.find(name, failing(error)))
        .catch((problem: unknown) => problem);
    for (const name of ['a', 'b', 'c']) expect(await fail(name, keyRefused())).toEqual(keyRefused());
    expect(loads).toBe(3);
    await fail('c', keyRefused());
    expect(loads).toBe(3);
    await fail('a', keyRefused());
    expect(loads).toBe(4);
    const strange = new TypeError('strange');
    for (let time = 0; time < 2; time++) expect(await fail('d', strange)).toBe(strange);
    expect(loads).toBe(6);
    expect(await has(cache, 'key')).toBe(true);
  });
});
