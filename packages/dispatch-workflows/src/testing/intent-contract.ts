import { describe, expect, test } from '@jest/globals';
import type { DeliveryOrder, LastAttempt } from '../contract/delivery-order.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { tokenAfter } from '../delivery/attempt-token.ts';
import type { ClaimRequest } from '../delivery/claim-intents.ts';
import type { Intent, IntentStore } from '../delivery/intent-store.ts';
import type { IntentOutcome, StreamStore } from '../stream/stream-store.ts';
import { testInputs, testOrder } from './delivery-world.ts';

let last = 0;

/** What every store of intents promises, with the store of streams that records their outcomes. */
export function describeIntents(
  given: () => { readonly intents: IntentStore; readonly streams: StreamStore },
): void {
  const newOrder = (parts: Partial<DeliveryOrder> = {}): DeliveryOrder => {
    const stream: StreamKey = { fingerprint: `c${++last}`, routeId: 'r1', connectedAppId: 'app1' };
    return testOrder({ stream, notificationId: `alert-c${last}-r1-app1-5`, ...parts });
  };
  const claim = (order: DeliveryOrder, token = `a${++last}`, parts: Partial<ClaimRequest> = {}) =>
    given().intents.claim({ order, provider: 'webhook', token, inputs: testInputs, ...parts });
  const settle = (order: DeliveryOrder, outcome: Omit<IntentOutcome, 'notificationId'>) =>
    given().streams.write({
      stream: order.stream,
      intents: [{ notificationId: order.notificationId, ...outcome }],
    });
  const read = async ({ notificationId }: DeliveryOrder): Promise<Intent | undefined> =>
    (await given().intents.read([notificationId]))[0];

  describe('an intent of any store', () => {
    test('is written by the first claim, and found uncertain by the next if its outcome was not recorded', async () => {
      const order = newOrder();
      await expect(claim(order)).resolves.toMatchObject({ before: null, claims: 1 });
      await expect(read(order)).resolves.toMatchObject({ status: 'intended', wasUncertain: false });
      await expect(claim(order)).resolves.toMatchObject({ before: 'intended', claims: 2 });
      await expect(read(order)).resolves.toMatchObject({ status: 'uncertain', wasUncertain: true });
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
      await expect(read(order)).resolves.toMatchObject({ status: 'intended', wasUncertain: false });
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
      await expect(read(order)).resolves.toMatchObject({ status: 'delivered' });
    });

    test.each(['refused', 'uncertain'] as const)(
      'that was dropped is not under way again because an attempt is recorded as %s late',
      async (status) => {
        const order = newOrder();
        await claim(order, 'a');
        await settle(order, { status: 'dropped', claims: null, code: 'EXPIRED' });
        await settle(order, { status, claims: 1, token: 'a', code: 'TIMEOUT' });
        const wasUncertain = status === 'uncertain';
        await expect(read(order)).resolves.toMatchObject({
          status: 'dropped',
          code: 'EXPIRED',
          wasUncertain,
        });
        await settle(order, { status: 'delivered', claims: 1, token: 'a', externalId: 'late' });
        await expect(read(order)).resolves.toMatchObject({ status: 'delivered' });
      },
    );

    test('of an earlier claim tells only of a delivery', async () => {
      const order = newOrder();
      await claim(order);
      await claim(order);
      await settle(order, { status: 'refused', claims: 1 });
      await expect(read(order)).resolves.toMatchObject({ status: 'uncertain' });
      await settle(order, { status: 'delivered', claims: 1, externalId: 'late' });
      await expect(read(order)).resolves.toMatchObject({ status: 'delivered', externalId: 'late' });
    });

    test('that was dropped is claimed again only where the resolve is owed', async () => {
      const order = newOrder({ kind: 'resolve', reason: 'resolved' });
      await claim(order);
      await settle(order, { status: 'dropped', claims: 1, code: 'EXPIRED' });
      await expect(claim(order)).resolves.toMatchObject({ before: 'dropped', code: 'EXPIRED' });
      await expect(read(order)).resolves.toMatchObject({ status: 'dropped' });
      await claim({ ...order, reason: 'resolve_owed' });
      await expect(read(order)).resolves.toMatchObject({ status: 'intended' });
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
      await expect(read(order)).resolves.toMatchObject({
        status: 'intended',
        claims: 1,
        wasUncertain: false,
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
        await expect(read(order)).resolves.toMatchObject({ status: 'intended', wasUncertain: false });
        // Nobody knows what became of the second, whatever is known of the first.
        await expect(claim(order, tokenAfter({ token: 'one', outcome }, 'three'))).resolves.toMatchObject({
          before: 'intended',
        });
        await expect(read(order)).resolves.toMatchObject({ status: 'uncertain' });
      },
    );

    test('is left alone by a claim that was given up and comes late', async () => {
      const order = newOrder();
      const [first, second] = ['late', tokenAfter({ token: 'late', outcome: 'not-sent' }, 'two')];
      await expect(claim(order, second)).resolves.toMatchObject({ before: null, claims: 1 });
      await expect(claim(order, first)).rejects.toMatchObject({ message: expect.any(String) });
      await expect(read(order)).resolves.toMatchObject({
        status: 'intended',
        claims: 1,
        wasUncertain: false,
      });
      await settle(order, { status: 'refused', claims: 1, token: second });
      await expect(claim(order, first)).rejects.toMatchObject({ message: expect.any(String) });
      await expect(read(order)).resolves.toMatchObject({ status: 'refused' });
    });

    test('takes the outcome of its latest attempt, and of others only a delivery', async () => {
      const order = newOrder();
      await claim(order, 'one');
      await settle(order, { status: 'refused', claims: null, token: 'another' });
      await expect(read(order)).resolves.toMatchObject({ status: 'intended' });
      await settle(order, { status: 'refused', claims: null, token: 'one' });
      await expect(read(order)).resolves.toMatchObject({ status: 'refused' });
      await settle(order, { status: 'delivered', claims: null, token: 'another' });
      await expect(read(order)).resolves.toMatchObject({ status: 'delivered' });
    });

    test('tells what its stream has decided by now', async () => {
      const order = newOrder();
      await expect(claim(order)).resolves.not.toHaveProperty('passedTo');
      const state = { ...INITIAL_STREAM_STATE, notificationCount: 1, lastPosition: '77' };
      await given().streams.write({ stream: order.stream, state });
      await expect(claim(order)).resolves.toMatchObject({ passedTo: '77' });
    });

    test('tells of a newer one of its stream whose outcome nobody knows', async () => {
      const order = newOrder();
      const newer = testOrder({
        stream: order.stream,
        notificationId: `${order.notificationId}9`,
        issue: { ...order.issue, position: '59' },
      });
      await claim(newer, 'lost');
      await expect(claim(order)).resolves.toMatchObject({ passedTo: '59' });
      // One that was refused may still follow the older one.
      await settle(newer, { status: 'refused', claims: 1 });
      await expect(claim(order)).resolves.not.toHaveProperty('passedTo');
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
}
