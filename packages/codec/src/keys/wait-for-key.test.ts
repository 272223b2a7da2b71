import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CodecError } from '../contract/errors.ts';
import { keyRefused, sourceAway } from '../testing/memory-source.ts';
import { type CodecKey, createKey } from './codec-key.ts';
import { createKeyWait, type KeySearch } from './wait-for-key.ts';

const key = createKey('k', new Uint8Array(32));

/** A search that meets trouble, and counts its attempts. */
function searchOf(maxWaitMs: number, name = 'a') {
  const search = {
    name: () => name,
    maxWaitMs,
    attempts: 0,
    meet: (): CodecKey | Promise<CodecKey> => Promise.reject(sourceAway()),
    find: () => {
      search.attempts++;
      return search.meet();
    },
  };
  return search satisfies KeySearch;
}

beforeEach(() => {
  jest.useFakeTimers();
  // A process that has run for a while.
  jest.advanceTimersByTime(123_456);
});
afterEach(() => {
  const left = jest.getTimerCount();
  jest.useRealTimers();
  if (left > 0) throw new Error(`${left} timers are left behind`);
});

const outcomes: string[] = [];
const waitOf = (signal?: AbortSignal, random = 0) => {
  outcomes.length = 0;
  return createKeyWait({ signal, onEnd: (outcome) => outcomes.push(outcome), random: () => random });
};
const find = async (wait: ReturnType<typeof createKeyWait>, search: KeySearch) => wait(search);
/** Settles a promise into what a test can look at while time passes. */
const watch = (promise: Promise<unknown>) => {
  const seen: { at: number; value?: unknown; error?: unknown } = { at: Number.NaN };
  const startedAt = performance.now();
  promise.then(
    (value) => Object.assign(seen, { at: performance.now() - startedAt, value }),
    (error: unknown) => Object.assign(seen, { at: performance.now() - startedAt, error }),
  );
  return seen;
};

test('a key that is there is given at once, without a promise', () => {
  const search = { ...searchOf(1000), find: () => key };
  expect(waitOf()(search)).toBe(key);
});

test('a key whose source comes back is found, and asked for ever less often until then', async () => {
  const search = searchOf(30_000);
  const seen = watch(find(waitOf(), search));
  await jest.advanceTimersByTimeAsync(499);
  expect(search.attempts).toBe(1);
  // After 0.5, 1.5, 3.5, 7.5, 12.5 and 17.5 seconds.
  await jest.advanceTimersByTimeAsync(19_501);
  expect(search.attempts).toBe(7);
  search.meet = () => key;
  await jest.advanceTimersByTimeAsync(5000);
  expect(seen).toMatchObject({ at: 22_500, value: key });
  expect(outcomes).toEqual(['found']);
});

test.each([
  [30_000, 30_000],
  [0, 0],
  [700, 700],
])('a wait of %d ms ends with the error of the last attempt', async (maxWaitMs, at) => {
  const search = searchOf(maxWaitMs);
  const seen = watch(find(waitOf(), search));
  await jest.advanceTimersByTimeAsync(40_000);
  expect(seen.at).toBe(at);
  expect(seen.error).toMatchObject({ code: 'CODEC_KEY_UNAVAILABLE', retryable: true });
  expect(outcomes).toEqual(maxWaitMs === 0 ? [] : ['failed']);
  const { attempts } = search;
  await jest.advanceTimersByTimeAsync(60_000);
  expect(search.attempts).toBe(attempts);
});

test('processes that wait for the same source do not ask it together', async () => {
  const search = searchOf(30_000);
  const seen = watch(find(waitOf(undefined, 1), search));
  search.meet = () => key;
  await jest.advanceTimersByTimeAsync(374);
  expect(seen.at).toBeNaN();
  await jest.advanceTimersByTimeAsync(1);
  expect(seen).toMatchObject({ at: 375, value: key });
});

test('a key that was found is asked for anew in the next outage', async () => {
  const wait = waitOf();
  const search = searchOf(30_000);
  const first = watch(find(wait, search));
  search.meet = () => key;
  await jest.advanceTimersByTimeAsync(500);
  expect(first.value).toBe(key);
  search.meet = () => Promise.reject(sourceAway());
  const second = watch(find(wait, search));
  await jest.advanceTimersByTimeAsync(400);
  expect(second.at).toBeNaN();
  const next = createKey('next', new Uint8Array(32));
  search.meet = () => next;
  await jest.advanceTimersByTimeAsync(100);
  expect(second.value).toBe(next);
});

