import { describe, expect, test } from '@jest/globals';
import { parseQuery } from '@heliograph/query';
import { storedIssue, storedRoute } from '../testing/stored-issue.ts';
import { createRouteCompiler, issueFields, matchIssue } from './match-routes.ts';

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
    expect(matchIssue(parseQuery(query), issueFields(issue)).kind).toBe(matches ? 'matched' : 'not_matched');
  });
});

describe('a query that is too complex for an issue', () => {
  const value = 'a'.repeat(32_768);
  const fields = issueFields(storedIssue(1, { annotations: { x: value } }));

  test('is given up after a fixed number of steps, whatever the machine', () => {
    const costly = parseQuery(`annotation.x:*${'a'.repeat(2000)}b*`);
    expect(matchIssue(costly, fields)).toEqual({ kind: 'too_complex' });
  });

  test.each([['annotation.x:*a?a?a?a?a?a?a?b*'], ['annotation.x:*a*a*a*a*a*a*b'], ['NOT annotation.x:*b*']])(
    'is none that takes a few passes over a long value: %s',
    (query) => {
      expect(matchIssue(parseQuery(query), fields).kind).not.toBe('too_complex');
    },
  );
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
