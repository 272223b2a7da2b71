import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { dispatchStores, newIssue } from '../testing/dispatch-ground.ts';
import { testOrder } from '../testing/delivery-world.ts';
import type { IntentOutcome } from '../stream/stream-store.ts';

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
const claim = (order: DeliveryOrder) => ground.intents.claim({ order, provider: 'webhook' });
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
    // Those that travelled in one statement are one claim; each statement is another.
    const first = claims.filter(({ before }) => before === null);
    expect(first.length).toBeGreaterThan(0);
    expect(new Set(first.map((each) => each.claims))).toEqual(new Set([1]));
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

test('settled intents are cleared away when they are old, unsettled ones never', async () => {
  const [old, young, unsettled] = [newOrder(), newOrder(), newOrder()];
  for (const order of [old, young, unsettled]) await claim(order);
  await settle(old, { status: 'delivered', claims: 1 });
  await settle(young, { status: 'delivered', claims: 1 });
  await ground.postgres.sql`
    update dispatch.delivery_intents set created_at = now() - interval '8 days'
    where notification_id in (${old.notificationId}, ${unsettled.notificationId})`;
  await expect(ground.intents.deleteSettled(7 * 86_400_000)).resolves.toBe(1);
  await expect(rowOf(old)).resolves.toBeUndefined();
  await expect(rowOf(young)).resolves.toBeDefined();
  await expect(rowOf(unsettled)).resolves.toBeDefined();
});
