import { describe, expect, test } from '@jest/globals';
import type { ClaimRegistry, OwnerRecord } from '../claims/claim-registry.ts';

const within = () => AbortSignal.timeout(10_000);
const idOf = (number: number): string => `c1-${number.toString(16).padStart(64, '0')}`;
const owner = (workflowId: string, namespace = 'prod') => ({ namespace, workflowId });

/** What every register promises. `makeRegistry` gives an empty one. */
export function describeRegistry(makeRegistry: () => ClaimRegistry): void {
  const ownersIn = (registry: ClaimRegistry, namespace = 'prod') =>
    registry.listOwners(namespace, { after: null, limit: 100 }, within());
  const firstOwner = async (registry: ClaimRegistry): Promise<OwnerRecord> => {
    const [first] = await ownersIn(registry);
    if (first === undefined) throw new Error('there is no owner');
    return first;
  };
  const look = { families: [], missingSince: null, isUncertain: false };

  describe('a register', () => {
    test('gives an object one name, however many own it and claim it at once', async () => {
      const registry = makeRegistry();
      const names = await Promise.all(
        ['w1', 'w2', 'w1', 'w3'].map((workflowId) => registry.claim(idOf(1), owner(workflowId), within())),
      );
      expect(new Set(names).size).toBe(1);
      const owners = await ownersIn(registry);
      expect(owners.map(({ workflowId, uploads }) => [workflowId, uploads])).toEqual([
        ['w1', 2],
        ['w2', 1],
        ['w3', 1],
      ]);
      expect(await registry.claim(idOf(2), owner('w1'), within())).not.toBe(names[0]);
    });

    test('lists the owners of a namespace once each, page by page', async () => {
      const registry = makeRegistry();
      for (let n = 0; n < 9; n++) await registry.claim(idOf(n % 4), owner(`w${n % 3}`), within());
      await registry.claim(idOf(1), owner('w1', 'other'), within());
      const seen: string[] = [];
      for (let after: OwnerRecord | null = null; ;) {
        const page: readonly OwnerRecord[] = await registry.listOwners('prod', { after, limit: 2 }, within());
        if (page.length === 0) break;
        seen.push(...page.map(({ workflowId, id }) => `${workflowId} ${id}`));
        after = page.at(-1) ?? null;
      }
      expect(seen).toHaveLength(9);
      expect(new Set(seen).size).toBe(9);
    });

    test('records looks, and adds families', async () => {
      const registry = makeRegistry();
      await registry.claim(idOf(1), owner('w1'), within());
      const record = await firstOwner(registry);
      expect(record).toMatchObject({ uploads: 1, observedAt: null, missingSince: null, isUncertain: false });
      await registry.observe(record, { ...look, families: ['root:a'] }, 5000, within());
      await registry.observe(record, { ...look, families: ['root:b', 'root:a'] }, 6000, within());
      expect(await registry.listFamilies(owner('w1'), within())).toEqual(['root:a', 'root:b']);
      await registry.observe(record, { ...look, missingSince: 7000, isUncertain: true }, 7000, within());
      expect(await firstOwner(registry)).toMatchObject({
        observedAt: 7000,
        missingSince: 7000,
        isUncertain: true,
      });
    });

    test('does not believe that an owner is missing that has uploaded since', async () => {
      const registry = makeRegistry();
      await registry.claim(idOf(1), owner('w1'), within());
      const record = await firstOwner(registry);
      await registry.claim(idOf(1), owner('w1'), within());
      await registry.observe(record, { ...look, missingSince: 7000 }, 7000, within());
      expect(await firstOwner(registry)).toMatchObject({ missingSince: null, observedAt: 7000 });
      expect(await registry.disown(record, within())).toBe(false);
      expect(await ownersIn(registry)).toHaveLength(1);
    });

    test('forgets that an owner was missing when it uploads again, and keeps its uncertainty', async () => {
      const registry = makeRegistry();
      await registry.claim(idOf(1), owner('w1'), within());
      const observation = { ...look, missingSince: 7000, isUncertain: true };
      await registry.observe(await firstOwner(registry), observation, 7000, within());
      await registry.claim(idOf(1), owner('w1'), within());
      expect(await firstOwner(registry)).toMatchObject({ missingSince: null, isUncertain: true });
    });

    test('gives up objects without owners only, and a new upload gets a new name', async () => {
      const registry = makeRegistry();
      const name = await registry.claim(idOf(1), owner('w1'), within());
      const other = await registry.claim(idOf(2), owner('w2'), within());
      expect(await registry.condemn(10, within())).toBe(0);
      expect(await registry.disown(await firstOwner(registry), within())).toBe(true);
      expect(await registry.condemn(10, within())).toBe(1);
      expect(await registry.listCondemned(10, within())).toEqual([name]);
      expect(await registry.currentNames([name, other], within())).toEqual(new Set([other]));
      const next = await registry.claim(idOf(1), owner('w1'), within());
      expect(next).not.toBe(name);
      expect(next.split('.')[0]).toBe(name.split('.')[0]);
      await registry.forget(name, within());
      expect(await registry.listCondemned(10, within())).toEqual([]);
      expect(await registry.currentNames([name, next], within())).toEqual(new Set([next]));
    });

    test('forgets the families of a workflow with its last object', async () => {
      const registry = makeRegistry();
      await registry.claim(idOf(1), owner('w1'), within());
      await registry.claim(idOf(2), owner('w1'), within());
      await registry.observe(await firstOwner(registry), { ...look, families: ['root:a'] }, 1, within());
      await registry.disown(await firstOwner(registry), within());
      expect(await registry.listFamilies(owner('w1'), within())).toEqual(['root:a']);
      await registry.disown(await firstOwner(registry), within());
      expect(await registry.listFamilies(owner('w1'), within())).toEqual([]);
    });
  });
}
