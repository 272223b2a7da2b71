import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { IssueSignal, IssueStatus, SignalPolicy } from '../contract/issue-signal.ts';
import type { StreamState } from '../contract/stream-state.ts';
import {
  anyStreamState,
  endWell,
  FATES,
  type Fate,
  playSignal,
  type Scene,
} from '../testing/stream-story.ts';
import { owesResolve } from './owes-resolve.ts';
import {
  applyDecision,
  applyDrop,
  INITIAL_STREAM_STATE,
  LATE_RULES,
  applyDelivery,
  shouldNotify,
  shouldNotifyAtAnyAge,
  timeToLiveMs,
} from './should-notify.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The clock of these tests. */
const NOW = 1_800_000_000_000;
const policy = (parts: Partial<SignalPolicy> = {}): SignalPolicy => ({
  version: 1,
  renotifyIntervalMs: null,
  maxSignalAgeMs: HOUR,
  ...parts,
});
const signal = (position: string, status: IssueStatus, parts: Partial<IssueSignal> = {}): IssueSignal => ({
  eventId: `e${position}`,
  position,
  status,
  storedAt: NOW,
  policy: policy(),
  ...parts,
});
const never = INITIAL_STREAM_STATE;
const open: StreamState = {
  ...never,
  notificationCount: 1,
  lastNotifiedAt: NOW - 10 * MINUTE,
  status: 'firing',
  lastPosition: '10',
  lastSeen: 'firing',
  episode: '10',
};
const closed: StreamState = { ...open, notificationCount: 2, status: 'resolved', lastSeen: 'resolved' };
const suppressed: StreamState = { ...open, lastSeen: 'suppressed' };
/** The resolve was decided and could not be delivered. */
const owing: StreamState = { ...open, lastSeen: 'resolved' };

const aged = (ms: number): Partial<IssueSignal> => ({ storedAt: NOW - ms });
const every = (renotifyIntervalMs: number, parts: Partial<IssueSignal> = {}): Partial<IssueSignal> => ({
  policy: policy({ renotifyIntervalMs }),
  ...parts,
});

