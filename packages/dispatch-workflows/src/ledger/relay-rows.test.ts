import { expect, test } from '@jest/globals';
import { type Outbox, relayRows } from './relay-rows.ts';

const refusal = new Error('refused');
/** An outbox in memory, whose takes are undone where their handler fails. */
function outboxOf(...rows: readonly string[]) {
  const state = { rows: [...rows], refused: [] as string[], relayed: [] as string[], isAway: false };
  const outbox: Outbox<string> = {
    take: async (limit, handle) => {
      const taken = state.rows.slice(0, limit);
      if (taken.length === 0) return 0;
      await handle(taken);
      state.rows = state.rows.slice(taken.length);
      return taken.length;
    },
    refuseFirst: async () => void state.refused.push(...state.rows.splice(0, 1)),
  };
  const relay = () =>
    relayRows(outbox, {
      maxRows: 3,
      isRefusal: (error) => error === refusal,
      handle: async (taken) => {
        if (state.isAway) throw new Error('away');
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

test('a refused row is left behind, and does not block the others', async () => {
  const { state, relay } = outboxOf('a', 'bad', 'b', 'bad too', 'c');
  for (let round = 0; round < 10; round++) await relay().catch(() => 0);
  expect(state).toMatchObject({ rows: [], refused: ['bad', 'bad too'], relayed: ['a', 'b', 'c'] });
});

test('rows that cannot be relayed for now stay, all of them', async () => {
  const { state, relay } = outboxOf('a', 'b');
  state.isAway = true;
  await expect(relay()).rejects.toThrow('away');
  expect(state).toMatchObject({ rows: ['a', 'b'], refused: [], relayed: [] });
});
