import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fanOut } from './fan-out.ts';

interface Group {
  readonly id: string;
  readonly signals: readonly number[];
}
const group = (id: string, ...signals: readonly number[]): Group => ({ id, signals });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a fan-out', () => {
  test('keeps the order within a group and the bound across groups, whatever the groups', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(6), { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (sizes, concurrency) => {
          const groups = sizes.map((size, index) =>
            group(`g${index}`, ...Array.from({ length: size }, (_, each) => each)),
          );
          const sent = new Map<string, number[]>(groups.map(({ id }) => [id, []]));
          const inFlight = new Set<string>();
          let most = 0;
          const result = await fanOut(groups, {
            concurrency,
            send: async ({ id }, item) => {
              expect(inFlight.has(id)).toBe(false);
              inFlight.add(id);
              most = Math.max(most, inFlight.size);
              if (item % 2 === 0) await turn();
              sent.get(id)?.push(item);
              inFlight.delete(id);
            },
          });
          expect(groups.map(({ id }) => sent.get(id))).toEqual(groups.map(({ signals }) => signals));
          expect(most).toBeLessThanOrEqual(concurrency);
          expect(result).toEqual({ sent: sizes.reduce((sum, size) => sum + size, 0), failures: [] });
        },
      ),
      { numRuns: 50 },
    );
  });

  test('sends groups side by side', async () => {
    const begun: string[] = [];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const running = fanOut([group('x', 1), group('y', 1), group('z', 1)], {
      concurrency: 2,
      send: async ({ id }) => {
        begun.push(id);
        await gate;
      },
    });
    await turn();
    expect(begun).toEqual(['x', 'y']);
    open();
    await running;
    expect(begun).toEqual(['x', 'y', 'z']);
  });

  test('stops a group at its first failure, and only this one', async () => {
    const groups = [group('x', 1, 2, 3), group('y', 1, 2)];
    const failure = new Error('no');
    const sent: string[] = [];
    const result = await fanOut(groups, {
      concurrency: 2,
      send: async ({ id }, item) => {
        if (id === 'x' && item === 2) throw failure;
        sent.push(`${id}${item}`);
      },
    });
    expect(sent.toSorted()).toEqual(['x1', 'y1', 'y2']);
    expect(result).toEqual({ sent: 3, failures: [{ group: groups[0], index: 1, error: failure }] });
  });

  test('begins no further group once it is aborted, and counts those as failed whole', async () => {
    const abort = new AbortController();
    const groups = [group('x', 1, 2), group('y', 1), group('z', 1)];
    const { sent, failures } = await fanOut(groups, {
      concurrency: 1,
      signal: abort.signal,
      send: async () => abort.abort(),
    });
    expect(sent).toBe(2);
    expect(failures.map(({ group: { id }, index }) => [id, index])).toEqual([
      ['y', 0],
      ['z', 0],
    ]);
  });
});
