import { positionAt } from '../contract/position.ts';
import { app, HERE, matched, NOON, openStream, run, seen } from './explain-facts.ts';
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
    summary: 'Not told: the stream had decided about something as new or newer, so this came late or again.',
    also: { repeats: 0, notify: false },
  },
  {
    name: 'late, three times',
    facts: { runs: [run('older_than_last', { count: 3 })] },
    reason: 'older_than_last',
    outcome: 'none',
    summary:
      'Not told: the stream had decided about something as new or newer, so this came late or again; it came 2 times more and changed nothing.',
    also: { repeats: 2 },
  },
  {
    name: 'goes on',
    facts: { runs: [run('continuing')] },
    reason: 'continuing',
    outcome: 'none',
    summary: 'Not told: still firing, and the route never renotifies.',
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
    name: 'goes on, one of many',
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
      'Not told: still firing, and the route never renotifies (one of 7 such decisions, 11:59:02Z to 12:00:31Z).',
    also: { decision: { count: 7, first: '2026-03-01T11:59:02.000Z', last: '2026-03-01T12:00:31.000Z' } },
  },
  {
    name: 'goes on, and came again',
    facts: { runs: [run('continuing'), run('older_than_last')] },
    reason: 'continuing',
    outcome: 'none',
    summary: 'Not told: still firing, and the route never renotifies; it came once more and changed nothing.',
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
    summary: 'Not told: the stream had decided about something as new or newer, so this came late or again.',
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
    summary: 'Not told yet: signalled since 12:00:40Z, and no decision is known so far.',
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
      'Not told: still firing, and the route never renotifies (one of 5 such decisions, 12:00:00Z to 12:00:30Z).',
  },
  {
    name: 'the interval has not passed',
    facts: { runs: [run('renotify_not_due')], streams: [openStream()] },
    reason: 'renotify_not_due',
    outcome: 'none',
    summary:
      'Not told: still firing, and the route renotifies every 15 min; the next is due after 12:10:00Z.',
    also: { nextRenotificationNotBefore: '2026-03-01T12:10:00.000Z' },
  },
  {
    name: 'the interval had not passed then, and has since',
    facts: { runs: [run('renotify_not_due')], streams: [openStream({ lastNotifiedAt: NOON + 20_000 })] },
    reason: 'renotify_not_due',
    outcome: 'none',
    summary:
      'Not told: still firing, and the route renotifies every 15 min; it was told of again at 12:00:20Z.',
  },
  {
    name: 'suppressed',
    facts: { runs: [run('suppressed')], streams: [openStream({ lastSeen: 'suppressed' })] },
    reason: 'suppressed',
    outcome: 'none',
    summary: 'Not told: the monitor reported it as suppressed.',
    also: { nextRenotificationNotBefore: null },
  },
  {
    name: 'over, and nothing was open',
    facts: { issue: OVER, runs: [run('resolved_without_notification')] },
    reason: 'resolved_without_notification',
    outcome: 'none',
    summary: 'Not told: it is over, and nothing was open outside.',
  },
  {
    name: 'stale',
    facts: {
      runs: [run('stale', { firstAt: NOON + 7_200_000, lastAt: NOON + 7_200_000 })],
      now: NOON + 7_300_000,
    },
    reason: 'stale',
    outcome: 'none',
    summary: 'Not told: it was 2 h old, too old to be worth telling (1 h) when it was decided.',
  },
  {
    name: 'the app was switched off',
    facts: { entries: [seen(), matched({ apps: [] })] },
    reason: 'connected_app_disabled',
    outcome: 'none',
    summary: 'Not told: the connected app was switched off when the issue was matched; it is on again now.',
    also: { decision: null },
  },
  {
    name: 'the app was switched off, and the run of its stream went on over the issue',
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
    summary: 'Not told: the connected app was switched off when the issue was matched.',
  },
  {
    name: 'signalled',
    facts: {},
    reason: 'not_decided_yet',
    outcome: 'none',
    summary: 'Not told yet: signalled since 12:00:01Z, and no decision is known so far.',
  },
  {
    name: 'signalled, and the provider wants to be left alone',
    facts: { apps: [app({ health: { throttledForMs: 30_000 } })] },
    reason: 'not_decided_yet',
    outcome: 'none',
    summary:
      'Not told yet: signalled since 12:00:01Z, and no decision is known so far; webhook asks to be left alone for another 30 s.',
  },
  {
    name: 'decided, before the ledger has it',
    facts: { streams: [openStream({ silence: { reason: 'continuing', since: HERE } })] },
    reason: 'continuing',
    outcome: 'none',
    summary: 'Not told: still firing, and the route never renotifies.',
    also: { decision: { reason: 'continuing', kind: null, at: null } },
  },
  {
    name: 'decided, and no row tells how',
    facts: { streams: [openStream({ lastPosition: positionAt(NOON + 5000) })] },
    reason: 'decision_not_recorded',
    outcome: 'none',
    summary:
      'Decided, but the ledger does not tell how: the stream is past this issue, and its entry is late or lost.',
  },
  {
    name: 'not scanned',
    facts: { entries: [], routesThen: null },
    reason: 'not_scanned_yet',
    outcome: 'none',
    summary: 'Not told yet: no scan has read the issue since it was stored at 12:00:00Z, 1 min ago.',
  },
];
