import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import { positionAt } from '../contract/position.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { describeBacklog } from '../testing/backlog-contract.ts';
import { testInputs } from '../testing/delivery-world.ts';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { createBacklogStore } from './backlog-store.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('backlog');
});
afterAll(() => ground.close());

describeBacklog(() => ({
  backlog: ground.backlog,
  age: async (ms) => {
    await ground.postgres.sql`
      update dispatch.stream_backlog set parked_at = parked_at - make_interval(secs => ${ms / 1000}::float8),
        next_attempt_at = next_attempt_at - make_interval(secs => ${ms / 1000}::float8)`;
  },
  clear: async () => {
    await ground.postgres.sql`delete from dispatch.stream_backlog`;
  },
}));

test('what is parked is due at the same instant', async () => {
  const stream: StreamKey = { fingerprint: 'instant', routeId: 'r', connectedAppId: 'instant' };
  const signal = { eventId: 'e', position: positionAt(5), status: 'firing', storedAt: 5 } as const;
  const counts: number[] = [];
  for (let times = 0; times < 20; times += 1) {
    // Within a transaction the clock of the database stands still.
    await ground.postgres.sql.begin(async (sql) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a transaction runs the same statements
      const backlog = createBacklogStore({ sql: sql as unknown as typeof ground.postgres.sql });
      await backlog.park([{ stream, signals: [signal], reason: 'over_share' }]);
      counts.push((await backlog.takeDue(new Map([['instant', 1]]), 1)).length);
      await backlog.remove([{ stream, signal }]);
    });
  }
  expect(counts).toEqual(Array.from({ length: 20 }, () => 1));
});

describe('the streams of a page', () => {
  const streamOf = (fingerprint: string, connectedAppId: string): StreamKey => ({
    fingerprint,
    routeId: 'r',
    connectedAppId,
  });
  const signal = { eventId: 'e', position: positionAt(5), status: 'firing', storedAt: 5 } as const;
  const state = { notificationCount: 1, lastNotifiedAt: 1, lastPosition: positionAt(5), externalIds: {} };

  test('are found where they wait, and, once their fingerprint has resolved, where something may be open', async () => {
    const { backlog, streams, intents, streamLookUp } = ground;
    await backlog.park([{ stream: streamOf('x', 'waits'), signals: [signal], reason: 'over_share' }]);
    await streams.write({ stream: streamOf('x', 'open'), state: { ...state, status: 'firing' } });
    await streams.write({ stream: streamOf('x', 'closed'), state: { ...state, status: 'resolved' } });
    await streams.write({
      stream: streamOf('x', 'indoubt'),
      state: { ...state, status: 'none', mayBeOpen: true },
    });
    const stream = streamOf('x', 'opening');
    await intents.claim({
      order: {
        stream,
        notificationId: 'n1',
        kind: 'trigger',
        reason: 'new',
        issue: signal,
        state: { ...state, status: 'none' },
        decidedAt: 5,
        timeToLiveMs: 1000,
      },
      provider: 'webhook',
      token: 'a1',
      inputs: testInputs,
    });
    const waiting = new Set([alertWorkflowId(streamOf('x', 'waits'))]);
    await expect(streamLookUp.find({ fingerprints: ['x', 'y'], resolved: ['y'] })).resolves.toEqual({
      waiting,
      open: [],
    });
    const found = await streamLookUp.find({ fingerprints: ['x', 'y', 'x'], resolved: ['x'] });
    expect(found.waiting).toEqual(waiting);
    expect(found.open.map(({ connectedAppId }) => connectedAppId).toSorted()).toEqual([
      'indoubt',
      'open',
      'opening',
      'waits',
    ]);
    await expect(streamLookUp.find({ fingerprints: [], resolved: [] })).resolves.toEqual({
      waiting: new Set(),
      open: [],
    });
  });
});

test('a row that another release wrote is skipped and named, by the readers of all rows too', async () => {
  const { backlog, postgres } = ground;
  await postgres.sql`delete from dispatch.stream_backlog`;
  const signal = { eventId: 'e', position: positionAt(5), status: 'firing', storedAt: 5 } as const;
  const [strange, known] = ['strange', 'known'].map((routeId) => ({
    fingerprint: 'mixed',
    routeId,
    connectedAppId: 'a',
  }));
  if (strange === undefined || known === undefined) throw new Error('two streams');
  for (const stream of [strange, known])
    await backlog.park([{ stream, signals: [signal], reason: 'over_share' }]);
  await postgres.sql`
    update dispatch.stream_backlog set signal = signal || '{"status":"acknowledged"}' where route_id = 'strange'`;
  const unreadable: StreamKey[] = [];
  const taken = () => backlog.takeDue(new Map([['a', 5]]), 10, ({ stream }) => unreadable.push(stream));
  await expect(taken()).resolves.toMatchObject([{ stream: known }]);
  expect(unreadable).toEqual([strange]);
  await expect(backlog.listByFingerprint('mixed')).resolves.toMatchObject([{ stream: known }]);
  await backlog.postpone([strange], 'unreachable');
  await expect(taken()).resolves.toHaveLength(1);
  expect(unreadable).toHaveLength(1);
});

test('an app that is removed takes what waits for it along', async () => {
  const { backlog, connectedApps } = ground;
  await connectedApps.create('goes', {
    name: 'goes',
    provider: 'webhook',
    settings: { url: 'http://localhost/' },
    enabled: true,
    secret: 's3cret',
  });
  const stream = { fingerprint: 'removed', routeId: 'r', connectedAppId: 'goes' };
  const signal = { eventId: 'e', position: positionAt(5), status: 'firing', storedAt: 5 } as const;
  await backlog.park([{ stream, signals: [signal], reason: 'over_share' }]);
  const { version } = await connectedApps.get('goes');
  await connectedApps.remove('goes', version);
  await expect(backlog.listByFingerprint('removed')).resolves.toEqual([]);
});
