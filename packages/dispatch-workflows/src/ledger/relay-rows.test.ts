import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Outbox, relayRows } from './relay-rows.ts';

const refusal = new Error('refused');
/** An outbox in memory; `locked` rows are taken by somebody else. */
function outboxOf(...rows: readonly string[]) {
  const state = {
    rows: [...rows],
    refused: [] as string[],
    relayed: [] as string[],
    reported: [] as string[],
    locked: new Set<string>(),
    /** How often it answers before it is away. */
    answers: Infinity,
    calls: 0,
  };
  const outbox: Outbox<string> = {
    take: async (limit, handle) => {
      const taken = state.rows.filter((row) => !state.locked.has(row)).slice(0, limit);
      if (taken.length === 0) return { relayed: [], refused: [] };
      const sorted = await handle(taken);
      const refused = sorted.refused.map(({ row }) => row);
      const gone = new Set([...sorted.relayed, ...refused]);
      state.rows = state.rows.filter((row) => !gone.has(row));
      state.refused.push(...refused);
      return sorted;
    },
  };
  const relay = (maxRows = 3) =>
    relayRows(outbox, {
      maxRows,
      isRefusal: (error) => error === refusal,
      onRefused: ({ row, error }) => state.reported.push(`${row}: ${(error as Error).message}`),
      handle: async (taken) => {
        if (++state.calls > state.answers) throw new Error('away');
        if (taken.some((row) => row.startsWith('bad'))) throw refusal;
        state.relayed.push(...taken);
      },
    });
  return { state, relay };
}

test('rows are relayed oldest first, at most so many at once, and then gone', async () => {
  const { state, relay } = outboxOf('a', 'b', 'c', 'd');
  await expect(relay()).resolves.toBe(3);
  await expect(relay()).resolves.toBe(1);
  await expect(relay()).resolves.toBe(0);
  expect(state.relayed).toEqual(['a', 'b', 'c', 'd']);
});

test('the row that is at fault is refused, and no other, wherever it stands', async () => {
  const { state, relay } = outboxOf('a', 'bad', 'b', 'bad too', 'c');
  await expect(relay()).resolves.toBe(3);
  await expect(relay()).resolves.toBe(2);
  expect(state).toMatchObject({ rows: [], refused: ['bad', 'bad too'], relayed: ['a', 'b', 'c'] });
  expect(state.reported).toEqual(['bad: refused', 'bad too: refused']);
});

test('a row that another process holds is not refused in the place of one that is at fault', async () => {
  const { state, relay } = outboxOf('bad', 'a', 'b');
  state.locked.add('bad');
  await relay();
  expect(state).toMatchObject({ rows: ['bad'], refused: [], relayed: ['a', 'b'] });
});

test('rows that cannot be relayed for now stay, all of them', async () => {
  const { state, relay } = outboxOf('a', 'b');
  state.answers = 0;
  await expect(relay()).rejects.toThrow('away');
  expect(state).toMatchObject({ rows: ['a', 'b'], refused: [], relayed: [] });
});

test('whatever is at fault and whenever it is away, every row ends where it belongs, none twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 40 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.nat(12), { maxLength: 6 }),
      async (faults, maxRows, outages) => {
        const rows = faults.map((isBad, index) => `${isBad ? 'bad' : 'row'} ${index}`);
        const { state, relay } = outboxOf(...rows);
        for (const answers of [...outages, ...rows.map(() => Infinity)]) {
          state.answers = answers;
          state.calls = 0;
          await relay(maxRows).catch(() => 0);
        }
        expect(state.rows).toEqual([]);
        expect(state.refused.toSorted()).toEqual(rows.filter((row) => row.startsWith('bad')).toSorted());
        expect(state.relayed).toEqual(rows.filter((row) => row.startsWith('row')));
      },
    ),
  );
});

test('one row among fifty that is at fault costs few further calls', async () => {
  const { state, relay } = outboxOf(...Array.from({ length: 50 }, (_, n) => (n === 31 ? 'bad' : `row ${n}`)));
  await relay(50);
  expect(state.calls).toBeLessThanOrEqual(13);
});
