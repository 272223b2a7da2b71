import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { NotifyReason } from '../contract/reasons.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { testInputs, testOrder } from '../testing/delivery-world.ts';
import { AlertStream } from '../stream/alert-stream.ts';
import type { IntentOutcome } from '../stream/stream-store.ts';
import { describeDebts } from '../testing/debt-contract.ts';
import { describeIntents } from '../testing/intent-contract.ts';
import { createMemoryIntents } from '../testing/memory-intents.ts';
import { DEFAULT_SWEEP_OPTIONS, sweepResolveDebt } from '../sweep/sweep-resolve-debt.ts';
import type { ClaimRequest } from './claim-intents.ts';
import { endingRows } from './delivery-rows.ts';
import type { Intent } from './intent-store.ts';
import { newIssue } from '../testing/store-drafts.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
let last = 0;
beforeAll(async () => {
  ground = await dispatchStores('intents');
});
afterAll(() => ground.close());

const newOrder = (parts: Partial<DeliveryOrder> = {}): DeliveryOrder => {
  const stream: StreamKey = { fingerprint: `f${++last}`, routeId: 'r1', connectedAppId: 'app1' };
  return testOrder({ stream, notificationId: `alert-f${last}-r1-app1-5`, ...parts });
};
const claim = (order: DeliveryOrder, token = `a${++last}`, parts: Partial<ClaimRequest> = {}) =>
  ground.intents.claim({ order, provider: 'webhook', token, inputs: testInputs, ...parts });
const settle = (order: DeliveryOrder, outcome: Omit<IntentOutcome, 'notificationId'>) =>
  ground.streams.write({
    stream: order.stream,
    intents: [{ notificationId: order.notificationId, ...outcome }],
  });
async function rowOf({ notificationId }: DeliveryOrder) {
  const [row] = await ground.postgres.sql`
    select status, claims, was_uncertain, external_id, code from dispatch.delivery_intents
    where notification_id = ${notificationId}`;
  return row;
}

describeIntents(() => ground);

describe('an intent', () => {
  test('keeps the inputs of its body as the first claim gave them', async () => {
    const order = newOrder({ kind: 'resolve', reason: 'resolved' });
    const inputs = {
      ...testInputs,
      reason: 'resolved',
      routeName: 'one \0',
      settings: { labels: ['a', 'b'] },
    } as const;
    const stored = { ...inputs, routeName: 'one \ufffd' };
    await expect(claim(order, 'a', { inputs })).resolves.toMatchObject({ inputs: stored });
    await settle(order, { status: 'dropped', claims: 1, code: 'EXPIRED' });
    await expect(claim({ ...order, reason: 'resolve_owed' }, 'b')).resolves.toMatchObject({ inputs: stored });
    // A row of an earlier release has none.
    await ground.postgres.sql`
      update dispatch.delivery_intents set body_inputs = null where notification_id = ${order.notificationId}`;
    await expect(claim(order, 'c')).resolves.toMatchObject({ inputs: testInputs });
  });
});

test('state, intent and ledger are written together or not at all', async () => {
  const order = newOrder();
  await claim(order);
  const state = { ...INITIAL_STREAM_STATE, lastPosition: '5' };
  const broken = { ...state, lastPosition: 'nonsense' };
  const intents = [{ notificationId: order.notificationId, status: 'delivered' as const, claims: 1 }];
  await expect(ground.streams.write({ stream: order.stream, state: broken, intents })).rejects.toMatchObject({
    name: 'DatabaseError',
  });
  await expect(rowOf(order)).resolves.toMatchObject({ status: 'intended' });
  await ground.streams.write({ stream: order.stream, state, intents });
  await expect(rowOf(order)).resolves.toMatchObject({ status: 'delivered' });
  await expect(ground.streams.read(order.stream)).resolves.toMatchObject({ lastPosition: '5' });
});

describeDebts(() => ground);

describe('resolve debt', () => {
  /** A stream that is open, last decided at its first issue. */
  async function openStream(...statuses: readonly ('firing' | 'resolved' | 'suppressed')[]) {
    const order = newOrder();
    const { fingerprint } = order.stream;
    for (const status of ['firing' as const, ...statuses])
      await ground.issues.append(
        [newIssue({ fingerprint, status })],
        `${fingerprint}-${status}-${Math.random()}`,
      );
    const rows = await ground.issues.scan({
      from: '0',
      after: { position: '0', eventId: '' },
      limit: 100_000,
    });
    const own = rows.filter((row) => row.fingerprint === fingerprint);
    const first = own[0]?.position ?? '';
    await ground.streams.write({
      stream: order.stream,
      state: {
        ...INITIAL_STREAM_STATE,
        notificationCount: 1,
        status: 'firing',
        lastPosition: first,
        lastNotifiedAt: 1,
      },
    });
    return { order, own, last: own.at(-1)?.position };
  }

  test.each<[string, Partial<StreamState>]>([
    ['is open', { status: 'firing' }],
    ['only may be open', { mayBeOpen: true }],
  ])(
    'of a stream that %s ends with one sweep: it signals, the stream resolves, and the gauge falls',
    async (_, parts) => {
      const { order, last: resolved } = await openStream('resolved');
      const { stream } = order;
      const state = {
        ...INITIAL_STREAM_STATE,
        notificationCount: 1,
        lastPosition: resolved ?? null,
        ...parts,
      };
      await ground.streams.write({ stream, state });
      const orders: DeliveryOrder[] = [];
      const signalOne = async (key: StreamKey, signal: IssueSignal): Promise<boolean> => {
        if (key.fingerprint !== stream.fingerprint) return false;
        const alert = new AlertStream(key, await ground.streams.read(key), [signal]);
        await alert.drain({
          now: Date.now,
          hasPatch: () => true,
          hasIntent: async () => false,
          record: () => Promise.reject(new Error('it was recorded with the delivery')),
          deliver: async (given) => {
            orders.push(given);
            const ending = { kind: 'delivered', provider: 'webhook', externalId: null } as const;
            await ground.streams.write(endingRows(given, ending, { at: Date.now(), claims: 1 }));
            return { ...ending, recorded: true };
          },
        });
        return true;
      };
      const sweep = () =>
        sweepResolveDebt(
          {
            ...ground,
            dispatch: async () => 0,
            isRunning: async () => false,
            signal: signalOne,
            now: () => Date.now() + 600_000,
            random: () => 0,
          },
          { ...DEFAULT_SWEEP_OPTIONS, scannedUpTo: '18446744073709551615' },
          { heartbeat: () => undefined },
        );
      const first = await sweep();
      expect(orders).toMatchObject([{ kind: 'resolve', reason: 'resolve_owed' }]);
      const second = await sweep();
      expect(second.owed).toBe(first.owed - 1);
      expect(orders).toHaveLength(1);
    },
  );
});

