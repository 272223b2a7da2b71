import { positionAt } from '../contract/position.ts';
import { app, backlogEntry, HERE, matched, NOON, openStream, run, seen } from './explain-facts.ts';
import { type ExplainedStreamRow, OVER } from './explained-streams.ts';

/** Streams that decided to stay silent, or did not decide. */
export const SILENCES: readonly ExplainedStreamRow[] = [
  {
    name: 'late',
    facts: {
      runs: [run('older_than_last')],
      streams: [openStream({ lastPosition: positionAt(NOON + 5000) })],
    },
    reason: 'older_than_last',
    outcome: 'none',
    summary:
      'Not notified: the stream had already decided about this issue or a newer one, so it came late or twice.',
    also: { repeats: 0, notify: false },
  },
  {
    name: 'late, three times',
    facts: { runs: [run('older_than_last', { count: 3 })] },
    reason: 'older_than_last',
    outcome: 'none',
    summary:
      'Not notified: the stream had already decided about this issue or a newer one, so it came late or twice; signalled 2 times more, without effect.',
    also: { repeats: 2 },
  },
  {
    name: 'still firing',
    facts: { runs: [run('continuing')] },
    reason: 'continuing',
    outcome: 'none',
    summary: 'Not notified: still firing, and the route never renotifies.',
    also: {
      decision: {
        reason: 'continuing',
        kind: null,
        at: '2026-03-01T12:00:02.000Z',
        first: '2026-03-01T12:00:02.000Z',
        last: '2026-03-01T12:00:02.000Z',
        count: 1,
      },
    },
  },
  {
    name: 'still firing, one of many',
    facts: {
      runs: [
        run('continuing', {
          since: positionAt(NOON - 60_000),
          firstPosition: positionAt(NOON - 60_000),
          lastPosition: positionAt(NOON + 30_000),
          firstAt: NOON - 58_000,
          lastAt: NOON + 31_000,
          count: 7,
        }),
      ],
    },
    reason: 'continuing',
    outcome: 'none',
    summary:
      'Not notified: still firing, and the route never renotifies (one of 7 such decisions, 11:59:02Z to 12:00:31Z).',
    also: { decision: { count: 7, first: '2026-03-01T11:59:02.000Z', last: '2026-03-01T12:00:31.000Z' } },
  },
  {
    name: 'still firing, and came again',
    facts: { runs: [run('continuing'), run('older_than_last')] },
    reason: 'continuing',
    outcome: 'none',
    summary:
      'Not notified: still firing, and the route never renotifies; signalled once more, without effect.',
    also: { repeats: 1 },
  },
  {
    name: 'seen only after the run had passed it',
    facts: {
      entries: [seen({ at: NOON + 40_000 }), matched({ at: NOON + 40_000 })],
      runs: [
        run('continuing', {
          since: '1',
          firstPosition: '1',
          lastPosition: positionAt(NOON + 9000),
          lastAt: NOON + 9000,
          count: 5,
        }),
        run('older_than_last', { firstAt: NOON + 41_000, lastAt: NOON + 41_000 }),
      ],
    },
    reason: 'older_than_last',
    outcome: 'none',
    summary:
      'Not notified: the stream had already decided about this issue or a newer one, so it came late or twice.',
  },
  {
    name: 'seen only after the run had passed it, and not decided',
    facts: {
      entries: [seen({ at: NOON + 40_000 }), matched({ at: NOON + 40_000 })],
      runs: [
        run('continuing', {
          since: '1',
          firstPosition: '1',
          lastPosition: positionAt(NOON + 9000),
          lastAt: NOON + 9000,
          count: 5,
        }),
      ],
    },
    reason: 'not_decided_yet',
    outcome: 'none',
    summary: 'Not decided yet: signalled since 12:00:40Z, and no decision is recorded so far.',
  },
  {
    name: 'the last of its run, by a clock that is behind that of the scan',
    facts: {
      entries: [seen({ at: NOON + 40_000 }), matched({ at: NOON + 40_000 })],
      runs: [
        run('continuing', { since: '1', firstPosition: '1', lastAt: NOON + 30_000, count: 5, firstAt: NOON }),
      ],
    },
    reason: 'continuing',
    outcome: 'none',
    summary:
      'Not notified: still firing, and the route never renotifies (one of 5 such decisions, 12:00:00Z to 12:00:30Z).',
  },
  {
    name: 'the interval has not passed',
    facts: { runs: [run('renotify_not_due')], streams: [openStream()] },
    reason: 'renotify_not_due',
    outcome: 'none',
    summary:
      'Not notified: still firing, and the route renotifies every 15 min; the next renotification is due after 12:10:00Z.',
    also: { nextRenotificationNotBefore: '2026-03-01T12:10:00.000Z' },
  },
  {
    name: 'the interval had not passed then, and has since',
    facts: { runs: [run('renotify_not_due')], streams: [openStream({ lastNotifiedAt: NOON + 20_000 })] },
    reason: 'renotify_not_due',
    outcome: 'none',
    summary:
      'Not notified: still firing, and the route renotifies every 15 min; it was renotified at 12:00:20Z.',
  },
  {
    name: 'suppressed',
    facts: { runs: [run('suppressed')], streams: [openStream({ lastSeen: 'suppressed' })] },
    reason: 'suppressed',
    outcome: 'none',
    summary: 'Not notified: the monitor reported it as suppressed.',
    also: { nextRenotificationNotBefore: null },
  },
  {
    name: 'over, and nothing was open',
    facts: { issue: OVER, runs: [run('resolved_without_notification')] },
    reason: 'resolved_without_notification',
    outcome: 'none',
    summary: 'Not notified: it has resolved, and no incident was open at the provider.',
  },
  {
    name: 'stale',
    facts: {
      runs: [run('stale', { firstAt: NOON + 7_200_000, lastAt: NOON + 7_200_000 })],
      now: NOON + 7_300_000,
    },
    reason: 'stale',
    outcome: 'none',
    summary: 'Not notified: it was 2 h old, older than the maximum age (1 h) when it was decided.',
  },
  {
    name: 'the app was disabled',
    facts: { entries: [seen(), matched({ apps: [] })] },
    reason: 'connected_app_disabled',
    outcome: 'none',
    summary:
      'Not notified: the connected app was disabled when the issue was matched; it is enabled again now.',
    also: { decision: null },
  },
  {
    name: 'the app was disabled, and the run of its stream went on over the issue',
    facts: {
      entries: [seen(), matched({ apps: [] })],
      apps: [app({ enabled: false })],
      runs: [
        run('continuing', {
          since: '1',
          firstPosition: '1',
          lastPosition: positionAt(NOON + 9000),
          count: 5,
        }),
      ],
    },
    reason: 'connected_app_disabled',
    outcome: 'none',
    summary: 'Not notified: the connected app was disabled when the issue was matched.',
  },
  {
    name: 'waits for others of an app that is throttled',
    facts: { backlog: [backlogEntry()], apps: [app({ health: { throttledForMs: 30_000 } })] },
    reason: 'waiting_in_backlog',
    outcome: 'none',
    summary:
      'Not decided yet: waiting in the backlog since 12:00:01Z, because the alert streams of the connected app "on-call" that run already use up its share; it starts when one of them ends; webhook is throttled for another 30 s.',
    also: { throttledUntil: '2026-03-01T12:01:30.000Z' },
  },
  {
    name: 'signalled',
    facts: {},
    reason: 'not_decided_yet',
    outcome: 'none',
    summary: 'Not decided yet: signalled since 12:00:01Z, and no decision is recorded so far.',
  },
  {
    name: 'signalled, and the provider throttles',
    facts: { apps: [app({ health: { throttledForMs: 30_000 } })] },
    reason: 'not_decided_yet',
    outcome: 'none',
    summary:
      'Not decided yet: signalled since 12:00:01Z, and no decision is recorded so far; webhook is throttled for another 30 s.',
    also: { throttledUntil: '2026-03-01T12:01:30.000Z' },
  },
  {
    name: 'decided, before the ledger has it',
    facts: { streams: [openStream({ silence: { reason: 'continuing', since: HERE } })] },
    reason: 'continuing',
    outcome: 'none',
    summary: 'Not notified: still firing, and the route never renotifies.',
    also: { decision: { reason: 'continuing', kind: null, at: null } },
  },
  {
    name: 'decided, and no row has the decision',
    facts: { streams: [openStream({ lastPosition: positionAt(NOON + 5000) })] },
    reason: 'decision_not_recorded',
    outcome: 'none',
    summary:
      'Decided, but the ledger does not show how: the stream has passed this issue, and its entry is late or lost.',
  },
  {
    name: 'a newer one took its place in the backlog',
    facts: {
      runs: [
        run('superseded_by_newer', {
          since: positionAt(NOON - 5000),
          firstPosition: positionAt(NOON - 5000),
          lastPosition: positionAt(NOON + 5000),
          count: 3,
        }),
      ],
    },
    reason: 'superseded_by_newer',
    outcome: 'none',
    summary:
      'Not notified: it waited behind others, and a newer issue of its stream took its place (one of 3 such decisions, 12:00:02Z to 12:00:02Z).',
  },
  {
    name: 'waiting for its share',
    facts: { backlog: [backlogEntry()] },
    reason: 'waiting_in_backlog',
    outcome: 'none',
    summary:
      'Not decided yet: waiting in the backlog since 12:00:01Z, because the alert streams of the connected app "on-call" that run already use up its share; it starts when one of them ends.',
  },
  {
    name: 'waiting for its share, behind a newer issue',
    facts: {
      backlog: [
        backlogEntry({
          signal: { eventId: 'e2', position: positionAt(NOON + 5000), status: 'resolved', storedAt: NOON },
        }),
      ],
    },
    reason: 'waiting_in_backlog',
    outcome: 'none',
    summary:
      'Not decided yet: waiting in the backlog since 12:00:01Z, because the alert streams of the connected app "on-call" that run already use up its share; it starts when one of them ends; a newer issue of its stream waits with it and takes its place.',
  },
  {
    name: 'waiting for Temporal',
    facts: {
      backlog: [backlogEntry({ reason: 'unreachable', attempts: 3, nextAttemptAt: NOON + 64_000 })],
    },
    reason: 'waiting_in_backlog',
    outcome: 'none',
    summary:
      'Not decided yet: waiting in the backlog since 12:00:01Z, because Temporal did not take the signal 3 times; the next attempt is at 12:01:04Z.',
  },
  {
    name: 'an older issue of its stream waits',
    facts: {
      backlog: [
        backlogEntry({
          firstPosition: '1',
          signal: { eventId: 'e0', position: '2', status: 'firing', storedAt: 1 },
        }),
      ],
    },
    reason: 'not_decided_yet',
    outcome: 'none',
    summary: 'Not decided yet: signalled since 12:00:01Z, and no decision is recorded so far.',
  },
  {
    name: 'not scanned',
    facts: { entries: [], routesThen: null },
    reason: 'not_scanned_yet',
    outcome: 'none',
    summary: 'Not decided yet: no scan has read the issue since it was stored at 12:00:00Z, 1 min ago.',
  },
];