describe('a signal leads to', () => {
  test.each<[string, StreamState, IssueSignal, string, string]>([
    ['the first firing', never, signal('1', 'firing'), 'trigger', 'new'],
    ['a firing after resolve: a new episode', closed, signal('11', 'firing'), 'trigger', 'new'],
    ['a firing exactly as old as allowed', never, signal('1', 'firing', aged(HOUR)), 'trigger', 'new'],
    ['a firing from a clock ahead of ours', never, signal('1', 'firing', aged(-HOUR)), 'trigger', 'new'],
    ['a resolve while open', open, signal('11', 'resolved'), 'resolve', 'resolved'],
    ['a longer number that is newer', open, signal('100', 'resolved'), 'resolve', 'resolved'],
    ['a resolve after a suppression', suppressed, signal('11', 'resolved'), 'resolve', 'resolved'],
    ['a resolve of any age', open, signal('11', 'resolved', aged(90 * HOUR)), 'resolve', 'resolved'],
    [
      'a firing when the interval has just passed',
      open,
      signal('11', 'firing', every(10 * MINUTE)),
      'update',
      'renotify',
    ],
    ['a firing long after the interval', open, signal('11', 'firing', every(MINUTE)), 'update', 'renotify'],
    [
      'a firing after a suppression, whatever the interval',
      suppressed,
      signal('11', 'firing', every(HOUR)),
      'update',
      'suppression_bypass',
    ],
    [
      'a firing after a suppression without an interval',
      suppressed,
      signal('11', 'firing'),
      'update',
      'suppression_bypass',
    ],
    [
      'a firing after a suppression, older than the interval',
      suppressed,
      signal('11', 'firing', every(MINUTE, aged(30 * MINUTE))),
      'update',
      'suppression_bypass',
    ],
    [
      'a firing after a suppression of something closed',
      { ...closed, lastSeen: 'suppressed' },
      signal('11', 'firing'),
      'trigger',
      'new',
    ],
    [
      'a resolve of what may be open',
      { ...never, mayBeOpen: true },
      signal('1', 'resolved'),
      'resolve',
      'resolved',
    ],
    [
      'an owed resolve of what may be open',
      { ...never, mayBeOpen: true, lastPosition: '10' },
      signal('10', 'resolved', { owed: true }),
      'resolve',
      'resolve_owed',
    ],
    ['a firing of what may be open', { ...never, mayBeOpen: true }, signal('1', 'firing'), 'trigger', 'new'],
    ['a resolve that is owed', owing, signal('10', 'resolved', { owed: true }), 'resolve', 'resolve_owed'],
    [
      'an owed resolve that was never decided',
      open,
      signal('11', 'resolved', { owed: true }),
      'resolve',
      'resolved',
    ],
    [
      'a signal without a policy',
      never,
      signal('1', 'firing', { policy: undefined as never }),
      'trigger',
      'new',
    ],
  ])('a notification: %s', (_, state, given, kind, reason) => {
    expect(shouldNotify(state, given, NOW)).toMatchObject({ notify: true, kind, reason });
  });

  test.each<[string, StreamState, IssueSignal, string]>([
    ['a firing while open, without an interval', open, signal('11', 'firing'), 'continuing'],
    [
      'a firing before the interval has passed',
      open,
      signal('11', 'firing', every(10 * MINUTE + 1)),
      'renotify_not_due',
    ],
    ['a resolve without anything open', never, signal('1', 'resolved'), 'resolved_without_notification'],
    ['a second resolve', closed, signal('11', 'resolved'), 'resolved_without_notification'],
    [
      'an old resolve without anything open',
      never,
      signal('1', 'resolved', aged(2 * HOUR)),
      'resolved_without_notification',
    ],
    ['a suppressed one', never, signal('1', 'suppressed'), 'suppressed'],
    ['a suppressed one while open', open, signal('11', 'suppressed'), 'suppressed'],
    ['the same one again', open, signal('10', 'firing'), 'older_than_last'],
    ['an older firing after resolve', closed, signal('9', 'firing'), 'older_than_last'],
    ['an older resolve', open, signal('9', 'resolved'), 'older_than_last'],
    ['a shorter number that is older', open, signal('9', 'resolved'), 'older_than_last'],
    ['the same resolve again that is not owed', owing, signal('10', 'resolved'), 'older_than_last'],
    [
      'an owed resolve of something closed',
      closed,
      signal('10', 'resolved', { owed: true }),
      'older_than_last',
    ],
    ['a firing that is asked for again', open, signal('10', 'firing', { owed: true }), 'older_than_last'],
    [
      'an owed resolve after which it fired again',
      open,
      signal('9', 'resolved', { owed: true }),
      'older_than_last',
    ],
    ['a first firing that is too old', never, signal('1', 'firing', aged(HOUR + 1)), 'stale'],
    ['a re-fire that is too old', closed, signal('11', 'firing', aged(2 * HOUR)), 'stale'],
    [
      'a renotification older than the interval',
      open,
      signal('11', 'firing', every(5 * MINUTE, aged(5 * MINUTE + 1))),
      'stale',
    ],
    [
      'a renotification older than the maximum, with a longer interval',
      { ...open, lastNotifiedAt: NOW - 9 * HOUR },
      signal('11', 'firing', every(8 * HOUR, aged(HOUR + 1))),
      'stale',
    ],
    [
      'a firing after a suppression that is too old',
      suppressed,
      signal('11', 'firing', aged(HOUR + 1)),
      'stale',
    ],
    [
      'a firing older than its route allows',
      never,
      signal('1', 'firing', { policy: policy({ maxSignalAgeMs: MINUTE }), ...aged(MINUTE + 1) }),
      'stale',
    ],
  ])('none: %s', (_, state, given, reason) => {
    expect(shouldNotify(state, given, NOW)).toMatchObject({ notify: false, reason });
  });
});

describe('before a late rule was known', () => {
  const without = (rule: string) => LATE_RULES.filter((each) => each !== rule);
  test.each<[string, StreamState, IssueSignal, string, string]>([
    ['suppression-bypass', suppressed, signal('11', 'firing'), 'suppression_bypass', 'continuing'],
    [
      'suppression-bypass',
      suppressed,
      signal('11', 'firing', every(HOUR)),
      'suppression_bypass',
      'renotify_not_due',
    ],
    ['staleness', never, signal('1', 'firing', aged(2 * HOUR)), 'stale', 'new'],
    ['staleness', open, signal('11', 'firing', every(MINUTE, aged(HOUR))), 'stale', 'renotify'],
    [
      'may-be-owed',
      { ...never, mayBeOpen: true, lastPosition: '10' },
      signal('10', 'resolved', { owed: true }),
      'resolve_owed',
      'older_than_last',
    ],
  ])('%s decides, and is reported: %#', (rule, state, given, today, before) => {
    expect(shouldNotify(state, given, NOW)).toMatchObject({ reason: today, rule });
    expect(shouldNotify(state, given, NOW, without(rule))).toMatchObject({ reason: before });
    expect(shouldNotify(state, given, NOW, without(rule)).rule).toBeUndefined();
  });
});

