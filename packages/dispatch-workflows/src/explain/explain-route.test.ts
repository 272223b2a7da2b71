import { describe, expect, test } from '@jest/globals';
import { positionAt } from '../contract/position.ts';
import {
  app,
  entry,
  explainFacts,
  matched,
  NOON,
  openStream,
  routeVersion,
  run,
  seen,
} from '../testing/explain-facts.ts';
import { storedIssue } from '../testing/stored-issue.ts';
import { OVER } from '../testing/explained-streams.ts';
import { explainAlert } from './explain-alert.ts';
import { ROUTE_REASONS } from './explanation.ts';
import type { ExplainFacts } from './facts.ts';

const ROWS: readonly {
  readonly name: string;
  readonly facts: Partial<ExplainFacts>;
  readonly expected: object;
}[] = [
  {
    name: 'matched',
    facts: {},
    expected: {
      id: 'r1',
      name: 'payments',
      version: 1,
      matched: true,
      clause: 'namespace:"payments"',
      reason: 'matched',
      summary: 'Matched, because namespace:"payments".',
    },
  },
  {
    name: 'matched as everything, by a route that has changed since',
    facts: {
      entries: [seen(), matched({ clause: '*' })],
      routesThen: [routeVersion({ query: '' })],
      routesNow: [routeVersion({ version: 4 })],
    },
    expected: {
      version: 1,
      clause: '*',
      summary: 'Matched, because it takes every issue; the route has changed since, from version 1 to 4.',
    },
  },
  {
    name: 'too complex for the values of the issue',
    facts: {
      issue: storedIssue(NOON / 1000, { eventId: 'e1', annotations: { x: 'a'.repeat(32_768) } }),
      entries: [seen()],
      routesThen: [routeVersion({ query: `annotation.x:*${'a'.repeat(2000)}b*` })],
    },
    expected: {
      matched: false,
      reason: 'query_too_complex',
      clause: null,
      streams: [],
      summary: 'Not matched: the query takes more than 400000 steps on the values of this issue.',
    },
  },
  {
    name: 'not matched by a resolve, which reached the open stream all the same',
    facts: {
      issue: storedIssue(NOON / 1000, { eventId: 'e1', status: 'resolved', severity: '' }),
      entries: [
        seen(),
        matched({ id: 'reached', clause: undefined, configVersion: undefined, code: 'REACHED' }),
        entry('decided', { kind: 'resolve', reason: 'resolved' }),
        entry('settled', { kind: 'resolve', reason: 'resolved', outcome: 'delivered', at: NOON + 3000 }),
      ],
      routesThen: [routeVersion({ query: 'severity:critical' })],
      routesNow: [routeVersion({ query: 'severity:critical' })],
    },
    expected: {
      matched: false,
      reason: 'not_matched',
      version: 1,
      summary:
        'Not matched: severity:"critical" does not hold, the issue has severity ""; as a resolve it went to the alert streams of this route that are open or may be.',
      streams: [expect.objectContaining({ connectedAppId: 'a', reason: 'resolved' })],
    },
  },
  {
    name: 'not matched by a resolve, whose stream had nothing to close',
    facts: {
      issue: storedIssue(NOON / 1000, { eventId: 'e1', status: 'resolved', severity: '' }),
      entries: [
        seen(),
        matched({ id: 'reached', clause: undefined, configVersion: undefined, code: 'REACHED' }),
      ],
      runs: [run('resolved_without_notification', { version: 0 })],
      routesThen: [routeVersion({ query: 'severity:critical' })],
      routesNow: [routeVersion({ query: 'severity:critical' })],
    },
    expected: {
      matched: false,
      streams: [expect.objectContaining({ reason: 'resolved_without_notification' })],
    },
  },
  {
    name: 'not matched',
    facts: {
      entries: [seen()],
      routesThen: [routeVersion({ query: 'namespace:payments AND team:(a OR b) AND severity:low' })],
    },
    expected: {
      matched: false,
      reason: 'not_matched',
      clause: 'team:("a" OR "b")',
      streams: [],
      summary: 'Not matched: team:("a" OR "b") does not hold, the issue has no team.',
    },
  },
  {
    name: 'not matched, by a route that was removed since',
    facts: {
      entries: [seen()],
      routesThen: [routeVersion({ query: 'severity:low' })],
      routesNow: [routeVersion({ query: 'severity:low', removed: true, version: 2 })],
    },
    expected: {
      reason: 'not_matched',
      summary:
        'Not matched: severity:"low" does not hold, the issue has severity "critical"; the route has been removed since.',
    },
  },
  {
    name: 'not matched, for an unknown reason',
    facts: { entries: [seen()], issue: null },
    expected: {
      reason: 'not_matched',
      clause: null,
      summary: 'Not matched: the issue has been deleted, so the clause is no longer known.',
    },
  },
  {
    name: 'disabled',
    facts: {
      entries: [seen()],
      routesThen: [routeVersion({ enabled: false })],
      routesNow: [routeVersion({ version: 2 })],
    },
    expected: {
      matched: false,
      reason: 'route_disabled',
      summary:
        'Not matched: the route was disabled; it would have matched; the route has changed since, from version 1 to 2.',
    },
  },
  {
    name: 'removed before',
    facts: {
      entries: [seen()],
      routesThen: [routeVersion({ removed: true })],
      routesNow: [routeVersion({ removed: true })],
    },
    expected: {
      matched: false,
      reason: 'route_removed',
      summary: 'Not matched: the route had been removed; it would have matched.',
    },
  },
  {
    name: 'unreadable',
    facts: {
      entries: [seen()],
      routesThen: [routeVersion({ query: 'a:(' })],
      routesNow: [routeVersion({ query: 'a:(' })],
    },
    expected: {
      reason: 'route_unreadable',
      clause: null,
      summary: 'Not matched: the query of the route does not parse.',
    },
  },
  {
    name: 'without an app',
    facts: {
      entries: [seen(), matched({ apps: [] })],
      routesThen: [routeVersion({ connectedAppIds: [] })],
      routesNow: [routeVersion({ connectedAppIds: [] })],
    },
    expected: {
      matched: true,
      reason: 'no_connected_app',
      streams: [],
      summary: 'Matched, because namespace:"payments", but has no connected app.',
    },
  },
  {
    name: 'newer',
    facts: { entries: [seen()], routesThen: [] },
    expected: {
      matched: false,
      reason: 'route_is_newer',
      streams: [],
      summary: 'Not matched: the route was created after the issue was scanned; it would have matched.',
    },
  },
  {
    name: 'newer than the first scan, and matched by the second',
    facts: { routesThen: [] },
    expected: { matched: true, reason: 'matched', summary: 'Matched, because namespace:"payments".' },
  },
  {
    name: 'not scanned, as it is now',
    facts: { entries: [], routesThen: null },
    expected: {
      matched: true,
      reason: 'matched',
      summary: 'Would match as it is now, because namespace:"payments".',
    },
  },
  {
    name: 'not scanned, and not matching as it is now',
    facts: { entries: [], routesThen: null, routesNow: [routeVersion({ query: 'team:*' })] },
    expected: {
      matched: false,
      reason: 'not_matched',
      summary: 'Would not match as it is now: team:* does not hold, the issue has no team.',
    },
  },
  {
    name: 'open at the provider, disabled, and resolved',
    facts: {
      issue: OVER,
      entries: [seen()],
      routesThen: [routeVersion({ enabled: false })],
      routesNow: [routeVersion({ enabled: false })],
      streams: [openStream({ lastPosition: positionAt(NOON - 1000) })],
    },
    expected: {
      matched: false,
      reason: 'route_disabled',
      streams: [
        expect.objectContaining({
          reason: 'not_decided_yet',
          owed: true,
          summary:
            'Open at the provider although the alert has resolved: the route did not match, and the sweep resends the resolve.',
        }),
      ],
    },
  },
  {
    name: 'possibly open at the provider, disabled, and resolved',
    facts: {
      issue: OVER,
      entries: [seen()],
      routesThen: [routeVersion({ enabled: false })],
      routesNow: [routeVersion({ enabled: false })],
      streams: [openStream({ status: 'none', mayBeOpen: true, lastPosition: positionAt(NOON - 1000) })],
    },
    expected: {
      matched: false,
      reason: 'route_disabled',
      streams: [
        expect.objectContaining({
          owed: true,
          openNow: false,
          summary:
            'Possibly open at the provider although the alert has resolved: the route did not match, and the sweep resends the resolve.',
        }),
      ],
    },
  },
  {
    name: 'not matched, while the run of its stream went on over the issue',
    facts: {
      entries: [seen()],
      routesThen: [routeVersion({ query: 'severity:low' })],
      runs: [
        run('continuing', {
          since: '1',
          firstPosition: '1',
          lastPosition: positionAt(NOON + 9000),
          count: 5,
        }),
      ],
      streams: [openStream({ lastPosition: positionAt(NOON + 9000) })],
    },
    expected: { matched: false, reason: 'not_matched', streams: [] },
  },
];

