import { describe, expect, test } from '@jest/globals';
import { parseQuery } from '@heliograph/query';
import { storedIssue, storedRoute } from '../testing/stored-issue.ts';
import { createRouteCompiler, groupIssues, issueFields, type CompiledRoute } from './match-routes.ts';

const compiled = (id: string, query: string, ...connectedAppIds: readonly string[]): CompiledRoute => ({
  id,
  policy: { version: 1, renotifyIntervalMs: null, maxSignalAgeMs: 3_600_000 },
  query: parseQuery(query),
  connectedAppIds: connectedAppIds.length === 0 ? ['a'] : connectedAppIds,
});

describe('a query sees an issue', () => {
  const issue = storedIssue(1, {
    monitor: 'disk-full',
    fingerprint: 'f9',
    status: 'resolved',
    severity: 'warning',
    labels: {
      namespace: 'payments',
      severity: 'of-the-label',
      empty: '',
      'annotation.summary': 'a label of that name',
      constructor: 'own',
    },
    annotations: { summary: 'disk is full', namespace: 'of-the-annotation' },
  });

  test.each<[string, string | undefined]>([
    ['monitor', 'disk-full'],
    ['fingerprint', 'f9'],
    ['status', 'resolved'],
    ['severity', 'warning'],
    ['label.severity', 'of-the-label'],
    ['namespace', 'payments'],
    ['label.namespace', 'payments'],
    ['annotation.namespace', 'of-the-annotation'],
    ['annotation.summary', 'disk is full'],
    ['label.annotation.summary', 'a label of that name'],
    ['summary', undefined],
    ['empty', ''],
    ['label.', undefined],
    ['pod', undefined],
    ['label.monitor', undefined],
    ['constructor', 'own'],
    ['__proto__', undefined],
    ['toString', undefined],
    ['annotation.constructor', undefined],
  ])('as %s', (field, value) => {
    expect(issueFields(issue)(field)).toBe(value);
  });

  test.each<[string, boolean]>([
    ['severity:warning', true],
    ['severity:critical', false],
    ['monitor:disk-* AND namespace:payments', true],
    ['NOT pod:*', true],
    ['annotation.summary:"disk is full"', true],
    ['label.severity:of-the-label severity:warning', true],
    ['', true],
  ])('so that %j matches: %s', (query, matches) => {
    expect(groupIssues([issue], [compiled('r', query)], 10).groups).toHaveLength(matches ? 1 : 0);
  });
});

describe('rows are grouped', () => {
  test('by alert stream, each in the order of the rows', () => {
    const rows = [
      storedIssue(1, { fingerprint: 'x' }),
      storedIssue(2, { fingerprint: 'y' }),
      storedIssue(3, { fingerprint: 'x', status: 'resolved' }),
      storedIssue(4, { fingerprint: 'z', severity: 'info' }),
    ];
    const { groups, taken } = groupIssues(
      rows,
      [compiled('r1', 'severity:critical', 'a', 'b'), compiled('r2', 'status:resolved')],
      100,
    );
    expect(taken).toBe(4);
    expect(
      groups.map(({ workflowId, signals }) => [workflowId, signals.map(({ row }) => row.eventId)]),
    ).toEqual([
      ['alert-x-r1-a', ['e1', 'e3']],
      ['alert-x-r1-b', ['e1', 'e3']],
      ['alert-y-r1-a', ['e2']],
      ['alert-y-r1-b', ['e2']],
      ['alert-x-r2-a', ['e3']],
    ]);
  });

  test('into signals that carry no content', () => {
    const { groups } = groupIssues([storedIssue(1)], [compiled('r', '*')], 1);
    expect(groups[0]?.signals[0]?.signal).toEqual({
      eventId: 'e1',
      position: storedIssue(1).position,
      status: 'firing',
      storedAt: 1000,
      policy: { version: 1, renotifyIntervalMs: null, maxSignalAgeMs: 3_600_000 },
    });
  });

  test.each<[string, number, number, number]>([
    ['stops before the row with one stream too many', 2, 3, 2],
    ['takes further rows of the streams it has', 3, 4, 3],
    ['takes one row however many streams it has', 0, 1, 1],
  ])('and %s', (_, maxStreams, taken, streams) => {
    const rows = ['x', 'y', 'x', 'z'].map((fingerprint, index) => storedIssue(index + 1, { fingerprint }));
    const grouping = groupIssues(rows, [compiled('r', '*')], maxStreams);
    expect(grouping).toMatchObject({ taken });
    expect(grouping.groups).toHaveLength(streams);
  });

  test('and a row with several streams is taken whole or not at all', () => {
    const rows = [storedIssue(1, { fingerprint: 'x' }), storedIssue(2, { fingerprint: 'y' })];
    const { groups, taken } = groupIssues(rows, [compiled('r', '*', 'a', 'b', 'c')], 5);
    expect(taken).toBe(1);
    expect(groups.map(({ workflowId }) => workflowId)).toEqual(['alert-x-r-a', 'alert-x-r-b', 'alert-x-r-c']);
  });

  test('and rows that no route wants are taken without a stream', () => {
    expect(groupIssues([storedIssue(1), storedIssue(2)], [], 1)).toEqual({
      groups: [],
      matches: [],
      taken: 2,
    });
  });
});

describe('a route compiler', () => {
  test('skips only the route whose query no longer parses, and reports it once per change', () => {
    const problems: string[] = [];
    const compile = createRouteCompiler(({ routeId }) => problems.push(routeId));
    const good = storedRoute('good', { query: 'severity:critical' });
    const bad = storedRoute('bad', { query: 'severity:(' });
    expect(compile([bad, good]).map(({ id }) => id)).toEqual(['good']);
    expect(compile([bad, good]).map(({ id }) => id)).toEqual(['good']);
    expect(problems).toEqual(['bad']);
    const mended = { ...bad, version: 2, query: 'severity:info' };
    expect(compile([mended, good]).map(({ id }) => id)).toEqual(['bad', 'good']);
    compile([{ ...bad, version: 3 }, good]);
    expect(problems).toEqual(['bad', 'bad']);
  });

  test('parses a query once per version, and takes the connected apps as they are now', () => {
    const compile = createRouteCompiler();
    const route = storedRoute('r', { query: 'severity:critical' });
    const [first] = compile([route]);
    const [again] = compile([{ ...route, connectedAppIds: ['b'] }]);
    const [changed] = compile([{ ...route, version: 2, query: 'severity:info' }]);
    expect(again?.query).toBe(first?.query);
    expect(again?.connectedAppIds).toEqual(['b']);
    expect(changed?.query).not.toEqual(first?.query);
  });

  test('forgets a route that is gone', () => {
    const problems: string[] = [];
    const compile = createRouteCompiler(({ routeId }) => problems.push(routeId));
    const bad = storedRoute('bad', { query: ')' });
    compile([bad]);
    compile([]);
    compile([bad]);
    expect(problems).toEqual(['bad', 'bad']);
  });
});