test('a slow attempt is part of the wait', async () => {
  const search = searchOf(6000);
  search.meet = () =>
    new Promise((_, reject) => {
      setTimeout(() => reject(sourceAway()), 5000);
    });
  const seen = watch(find(waitOf(), search));
  await jest.advanceTimersByTimeAsync(20_000);
  expect(seen.at).toBe(6000);
  expect(search.attempts).toBe(2);
});

test.each([
  ['a refusal', () => keyRefused()],
  ['an error of somebody else', () => new TypeError('strange')],
  ['an unknown key', () => new CodecError('CODEC_KEY_UNKNOWN', 'unknown')],
])('%s is not waited for, at first and later', async (_, error) => {
  const first = searchOf(30_000);
  first.meet = () => {
    throw error();
  };
  await expect(find(waitOf(), first)).rejects.toEqual(error());
  expect(first.attempts).toBe(1);
  const later = searchOf(30_000);
  const seen = watch(find(waitOf(), later));
  await jest.advanceTimersByTimeAsync(100);
  later.meet = () => Promise.reject(error());
  await jest.advanceTimersByTimeAsync(400);
  expect(seen).toMatchObject({ at: 500, error: error() });
});

describe('those who wait for one key', () => {
  test('share its attempts, and each waits as long as it wants', async () => {
    const wait = waitOf();
    const searches = Array.from({ length: 100 }, (_, at) => searchOf(at === 0 ? 2000 : 30_000));
    const seen = searches.map((search) => watch(find(wait, search)));
    await jest.advanceTimersByTimeAsync(8000);
    // Each tried once by itself; those after are by one of them.
    expect(searches.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(100 + 4);
    expect(seen[0]).toMatchObject({ at: 2000, error: { code: 'CODEC_KEY_UNAVAILABLE' } });
    for (const search of searches) search.meet = () => key;
    await jest.advanceTimersByTimeAsync(5000);
    expect(seen.slice(1).every(({ value }) => value === key)).toBe(true);
    expect(outcomes.filter((outcome) => outcome === 'found')).toHaveLength(99);
  });

  test('do not wait for another key', async () => {
    const wait = waitOf();
    const [away, here] = [searchOf(30_000, 'a'), searchOf(30_000, 'b')];
    const seen = [watch(find(wait, away)), watch(find(wait, here))];
    await jest.advanceTimersByTimeAsync(100);
    here.meet = () => key;
    await jest.advanceTimersByTimeAsync(400);
    expect(seen[1]).toMatchObject({ value: key });
    expect(seen[0]?.at).toBeNaN();
    away.meet = () => key;
    await jest.advanceTimersByTimeAsync(1000);
    expect(seen[0]).toMatchObject({ value: key });
  });

  test('find it again after a wait that ended during an attempt', async () => {
    const wait = waitOf();
    const slow = searchOf(1000);
    const seen = watch(find(wait, slow));
    await jest.advanceTimersByTimeAsync(100);
    slow.meet = () =>
      new Promise((_, reject) => {
        setTimeout(() => reject(sourceAway()), 3000);
      });
    await jest.advanceTimersByTimeAsync(900);
    expect(seen.at).toBe(1000);
    const next = searchOf(30_000);
    const found = watch(find(wait, next));
    await jest.advanceTimersByTimeAsync(100);
    next.meet = () => key;
    await jest.advanceTimersByTimeAsync(5000);
    expect(found.value).toBe(key);
    expect(slow.attempts).toBe(2);
  });
});

test('a process that stops waits for nothing any more', async () => {
  const stop = new AbortController();
  const wait = waitOf(stop.signal);
  const early = watch(find(wait, searchOf(1000)));
  await jest.advanceTimersByTimeAsync(1000);
  expect(early.at).toBe(1000);
  // Who waits no more does not listen any more.
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  const seen = watch(find(wait, searchOf(30_000)));
  await jest.advanceTimersByTimeAsync(3000);
  stop.abort();
  await jest.advanceTimersByTimeAsync(0);
  expect(seen).toMatchObject({ at: 3000, error: { code: 'CODEC_KEY_UNAVAILABLE' } });
  const later = watch(find(wait, searchOf(30_000)));
  await jest.advanceTimersByTimeAsync(0);
  expect(later).toMatchObject({ at: 0, error: { code: 'CODEC_KEY_UNAVAILABLE' } });
});
