import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DeliveryOrder, LastAttempt } from '../contract/delivery-order.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { NotifyReason } from '../contract/reasons.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { dispatchStores, newIssue } from '../testing/dispatch-ground.ts';
import { testInputs, testOrder } from '../testing/delivery-world.ts';
import { AlertStream } from '../stream/alert-stream.ts';
import type { IntentOutcome } from '../stream/stream-store.ts';
import { createMemoryIntents } from '../testing/memory-intents.ts';
import { DEFAULT_SWEEP_OPTIONS, sweepResolveDebt } from '../sweep/sweep-resolve-debt.ts';
import { tokenAfter } from './attempt-token.ts';
import type { ClaimRequest } from './claim-intents.ts';
import { endingRows } from './delivery-rows.ts';
import type { Intent } from './intent-store.ts';

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

describe('an intent', () => {
  test('is written by the first claim, and found uncertain by the next if its outcome was not recorded', async () => {
    const order = newOrder();
    await expect(claim(order)).resolves.toMatchObject({ before: null, claims: 1 });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'intended', was_uncertain: false });
    await expect(claim(order)).resolves.toMatchObject({ before: 'intended', claims: 2 });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'uncertain', was_uncertain: true });
    await expect(claim(order)).resolves.toMatchObject({ before: 'uncertain', claims: 3 });
  });

  test('that was refused is intended again, without any doubt', async () => {
    const order = newOrder();
    await claim(order);
    await settle(order, { status: 'refused', claims: 1, code: 'RATE_LIMITED' });
    await expect(claim(order)).resolves.toMatchObject({
      before: 'refused',
      code: 'RATE_LIMITED',
    });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'intended', was_uncertain: false });
  });

  test('that was delivered stays so, whatever comes late', async () => {
    const order = newOrder();
    await claim(order);
    await settle(order, { status: 'delivered', claims: 1, externalId: 'ext' });
    await settle(order, { status: 'uncertain', claims: 1 });
    await settle(order, { status: 'dropped', claims: null, code: 'EXPIRED' });
    await expect(claim(order)).resolves.toMatchObject({
      before: 'delivered',
      externalId: 'ext',
    });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'delivered' });
  });

  test('of an earlier claim tells only of a delivery', async () => {
    const order = newOrder();
    await claim(order);
    await claim(order);
    await settle(order, { status: 'refused', claims: 1 });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'uncertain' });
    await settle(order, { status: 'delivered', claims: 1, externalId: 'late' });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'delivered', external_id: 'late' });
  });

  test('that was dropped is claimed again only where the resolve is owed', async () => {
    const order = newOrder({ kind: 'resolve', reason: 'resolved' });
    await claim(order);
    await settle(order, { status: 'dropped', claims: 1, code: 'EXPIRED' });
    await expect(claim(order)).resolves.toMatchObject({ before: 'dropped', code: 'EXPIRED' });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'dropped' });
    await claim({ ...order, reason: 'resolve_owed' });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'intended' });
  });

  test('is claimed by one of many at once without doubt, and by the others with it', async () => {
    const order = newOrder();
    const claims = await Promise.all(Array.from({ length: 20 }, () => claim(order)));
    expect(claims.filter(({ before }) => before === null)).toHaveLength(1);
    expect(new Set(claims.map((each) => each.claims)).size).toBe(20);
  });

  test('is claimed once by a claim that is repeated because its answer was lost', async () => {
    const order = newOrder();
    const [one, other] = await Promise.all([claim(order, 'same'), claim(order, 'same')]);
    expect([one, other]).toEqual([one, one]);
    await expect(claim(order, 'same')).resolves.toEqual({ ...one, before: null, claims: 1 });
    await expect(rowOf(order)).resolves.toMatchObject({
      status: 'intended',
      claims: 1,
      was_uncertain: false,
    });
    // So is one that found an interrupted attempt.
    await claim(order, 'next');
    await expect(claim(order, 'next')).resolves.toMatchObject({ before: 'intended', claims: 2 });
  });

  test.each<[LastAttempt['outcome'], object]>([
    ['not-sent', { before: null, claims: 1, wasUncertain: false }],
    ['refused', { before: 'refused', claims: 2, wasUncertain: false }],
  ])(
    'whose latest attempt is known to be %s, although no row says so, is not in doubt',
    async (outcome, claimed) => {
      const order = newOrder();
      await claim(order, 'one');
      await expect(claim(order, tokenAfter({ token: 'one', outcome }, 'two'))).resolves.toMatchObject(
        claimed,
      );
      await expect(rowOf(order)).resolves.toMatchObject({ status: 'intended', was_uncertain: false });
      // Nobody knows what became of the second, whatever is known of the first.
      await expect(claim(order, tokenAfter({ token: 'one', outcome }, 'three'))).resolves.toMatchObject({
        before: 'intended',
      });
      await expect(rowOf(order)).resolves.toMatchObject({ status: 'uncertain' });
    },
  );

  test('is left alone by a claim that was given up and comes late', async () => {
    const order = newOrder();
    const [first, second] = ['late', tokenAfter({ token: 'late', outcome: 'not-sent' }, 'two')];
    await expect(claim(order, second)).resolves.toMatchObject({ before: null, claims: 1 });
    await expect(claim(order, first)).rejects.toMatchObject({ name: 'DatabaseError' });
    await expect(rowOf(order)).resolves.toMatchObject({
      status: 'intended',
      claims: 1,
      was_uncertain: false,
    });
    await settle(order, { status: 'refused', claims: 1, token: second });
    await expect(claim(order, first)).rejects.toMatchObject({ name: 'DatabaseError' });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'refused' });
  });

  test('takes the outcome of its latest attempt, and of others only a delivery', async () => {
    const order = newOrder();
    await claim(order, 'one');
    await settle(order, { status: 'refused', claims: null, token: 'another' });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'intended' });
    await settle(order, { status: 'refused', claims: null, token: 'one' });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'refused' });
    await settle(order, { status: 'delivered', claims: null, token: 'another' });
    await expect(rowOf(order)).resolves.toMatchObject({ status: 'delivered' });
  });

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

  test('is of the provider that it was claimed for last, or that delivered it', async () => {
    const order = newOrder();
    await claim(order, 'a');
    await expect(claim(order, 'b', { provider: 'slack-webhook' })).resolves.toMatchObject({
      provider: 'slack-webhook',
    });
    await settle(order, { status: 'delivered', claims: 2 });
    await expect(claim(order, 'c')).resolves.toMatchObject({
      before: 'delivered',
      provider: 'slack-webhook',
    });
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

describe('resolve debt', () => {
  const listed = async (fingerprint: string) => {
    const { debts } = await ground.debts.list({ after: null, limit: 1000 });
    return debts.filter(({ stream }) => stream.fingerprint === fingerprint);
  };
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

  test('is listed with the issue that resolves it', async () => {
    const { order, last: resolved } = await openStream('resolved');
    await expect(listed(order.stream.fingerprint)).resolves.toMatchObject([
      { stream: order.stream, issue: { position: resolved }, intent: null, notifiedAt: 1 },
    ]);
  });

  test.each([
    ['still fires', []],
    ['is suppressed', ['suppressed']],
    ['fires again', ['resolved', 'firing']],
  ] as const)('is not listed where it %s', async (_, statuses) => {
    const { order } = await openStream(...statuses);
    await expect(listed(order.stream.fingerprint)).resolves.toEqual([]);
  });

  test('is listed where it only may be open', async () => {
    const { order, last: resolved } = await openStream('resolved');
    const state = { ...INITIAL_STREAM_STATE, mayBeOpen: true, lastPosition: resolved ?? null };
    await ground.streams.write({ stream: order.stream, state: { ...state, notificationCount: 1 } });
    await expect(listed(order.stream.fingerprint)).resolves.toMatchObject([
      { issue: { position: resolved } },
    ]);
  });

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
      const signalOne = async (key: StreamKey, signal: IssueSignal): Promise<void> => {
        if (key.fingerprint !== stream.fingerprint) return;
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
      };
      const sweep = () =>
        sweepResolveDebt(
          { ...ground, dispatch: async () => 0, signal: signalOne, now: () => Date.now() + 600_000 },
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

  test('is listed where the resolve was dropped, and not once it is closed', async () => {
    const { order, own } = await openStream('resolved');
    const position = own.at(-1)?.position ?? '';
    const resolve = {
      ...order,
      kind: 'resolve' as const,
      notificationId: `alert-${order.stream.fingerprint}-r1-app1-${position}`,
    };
    const open = {
      ...INITIAL_STREAM_STATE,
      notificationCount: 1,
      status: 'firing' as const,
      lastPosition: position,
    };
    await claim(resolve);
    await ground.streams.write({ stream: order.stream, state: open });
    await settle(resolve, { status: 'dropped', claims: 1, code: 'EXPIRED' });
    await expect(listed(order.stream.fingerprint)).resolves.toMatchObject([
      { intent: { status: 'dropped', code: 'EXPIRED' } },
    ]);
    await ground.streams.write({ stream: order.stream, state: { ...open, status: 'resolved' } });
    await expect(listed(order.stream.fingerprint)).resolves.toEqual([]);
  });

  test('is found page by page', async () => {
    const mine = await Promise.all([openStream('resolved'), openStream('resolved'), openStream('resolved')]);
    const found: string[] = [];
    let after: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof ground.debts.list>> = await ground.debts.list({
        after,
        limit: 2,
      });
      found.push(...page.debts.map(({ stream }) => stream.fingerprint));
      after = page.next;
    } while (after !== null);
    for (const { order } of mine)
      expect(found.filter((fingerprint) => fingerprint === order.stream.fingerprint)).toHaveLength(1);
  });
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