test('an owed resolve of what is open for sure is decided by no late rule', () => {
  expect(shouldNotify(owing, signal('10', 'resolved', { owed: true }), NOW)).toEqual({
    notify: true,
    kind: 'resolve',
    reason: 'resolve_owed',
  });
});

test('a notification that was begun in time is decided as if it were not stale, by all other rules', () => {
  for (const [state, reason] of [
    [suppressed, 'suppression_bypass'],
    [never, 'new'],
    [open, 'continuing'],
  ] as const)
    expect(shouldNotifyAtAnyAge(state, signal('11', 'firing', aged(9 * HOUR)), NOW)).toMatchObject({
      reason,
    });
});

test('a notification is worth delivering for what is left of its life, a resolve for a full one', () => {
  expect(timeToLiveMs(signal('1', 'firing', aged(10 * MINUTE)), 'new', NOW)).toBe(50 * MINUTE);
  expect(timeToLiveMs(signal('1', 'firing', every(15 * MINUTE, aged(10 * MINUTE))), 'renotify', NOW)).toBe(
    5 * MINUTE,
  );
  expect(timeToLiveMs(signal('1', 'firing', aged(3 * HOUR)), 'new', NOW)).toBe(0);
  expect(timeToLiveMs(signal('1', 'resolved', aged(3 * HOUR)), 'resolved', NOW)).toBe(HOUR);
  expect(timeToLiveMs(signal('1', 'firing', aged(-MINUTE)), 'new', NOW)).toBe(HOUR);
  // The route repeats nothing any more; what is on its way keeps its life.
  expect(timeToLiveMs(signal('1', 'firing'), 'renotify', NOW)).toBe(HOUR);
});

describe('the state', () => {
  const delivery = { now: 7, provider: 'webhook', externalId: 'x' };

  test('after a trigger is open, keeps what the provider called it, counts, and begins an episode', () => {
    const state = applyDelivery(never, signal('5', 'firing'), delivery);
    expect(state).toEqual({
      notificationCount: 1,
      lastNotifiedAt: 7,
      status: 'firing',
      lastPosition: '5',
      lastSeen: 'firing',
      silence: null,
      episode: '5',
      externalIds: { webhook: 'x' },
    });
    const again = applyDelivery(state, signal('6', 'firing'), { ...delivery, now: 9, externalId: null });
    expect(again).toMatchObject({ episode: '5', lastNotifiedAt: 9, externalIds: { webhook: 'x' } });
    const resolved = applyDelivery(again, signal('7', 'resolved'), { ...delivery, externalId: null });
    expect(resolved).toMatchObject({
      notificationCount: 3,
      status: 'resolved',
      episode: '5',
    });
    expect(resolved.externalIds).toStrictEqual({});
    expect(applyDelivery(resolved, signal('8', 'firing'), delivery)).toMatchObject({ episode: '8' });
  });

  test('after a silent decision has passed its position, and remembers since when it has been silent for that reason', () => {
    const once = applyDecision(open, signal('12', 'firing'), 'continuing');
    expect(once).toEqual({ ...open, lastPosition: '12', silence: { reason: 'continuing', since: '12' } });
    expect(applyDecision(once, signal('13', 'firing'), 'continuing').silence).toEqual({
      reason: 'continuing',
      since: '12',
    });
    const other = applyDecision(once, signal('13', 'suppressed'), 'suppressed');
    expect(other).toMatchObject({ lastSeen: 'suppressed', silence: { reason: 'suppressed', since: '13' } });
    expect(applyDelivery(other, signal('14', 'firing'), delivery).silence).toBeNull();
    expect(applyDecision(open, signal('3', 'firing'), 'older_than_last')).toBe(open);
    expect(applyDecision(suppressed, signal('12', 'firing'), 'stale').lastSeen).toBe('suppressed');
    expect(applyDecision(suppressed, signal('12', 'firing'), 'continuing').lastSeen).toBe('firing');
    expect(applyDecision(open, signal('12', 'firing'), 'stale').lastSeen).toBe('firing');
  });

  describe('after a notification was dropped', () => {
    const drop = (state: StreamState, given: IssueSignal, mayBeOpen: boolean) =>
      applyDrop(state, given, { reason: given.status === 'resolved' ? 'resolved' : 'new', mayBeOpen });

    test('for sure is as it was, but for the position', () => {
      expect(drop(never, signal('5', 'firing'), false)).toEqual({
        ...never,
        lastPosition: '5',
        lastSeen: 'firing',
        silence: null,
      });
    });

    test.each<[string, StreamState, IssueStatus, object]>([
      ['a trigger may have begun an episode', never, 'firing', { status: 'none', episode: '11' }],
      ['an update leaves the incident open', open, 'firing', { status: 'firing', episode: '10' }],
      ['a resolve may have closed the incident', owing, 'resolved', { status: 'resolved', episode: '10' }],
      [
        'a resolve of what may be open leaves it in doubt',
        { ...never, mayBeOpen: true, episode: '10' },
        'resolved',
        { status: 'none', episode: '10' },
      ],
      [
        'a resolve begins no episode',
        { ...never, mayBeOpen: true },
        'resolved',
        { status: 'none', episode: null },
      ],
    ])('in doubt, something may be open: %s', (_, state, status, after) => {
      expect(drop(state, signal('11', status), true)).toMatchObject({ mayBeOpen: true, ...after });
    });
  });
});

