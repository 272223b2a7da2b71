import { describe, expect, test } from '@jest/globals';
import { explainFacts, HERE, intent, matched, routeVersion, run, seen } from '../testing/explain-facts.ts';
import { delivered, SIGNALLED } from '../testing/explained-streams.ts';
import { explainAlert } from './explain-alert.ts';
import type { ExplainFacts } from './facts.ts';

describe('the whole is said in one sentence', () => {
  const other = (parts: object) => routeVersion({ routeId: 'r2', name: 'others', ...parts });
  test.each<[string, Partial<ExplainFacts>, string]>([
    [
      'one stream speaks for itself',
      { entries: delivered() },
      'on-call (payments): Delivered at 12:00:03Z: accepted by webhook (HTTP 200).',
    ],
    [
      'several are listed',
      {
        entries: [...delivered(), matched({ id: 'm2', routeId: 'r2', apps: ['a', 'b'] })],
        routesThen: [routeVersion(), other({ connectedAppIds: ['a', 'b'] })],
        runs: [run('continuing', { routeId: 'r2' })],
        intents: [
          intent({
            notificationId: `alert-f1-r2-b-${HERE}`,
            stream: { fingerprint: 'f1', routeId: 'r2', connectedAppId: 'b' },
          }),
        ],
      },
      'Delivered: on-call (payments). Under way: b (others). Not notified: on-call (others) continuing.',
    ],
    [
      'no notification by two',
      {
        entries: [...SIGNALLED, matched({ id: 'm2', routeId: 'r2' })],
        routesThen: [routeVersion(), other({})],
        runs: [run('continuing', { routeId: 'r2' }), run('suppressed')],
      },
      'Nobody notified: on-call (others) continuing, on-call (payments) suppressed.',
    ],
    [
      'the closest of those that did not match',
      {
        entries: [seen()],
        routesThen: [routeVersion({ query: 'severity:low' }), other({ query: 'namespace:payments team:a' })],
      },
      'Nobody notified: none of 2 routes matched; the closest, "others", requires team:"a".',
    ],
    [
      'what was disabled',
      {
        entries: [seen()],
        routesThen: [routeVersion({ query: 'severity:low' }), other({ query: '*', enabled: false })],
      },
      'Nobody notified: none of 2 routes matched; "others" would have matched, but was disabled.',
    ],
    [
      'no route',
      { entries: [seen()], routesThen: [], routesNow: [] },
      'Nobody notified: there was no route.',
    ],
    [
      'no app',
      { entries: [seen(), matched({ apps: [] })], routesThen: [routeVersion({ connectedAppIds: [] })] },
      'Nobody notified: the route "payments" matched and has no connected app.',
    ],
    [
      'an event that was stored again',
      { entries: delivered(), repeatedAt: Date.parse('2026-03-01T12:00:30Z') },
      'on-call (payments): Delivered at 12:00:03Z: accepted by webhook (HTTP 200). The event was stored again at 12:00:30Z, which changed nothing.',
    ],
    [
      'not scanned',
      { entries: [], routesThen: null, routesNow: [routeVersion(), other({ query: 'severity:low' })] },
      'Nobody notified so far: no scan has read it since it was stored at 12:00:00Z, 1 min ago; as the routes are now, 1 of 2 would match.',
    ],
  ])('%s', (_, facts, summary) => {
    expect(explainAlert(explainFacts(facts)).summary).toBe(summary);
  });

  test('with the issue, and instants as ISO 8601', () => {
    expect(explainAlert(explainFacts())).toMatchObject({
      fingerprint: 'f1',
      at: '2026-03-01T12:01:00.000Z',
      position: HERE,
      eventId: 'e1',
      seenAt: '2026-03-01T12:00:01.000Z',
      issue: {
        eventId: 'e1',
        monitor: 'pod-restarts',
        status: 'firing',
        severity: 'critical',
        startsAt: '2026-03-01T12:00:00.000Z',
        endsAt: null,
        storedAt: '2026-03-01T12:00:00.000Z',
        labels: { namespace: 'payments' },
      },
    });
  });

  test('without the issue where its row is gone', () => {
    expect(explainAlert(explainFacts({ issue: null, newest: null }))).toMatchObject({
      issue: null,
      eventId: 'e1',
    });
  });
});
