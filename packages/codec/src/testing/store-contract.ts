import { describe, expect, test } from '@jest/globals';
import type { ObjectStore } from '../claims/object-store.ts';

/** A name of an object; different numbers give different names. */
export const nameOf = (number: number): string =>
  `c1-${number.toString(16).padStart(2, '0')}${'ab'.repeat(31)}.${number.toString(16).padStart(16, '0')}`;

const within = () => AbortSignal.timeout(10_000);
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text));

/** What every store promises. `makeStore` gives an empty one, and the same one if it is called again in a test. */
export function describeStore(makeStore: () => ObjectStore | Promise<ObjectStore>): void {
  const read = async (store: ObjectStore, name: string, maxBytes = 1e9) => {
    const object = await store.get(name, maxBytes, within());
    return object === null ? null : Buffer.from(object.bytes).toString('latin1');
  };
  const listAll = async (store: ObjectStore, limit: number) => {
    const all: string[] = [];
    for (let after: string | null = null; ;) {
      const page: readonly string[] = await store.list({ after, limit }, within());
      if (page.length === 0) return all;
      expect(page.length).toBeLessThanOrEqual(limit);
      all.push(...page);
      after = page.at(-1) ?? null;
    }
  };

  describe('a store', () => {
    test('keeps the first bytes of a name', async () => {
      const store = await makeStore();
      expect(await store.put(nameOf(1), bytesOf('one'), within())).toBe(true);
      expect(await store.put(nameOf(1), bytesOf('two'), within())).toBe(false);
      expect(await read(store, nameOf(1))).toBe('one');
    });

    test('stores once what many put at once, and each reads a whole object', async () => {
      const store = await makeStore();
      const bodies = Array.from({ length: 12 }, (_, index) => Buffer.alloc(300_000, index + 1));
      const stored = await Promise.all(bodies.map((body) => store.put(nameOf(2), body, within())));
      expect(stored.filter(Boolean)).toHaveLength(1);
      const object = await store.get(nameOf(2), 1e9, within());
      expect(Buffer.from(object?.bytes ?? []).equals(bodies[stored.indexOf(true)] ?? Buffer.alloc(0))).toBe(
        true,
      );
    });

    test.each([0, 1, 255, 262_144, 5_000_001])('gives back %d bytes as they were', async (length) => {
      const store = await makeStore();
      const bytes = Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31) % 256));
      await store.put(nameOf(3), bytes, within());
      const object = await store.get(nameOf(3), Math.max(length, 1), within());
      expect(Buffer.from(object?.bytes ?? []).equals(bytes)).toBe(true);
    });

    test('has null for a name that it does not have', async () => {
      const store = await makeStore();
      await expect(store.get(nameOf(4), 10, within())).resolves.toBeNull();
    });

    test('refuses to read an object above the limit', async () => {
      const store = await makeStore();
      await store.put(nameOf(5), new Uint8Array(1000), within());
      await expect(store.get(nameOf(5), 999, within())).rejects.toMatchObject({
        code: 'CODEC_TOO_LARGE',
        retryable: false,
      });
      await expect(store.get(nameOf(5), 1000, within())).resolves.not.toBeNull();
    });

    test('replaces only the version that was read', async () => {
      const store = await makeStore();
      await store.put(nameOf(6), bytesOf('one'), within());
      const { version = '' } = (await store.get(nameOf(6), 10, within())) ?? {};
      expect(await store.replace(nameOf(6), { bytes: bytesOf('two'), version }, within())).toBe(true);
      expect(await store.replace(nameOf(6), { bytes: bytesOf('three'), version }, within())).toBe(false);
      expect(await read(store, nameOf(6))).toBe('two');
      expect(await store.replace(nameOf(7), { bytes: bytesOf('x'), version }, within())).toBe(false);
      await expect(store.get(nameOf(7), 10, within())).resolves.toBeNull();
    });

    test('deletes, also what is not there', async () => {
      const store = await makeStore();
      await store.put(nameOf(8), bytesOf('one'), within());
      await store.remove(nameOf(8), within());
      await store.remove(nameOf(8), within());
      await expect(store.get(nameOf(8), 10, within())).resolves.toBeNull();
      expect(await store.put(nameOf(8), bytesOf('two'), within())).toBe(true);
    });

    test.each([1, 3, 100])('lists every name once, %d at a time', async (limit) => {
      const store = await makeStore();
      const names = Array.from({ length: 7 }, (_, index) => nameOf(index * 40));
      for (const name of names) await store.put(name, bytesOf(name), within());
      expect((await listAll(store, limit)).toSorted()).toEqual(names.toSorted());
    });
  });
}