/** One thing that happens: an issue at a position, or the sweep, some time after the one before it. */
const happenings = fc.array(
  fc.record({
    position: fc.nat(40),
    status: fc.constantFrom<IssueStatus>('firing', 'resolved', 'suppressed'),
    /** The sweep asks once more for the resolve at this position. */
    owed: fc.constantFrom(false, false, false, true),
    passedMs: fc.constantFrom(0, MINUTE, 20 * MINUTE, 2 * HOUR),
    ageMs: fc.constantFrom(0, 5 * MINUTE, 2 * HOUR),
    fate: fc.constantFrom<Fate>('delivered', 'delivered', ...FATES),
  }),
  { maxLength: 60 },
);
const intervals = fc.constantFrom(null, MINUTE, 15 * MINUTE);

interface Step {
  readonly given: IssueSignal;
  readonly reason: string;
  readonly kind: string | null;
  readonly isDelivered: boolean;
  readonly before: StreamState;
  readonly now: number;
}

/** Runs signals through the decision, and each notification to its fate. */
function run(list: readonly (readonly [IssueSignal, number, Fate])[]): Scene & {
  readonly steps: readonly Step[];
} {
  let scene: Scene = { state: never, open: new Set() };
  const steps = list.map(([given, now, fate]): Step => {
    const before = scene.state;
    const { reason, kind, isDelivered, ...after } = playSignal(scene, given, { now, fate });
    scene = after;
    return { given, reason, kind, isDelivered, before, now };
  });
  return { steps, ...scene };
}

type Happening = typeof happenings extends fc.Arbitrary<readonly (infer One)[]> ? One : never;
function timeline(list: readonly Happening[], renotifyIntervalMs: number | null) {
  let now = NOW;
  return list.map(({ position, status, passedMs, ageMs, fate, owed }) => {
    now += passedMs;
    const given = signal(String(position), status, {
      storedAt: now - ageMs,
      policy: policy({ renotifyIntervalMs }),
      ...(owed && status === 'resolved' ? { owed } : {}),
    });
    return [given, now, fate] as const;
  });
}

