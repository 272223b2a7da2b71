import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { StreamState } from '../contract/stream-state.ts';
import { buildRequest } from '../delivery/build-request.ts';
import { deliveryWorld, testInputs, testIssue, testOrder } from '../testing/delivery-world.ts';
import { episodeAfter } from './episode.ts';
import { orderFor } from './order-for.ts';
import { mayHaveOpenIncident } from './owes-resolve.ts';
import {
  applyDecision,
  applyDelivery,
  applyDrop,
  INITIAL_STREAM_STATE,
  shouldNotify,
} from './should-notify.ts';

const { stream } = testOrder();
const { target } = deliveryWorld();

test.each<[string, Partial<StreamState>, string | null]>([
  ['nothing is open: its own', { episode: '3' }, '9'],
  ['one is open: that one', { status: 'firing', episode: '3' }, '3'],
  ['one may be open: that one', { mayBeOpen: true, episode: '3' }, '3'],
  ['one may be open behind a resolve: that one', { status: 'resolved', mayBeOpen: true, episode: '3' }, '3'],
  ['one is open that is older than episodes: that of its stream', { status: 'firing' }, null],
  ['one may be open that nobody has named: its own', { mayBeOpen: true }, '9'],
])('the episode of an issue where %s', (_, state, episode) => {
  expect(episodeAfter({ ...INITIAL_STREAM_STATE, ...state }, '9')).toBe(episode);
});

/** What a stream goes through: an issue, and what becomes of the notification about it. */
const steps = fc.array(
  fc.record({
    status: fc.constantFrom('firing' as const, 'resolved' as const, 'suppressed' as const),
    end: fc.constantFrom('delivered' as const, 'refused' as const, 'in doubt' as const),
    /** Of one that is in doubt. */
    arrives: fc.boolean(),
    /** The sweep asks for the resolve once more. */
    isOwed: fc.boolean(),
  }),
  { minLength: 1, maxLength: 14 },
);

test('at most one episode may be open at the provider, and a delivered resolve closes it', () => {
  fc.assert(
    fc.property(steps, (given) => {
      const open = new Set<string>();
      let state: StreamState = INITIAL_STREAM_STATE;
      let last = 0;
      for (const { status, end, arrives, isOwed } of given) {
        const isAgain = isOwed && status === 'resolved' && last > 0;
        const signal: IssueSignal = {
          ...testIssue,
          status,
          position: String(isAgain ? last : ++last),
          owed: isAgain,
        };
        const now = testIssue.storedAt + last;
        const decision = shouldNotify(state, signal, now);
        // Of what fires and is open nowhere a person has to be told.
        if (status === 'firing' && open.size === 0) expect(decision.notify).toBe(true);
        if (!decision.notify) {
          state = applyDecision(state, signal, decision.reason);
          continue;
        }
        const order = orderFor(stream, state, signal, decision, now);
        const { kind, episodeId } = buildRequest(order, target, testIssue, testInputs).notification;
        if (end === 'delivered' || (end === 'in doubt' && arrives)) {
          if (kind === 'resolve') open.delete(episodeId);
          else open.add(episodeId);
        }
        if (end === 'delivered') {
          state = applyDelivery(state, signal, { now, provider: 'webhook', externalId: null });
          expect(open.size).toBe(kind === 'resolve' ? 0 : 1);
        } else {
          const mayBeOpen = kind !== 'update' && end === 'in doubt';
          state = applyDrop(state, signal, { reason: order.reason, mayBeOpen });
        }
        expect(open.size).toBeLessThanOrEqual(1);
        // Whatever is open is known to be, so that it is closed in the end.
        if (open.size > 0) expect(mayHaveOpenIncident(state)).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
});