describe('a route is explained', () => {
  test.each(ROWS)('$name', ({ facts, expected }) => {
    const { routes } = explainAlert(explainFacts(facts));
    expect(routes).toHaveLength(1);
    expect(routes[0]).toMatchObject(expected);
  });

  test('of what was removed only what would have matched', () => {
    const removed = (routeId: string, query: string) => routeVersion({ routeId, query, removed: true });
    const routes = [removed('r2', 'severity:low'), removed('r3', 'a:('), removed('r4', '*')];
    const explained = explainAlert(
      explainFacts({ entries: [seen()], routesThen: routes, routesNow: [...routes, removed('r5', '*')] }),
    );
    expect(explained.routes.map(({ id }) => id)).toEqual(['r4']);
  });

  test('by the version under which its streams decided, where two scans saw the issue', () => {
    const facts = explainFacts({
      entries: [
        seen(),
        matched(),
        matched({ id: 'again', configVersion: 2, clause: '*', apps: ['a', 'b'] }),
        entry('decided', { configVersion: 2 }),
      ],
      routesNow: [routeVersion({ version: 2, connectedAppIds: ['a', 'b'] })],
      apps: [app(), app({ id: 'b', name: 'chat' })],
    });
    const [route] = explainAlert(facts).routes;
    expect(route).toMatchObject({ version: 2, clause: '*' });
    expect(route?.streams.map(({ connectedAppId, reason }) => [connectedAppId, reason])).toEqual([
      ['a', 'new'],
      ['b', 'not_decided_yet'],
    ]);
  });
});

test('every reason of a route is in the table', () => {
  const shown = ROWS.flatMap(({ facts }) =>
    explainAlert(explainFacts(facts)).routes.map(({ reason }) => reason),
  );
  expect([...new Set(shown)].toSorted()).toEqual([...ROUTE_REASONS].toSorted());
});