describe('whatever comes in whatever order', () => {
  test('notifications alternate: a trigger, any updates, a resolve; what is in doubt may be repeated', () => {
    fc.assert(
      fc.property(happenings, intervals, (list, interval) => {
        for (const { kind, isDelivered, before } of run(timeline(list, interval)).steps) {
          if (!isDelivered) continue;
          if (kind === 'trigger') expect(before.status).not.toBe('firing');
          else expect(before.status === 'firing' || before.mayBeOpen === true).toBe(true);
        }
      }),
    );
  });

  test('whatever may be open is closed in the end, and nothing else is', () => {
    fc.assert(
      fc.property(happenings, intervals, (list, interval) => {
        const scene = run(timeline(list, interval));
        const resolved = signal('100', 'resolved', { storedAt: NOW + 200 * HOUR });
        const end = endWell(scene, resolved, NOW + 200 * HOUR);
        expect([...end.open]).toEqual([]);
        expect(end.state.mayBeOpen ?? false).toBe(false);
        expect(end.state.status).not.toBe('firing');
      }),
      { numRuns: 500 },
    );
  });

  test('whatever may be open is closed in the end, although its resolve was dropped as often as you like', () => {
    fc.assert(
      fc.property(
        anyStreamState,
        fc.array(fc.constantFrom<Fate>('dropped', 'doubted-and-lost', 'doubted-and-received'), {
          maxLength: 4,
        }),
        (state, fates) => {
          const resolved = signal('2000', 'resolved');
          let scene: Scene = { state, open: new Set([state.episode ?? '']) };
          const mayBeOpen = state.status === 'firing' || state.mayBeOpen === true;
          for (const [index, fate] of fates.entries()) {
            const given = index === 0 ? resolved : { ...resolved, owed: true };
            const played = playSignal(scene, given, { now: NOW, fate });
            expect(played.kind === 'resolve').toBe(mayBeOpen);
            expect(owesResolve(played.state, resolved)).toBe(mayBeOpen);
            scene = played;
          }
          const end = endWell(scene, fates.length === 0 ? resolved : { ...resolved, owed: true }, NOW);
          expect(end.sweeps).toBe(0);
          if (mayBeOpen) expect([...end.open]).toEqual([]);
          expect(owesResolve(end.state, resolved)).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('while something may be open, no other incident begins', () => {
    fc.assert(
      fc.property(happenings, intervals, (list, interval) => {
        let scene: Scene = { state: never, open: new Set() };
        for (const [given, now, fate] of timeline(list, interval)) {
          scene = playSignal(scene, given, { now, fate });
          expect(scene.open.size).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('positions only go forward, and none that is not newer is notified', () => {
    fc.assert(
      fc.property(happenings, intervals, (list, interval) => {
        let newest = -1;
        for (const { given, reason, before } of run(timeline(list, interval)).steps) {
          const isOwed = reason === 'resolve_owed' && Number(given.position) === newest;
          expect(reason === 'older_than_last' || isOwed).toBe(Number(given.position) <= newest);
          expect(before.lastPosition ?? '-1').toBe(String(newest));
          newest = Math.max(newest, Number(given.position));
        }
      }),
    );
  });

  test('nothing is repeated within the interval, unless it was suppressed in between', () => {
    fc.assert(
      fc.property(happenings, intervals, (list, interval) => {
        const wrong = run(timeline(list, interval)).steps.filter(({ reason, before, now }) => {
          const waited = now - (before.lastNotifiedAt ?? 0);
          if (reason === 'renotify') return waited < (interval ?? Infinity);
          return reason === 'suppression_bypass' && before.lastSeen !== 'suppressed';
        });
        expect(wrong).toEqual([]);
      }),
    );
  });

  test('nothing stale is notified but a resolve, and every newer resolve of an open incident is', () => {
    fc.assert(
      fc.property(happenings, intervals, (list, interval) => {
        const wrong = run(timeline(list, interval)).steps.filter(({ given, kind, before, now, reason }) => {
          if (kind === 'trigger' || kind === 'update') return now - given.storedAt > HOUR;
          const mayBeOpen = before.status === 'firing' || before.mayBeOpen === true;
          const closes = given.status === 'resolved' && mayBeOpen;
          return closes && reason !== 'older_than_last' && kind !== 'resolve';
        });
        expect(wrong).toEqual([]);
      }),
    );
  });

  test('duplicates and late repeats change nothing', () => {
    fc.assert(
      fc.property(happenings, intervals, fc.infiniteStream(fc.nat()), (list, interval, picks) => {
        const inOrder = timeline(list, interval).map(
          ([given, now, fate], index) =>
            [
              signal(String(index + 1), given.status, { ...given, position: String(index + 1), owed: false }),
              now,
              fate,
            ] as const,
        );
        const noisy = inOrder.flatMap((each, index) => {
          const [earlier] = inOrder[picks.next().value % (index + 1)] ?? each;
          return [each, [earlier, each[1], 'delivered'] as const];
        });
        expect(run(noisy).state).toEqual(run(inOrder).state);
      }),
    );
  });

  test('any order of the same signals ends with the newest one decided', () => {
    fc.assert(
      fc.property(
        happenings.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        ([list, shuffled]) => {
          const all = run(timeline(shuffled, null)).state;
          const newest = list.length === 0 ? null : String(Math.max(...list.map(({ position }) => position)));
          expect(all.lastPosition).toBe(newest);
        },
      ),
    );
  });

  test('runs of silence do not overlap: one position has at most one reason', () => {
    fc.assert(
      fc.property(happenings, intervals, (list, interval) => {
        const ranges = new Map<string, { reason: string; from: number; to: number }>();
        let scene: Scene = { state: never, open: new Set() };
        for (const [given, now, fate] of timeline(list, interval)) {
          const { reason, kind, ...after } = playSignal(scene, given, { now, fate });
          scene = after;
          if (kind !== null || reason === 'older_than_last') continue;
          const since = scene.state.silence?.since ?? '';
          const known = ranges.get(since);
          ranges.set(since, {
            reason,
            from: known?.from ?? Number(given.position),
            to: Number(given.position),
          });
        }
        const sorted = [...ranges.values()].toSorted((a, b) => a.from - b.from);
        for (const [index, range] of sorted.entries())
          expect(range.to).toBeLessThan(sorted[index + 1]?.from ?? Infinity);
      }),
    );
  });
});
