import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { IssueSignal, IssueStatus, StreamState } from '../contract.ts';
import { decided, INITIAL_STREAM_STATE, notified, shouldNotify } from './should-notify.ts';

const signal = (position: string, status: IssueStatus): IssueSignal => ({
  eventId: `e${position}`,
  position,
  status,
  severity: 'critical',
  startsAt: 0,
  endsAt: null,
  storedAt: 0,
  contentHash: '',
});
const never = INITIAL_STREAM_STATE;
const open: StreamState = {
  ...never,
  notificationCount: 1,
  lastNotifiedAt: 1,
  status: 'firing',
  lastPosition: '10',
};
const closed: StreamState = { ...open, notificationCount: 2, status: 'resolved' };

describe('a signal is worth a notification', () => {
  test.each<[string, StreamState, IssueSignal, string, string | false]>([
    ['the first firing', never, signal('1', 'firing'), 'new', 'trigger'],
    ['a firing while open', open, signal('11', 'firing'), 'continuing', false],
    ['a firing after resolve', closed, signal('11', 'firing'), 'new', 'trigger'],
    ['a resolve while open', open, signal('11', 'resolved'), 'resolved', 'resolve'],
    [
      'a resolve without anything open',
      never,
      signal('1', 'resolved'),
      'resolved_without_notification',
      false,
    ],
    ['a second resolve', closed, signal('11', 'resolved'), 'resolved_without_notification', false],
    ['a suppressed one', never, signal('1', 'suppressed'), 'suppressed', false],
    ['a suppressed one while open', open, signal('11', 'suppressed'), 'suppressed', false],
    ['the same one again', open, signal('10', 'firing'), 'older_than_last', false],
    ['an older firing after resolve', closed, signal('9', 'firing'), 'older_than_last', false],
    ['an older resolve', open, signal('9', 'resolved'), 'older_than_last', false],
    ['a longer number that is newer', open, signal('100', 'resolved'), 'resolved', 'resolve'],
    ['a shorter number that is older', open, signal('9', 'resolved'), 'older_than_last', false],
  ])('%s', (_, state, given, reason, kind) => {
    expect(shouldNotify(state, given)).toEqual(
      kind === false ? { notify: false, reason } : { notify: true, kind, reason },
    );
  });
});

test('a delivered trigger opens, keeps what the provider called it, and counts', () => {
  const state = notified(never, signal('5', 'firing'), { now: 7, provider: 'webhook', externalId: 'x' });
  expect(state).toEqual({
    notificationCount: 1,
    lastNotifiedAt: 7,
    status: 'firing',
    lastPosition: '5',
    externalIds: { webhook: 'x' },
  });
  const resolved = notified(state, signal('6', 'resolved'), {
    now: 8,
    provider: 'webhook',
    externalId: null,
  });
  expect(resolved).toMatchObject({ notificationCount: 2, status: 'resolved', externalIds: {} });
});

test('a silent decision passes the position and nothing else', () => {
  expect(decided(open, signal('12', 'firing'))).toEqual({ ...open, lastPosition: '12' });
  expect(decided(open, signal('3', 'firing'))).toBe(open);
});

const statuses = fc.constantFrom<IssueStatus>('firing', 'resolved', 'suppressed');

/** Runs signals through the decision and returns the kinds that were delivered. */
function run(signals: readonly IssueSignal[]): {
  readonly kinds: readonly string[];
  readonly state: StreamState;
} {
  let state: StreamState = never;
  const kinds: string[] = [];
  for (const given of signals) {
    const decision = shouldNotify(state, given);
    if (decision.notify) {
      kinds.push(decision.kind);
      state = notified(state, given, { now: 0, provider: 'webhook', externalId: null });
    } else {
      state = decided(state, given);
    }
  }
  return { kinds, state };
}

test('triggers and resolves alternate, whatever comes in whatever order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), statuses)), (parts) => {
      const { kinds } = run(parts.map(([position, status]) => signal(String(position), status)));
      for (const [index, kind] of kinds.entries()) expect(kind).toBe(index % 2 === 0 ? 'trigger' : 'resolve');
    }),
  );
});

test('duplicates and late repeats change nothing', () => {
  fc.assert(
    fc.property(fc.array(statuses, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (list, picks) => {
      const signals = list.map((status, index) => signal(String(index + 1), status));
      const noisy = signals.flatMap((given, index) => {
        const earlier = signals[picks.next().value % (index + 1)];
        return earlier === undefined ? [given] : [given, earlier];
      });
      expect(run(noisy)).toEqual(run(signals));
    }),
  );
});