test('intents in memory keep the same rules', async () => {
  const token = fc
    .array(fc.constantFrom('a', 'b', 'c', 'a+', 'b+', 'c+'), { maxLength: 2 })
    .chain((known) => fc.constantFrom('a', 'b', 'c', 'd').map((name) => [name, ...known].join('.')));
  const steps = fc.array(
    fc.oneof(
      fc.record({ claim: token, reason: fc.constantFrom('resolved' as const, 'resolve_owed' as const) }),
      fc.record({
        status: fc.constantFrom(
          'refused' as const,
          'uncertain' as const,
          'delivered' as const,
          'dropped' as const,
        ),
        token: fc.option(token, { nil: null }),
      }),
    ),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const memory = createMemoryIntents();
      const order = newOrder({ kind: 'resolve' });
      for (const step of given) {
        if ('claim' in step) {
          const request = {
            order: { ...order, reason: step.reason },
            provider: 'webhook',
            inputs: testInputs,
          };
          const stored = await claim(request.order, step.claim).catch(() => 'late');
          let expected: unknown;
          try {
            expected = memory.claim({ ...request, token: step.claim });
          } catch {
            expected = 'late';
          }
          expect(stored).toEqual(expected);
        } else {
          const outcome = { notificationId: order.notificationId, claims: null, ...step };
          await settle(order, outcome);
          memory.record(outcome);
        }
        const rowsOf = (rows: readonly Intent[]) => rows.map((row) => ({ ...row, updatedAt: 0 }));
        const stored = rowsOf(await ground.intents.read([order.notificationId]));
        const expected = rowsOf(memory.read([order.notificationId]));
        expect(stored).toEqual(expected);
      }
    }),
    { numRuns: 300 },
  );
});

describe('what a stream has passed', () => {
  const passed = async (order: DeliveryOrder) => {
    await ground.postgres.sql`
      update dispatch.delivery_intents set updated_at = now() - interval '10 minutes'
      where notification_id = ${order.notificationId}`;
    const found = await ground.intents.listPassed(300_000);
    return found.some(({ notificationId }) => notificationId === order.notificationId);
  };
  const at = (position: string, parts: Partial<StreamState> = {}): StreamState => ({
    ...INITIAL_STREAM_STATE,
    notificationCount: 1,
    status: 'firing',
    lastPosition: position,
    ...parts,
  });

  test.each<[string, NotifyReason, StreamState, boolean]>([
    ['an owed resolve that waits for its throttle is not', 'resolve_owed', at('5'), false],
    [
      'nor is one of a stream that only may be open',
      'resolve_owed',
      at('5', { status: 'none', mayBeOpen: true }),
      false,
    ],
    [
      'an owed resolve of a stream that has closed since is',
      'resolve_owed',
      at('5', { status: 'resolved' }),
      true,
    ],
    ['an owed resolve behind which another issue was decided is', 'resolve_owed', at('6'), true],
    ['what was decided otherwise is', 'resolved', at('5'), true],
    ['what is ahead is not', 'resolved', at('4'), false],
  ])('%s', async (_, reason, state, isPassed) => {
    const order = newOrder({ kind: 'resolve', reason, issue: { ...testOrder().issue, position: '5' } });
    await claim(order);
    await settle(order, { status: 'refused', claims: 1, code: 'RATE_LIMITED' });
    await ground.streams.write({ stream: order.stream, state });
    await expect(passed(order)).resolves.toBe(isPassed);
  });
});

test('settled intents are cleared away when they are old, unsettled ones never', async () => {
  const [old, young, unsettled, touched] = [newOrder(), newOrder(), newOrder(), newOrder()];
  for (const order of [old, young, unsettled, touched]) await claim(order);
  await settle(old, { status: 'delivered', claims: 1 });
  // A resolve that is sent again as owed keeps the inputs of its body.
  await settle(touched, { status: 'dropped', claims: 1 });
  await settle(young, { status: 'delivered', claims: 1 });
  await ground.postgres.sql`
    update dispatch.delivery_intents set created_at = now() - interval '8 days', updated_at = now() - interval '8 days'
    where notification_id in (${old.notificationId}, ${unsettled.notificationId})`;
  await ground.postgres.sql`
    update dispatch.delivery_intents set created_at = now() - interval '8 days'
    where notification_id = ${touched.notificationId}`;
  await expect(ground.intents.deleteSettled(7 * 86_400_000)).resolves.toBe(1);
  await expect(rowOf(old)).resolves.toBeUndefined();
  await expect(rowOf(touched)).resolves.toBeDefined();
  await expect(rowOf(young)).resolves.toBeDefined();
  await expect(rowOf(unsettled)).resolves.toBeDefined();
});
