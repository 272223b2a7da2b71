import { describe, expect, test } from '@jest/globals';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { IntentStore } from '../delivery/intent-store.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import type { IntentOutcome, StreamStore } from '../stream/stream-store.ts';
import type { DebtPage, DebtStore } from '../sweep/debt-store.ts';
import { testInputs, testOrder } from './delivery-world.ts';
import { newIssue } from './store-drafts.ts';

let last = 0;

/** What every store of resolve debt promises, over the other stores of the same databases. */
export function describeDebts(
  given: () => {
    readonly debts: DebtStore;
    readonly intents: IntentStore;
    readonly issues: IssueStore;
    readonly streams: StreamStore;
  },
): void {
  const newOrder = (): DeliveryOrder => {
    const stream: StreamKey = { fingerprint: `d${++last}`, routeId: 'r1', connectedAppId: 'app1' };
    return testOrder({ stream, notificationId: `alert-d${last}-r1-app1-5` });
  };
  const claim = (order: DeliveryOrder) =>
    given().intents.claim({ order, provider: 'webhook', token: `a${++last}`, inputs: testInputs });
  const settle = (order: DeliveryOrder, outcome: Omit<IntentOutcome, 'notificationId'>) =>
    given().streams.write({
      stream: order.stream,
      intents: [{ notificationId: order.notificationId, ...outcome }],
    });

  describe('resolve debt of any store', () => {
    const listed = async (fingerprint: string) => {
      const { debts } = await given().debts.list({ after: null, limit: 1000 });
      return debts.filter(({ stream }) => stream.fingerprint === fingerprint);
    };
    /** A stream that is open, last decided at its first issue. */
    async function openStream(...statuses: readonly ('firing' | 'resolved' | 'suppressed')[]) {
      const order = newOrder();
      const { fingerprint } = order.stream;
      for (const status of ['firing' as const, ...statuses])
        await given().issues.append(
          [newIssue({ fingerprint, status })],
          `${fingerprint}-${status}-${Math.random()}`,
        );
      const rows = await given().issues.scan({
        from: '0',
        after: { position: '0', eventId: '' },
        limit: 100_000,
      });
      const own = rows.filter((row) => row.fingerprint === fingerprint);
      const first = own[0]?.position ?? '';
      await given().streams.write({
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

    test.each([
      ['fires', ['resolved', 'firing'], 1, false],
      ['has resolved', ['resolved'], 0, true],
    ] as const)(
      'tells by the newest event, not by one that is written again: it %s',
      async (_, statuses, repeated, isListed) => {
        const { order, own } = await openStream(...statuses);
        const again = own[repeated];
        for (const written of ['one', 'two'])
          if (again !== undefined)
            await given().issues.append([again], `${order.stream.fingerprint} again ${written}`);
        await expect(listed(order.stream.fingerprint)).resolves.toHaveLength(isListed ? 1 : 0);
      },
    );

    test('is listed where it only may be open', async () => {
      const { order, last: resolved } = await openStream('resolved');
      const state = { ...INITIAL_STREAM_STATE, mayBeOpen: true, lastPosition: resolved ?? null };
      await given().streams.write({ stream: order.stream, state: { ...state, notificationCount: 1 } });
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
      await given().streams.write({ stream: order.stream, state: open });
      await settle(resolve, { status: 'dropped', claims: 1, code: 'EXPIRED' });
      await expect(listed(order.stream.fingerprint)).resolves.toMatchObject([
        { intent: { status: 'dropped', code: 'EXPIRED' } },
      ]);
      await given().streams.write({ stream: order.stream, state: { ...open, status: 'resolved' } });
      await expect(listed(order.stream.fingerprint)).resolves.toEqual([]);
    });

    test('is found page by page', async () => {
      const mine = await Promise.all([
        openStream('resolved'),
        openStream('resolved'),
        openStream('resolved'),
      ]);
      const found: string[] = [];
      let after: string | null = null;
      do {
        const page: DebtPage = await given().debts.list({
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
}
