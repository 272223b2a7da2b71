import { describe, expect, test } from '@jest/globals';
import { parseQuery } from '@heliograph/query';
import { storedIssue } from '../testing/stored-issue.ts';
import { groupIssues } from './group-issues.ts';
import type { CompiledRoute } from './match-routes.ts';

const compiled = (id: string, query: string, ...connectedAppIds: readonly string[]): CompiledRoute => ({
  id,
  policy: { version: 1, renotifyIntervalMs: null, maxSignalAgeMs: 3_600_000 },
  query: parseQuery(query),
  connectedAppIds: connectedAppIds.length === 0 ? ['a'] : connectedAppIds,
});

describe('rows are grouped', () => {
  test('by alert stream, each in the order of the rows', async () => {
    const rows = [
      storedIssue(1, { fingerprint: 'x' }),
      storedIssue(2, { fingerprint: 'y' }),
      storedIssue(3, { fingerprint: 'x', status: 'resolved' }),
      storedIssue(4, { fingerprint: 'z', severity: 'info' }),
    ];
    const { groups, taken } = await groupIssues(
      rows,
      [compiled('r1', 'severity:critical', 'a', 'b'), compiled('r2', 'status:resolved')],
      { maxStreams: 100 },
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

  test('into signals that carry no content', async () => {
    const { groups } = await groupIssues([storedIssue(1)], [compiled('r', '*')], { maxStreams: 1 });
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
  ])('and %s', async (_, maxStreams, taken, streams) => {
    const rows = ['x', 'y', 'x', 'z'].map((fingerprint, index) => storedIssue(index + 1, { fingerprint }));
    const grouping = await groupIssues(rows, [compiled('r', '*')], { maxStreams });
    expect(grouping).toMatchObject({ taken });
    expect(grouping.groups).toHaveLength(streams);
  });

  test('and a row with several streams is taken whole or not at all', async () => {
    const rows = [storedIssue(1, { fingerprint: 'x' }), storedIssue(2, { fingerprint: 'y' })];
    const { groups, taken } = await groupIssues(rows, [compiled('r', '*', 'a', 'b', 'c')], { maxStreams: 5 });
    expect(taken).toBe(1);
    expect(groups.map(({ workflowId }) => workflowId)).toEqual(['alert-x-r-a', 'alert-x-r-b', 'alert-x-r-c']);
  });

  test('and rows that no route wants are taken without a stream', async () => {
    await expect(groupIssues([storedIssue(1), storedIssue(2)], [], { maxStreams: 1 })).resolves.toEqual({
      groups: [],
      matches: [],
      reached: [],
      tooComplex: [],
      taken: 2,
    });
  });

  test('and a route that is too complex for a row does not match it; other routes and rows go on', async () => {
    const rows = [
      storedIssue(1, { fingerprint: 'x', annotations: { x: 'a'.repeat(32_768) } }),
      storedIssue(2, { fingerprint: 'y' }),
    ];
    const costly = `annotation.x:*${'a'.repeat(2000)}b* OR severity:critical`;
    const { groups, tooComplex } = await groupIssues(rows, [compiled('bad', costly), compiled('good', '*')], {
      maxStreams: 10,
    });
    expect(groups.map(({ workflowId }) => workflowId)).toEqual([
      'alert-x-good-a',
      'alert-y-bad-a',
      'alert-y-good-a',
    ]);
    expect(tooComplex.map(({ row, route }) => [row.fingerprint, route.id])).toEqual([['x', 'bad']]);
  });

  test('and let others run meanwhile, until they are ended or have taken long enough', async () => {
    const rows = Array.from({ length: 50 }, (_, index) => storedIssue(index + 1));
    const routes = [compiled('r', '*')];
    let now = 0;
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      other = setImmediate(tick);
    };
    let other = setImmediate(tick);
    const step = (ms: number) => () => (now += ms);
    await groupIssues(rows, routes, { maxStreams: 10, now: step(11) });
    clearImmediate(other);
    // One turn for every row.
    expect(ticks).toBeGreaterThan(40);
    await expect(
      groupIssues(rows, routes, {
        maxStreams: 10,
        now: step(11),
        signal: AbortSignal.abort(new Error('ended')),
      }),
    ).rejects.toThrow('ended');
    const { taken } = await groupIssues(rows, routes, { maxStreams: 10, now: step(1000) });
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(rows.length);
  });
});

describe('a resolve', () => {
  const key = (routeId: string, connectedAppId: string) => ({ fingerprint: 'x', routeId, connectedAppId });
  const resolve = storedIssue(2, { fingerprint: 'x', status: 'resolved', severity: '' });
  const routes = [compiled('r1', 'severity:critical')];

  test('reaches the streams that may be open, by the default policy, although their routes do not match', async () => {
    const { groups, matches, reached } = await groupIssues([resolve], routes, {
      maxStreams: 10,
      openStreams: () => [key('r1', 'a'), key('gone', 'b')],
    });
    expect(groups.map(({ workflowId }) => workflowId)).toEqual(['alert-x-r1-a', 'alert-x-gone-b']);
    expect(groups[0]?.signals[0]?.signal).toMatchObject({
      status: 'resolved',
      policy: { version: 0, renotifyIntervalMs: null, maxSignalAgeMs: 3_600_000 },
    });
    expect(matches).toEqual([]);
    expect(reached.map(({ stream }) => stream)).toEqual([key('r1', 'a'), key('gone', 'b')]);
  });

  test('reaches a stream once, by the policy of its route where that matches', async () => {
    const { groups, reached } = await groupIssues([{ ...resolve, severity: 'critical' }], routes, {
      maxStreams: 10,
      openStreams: () => [key('r1', 'a')],
    });
    expect(groups.map(({ signals }) => signals.map(({ signal }) => signal.policy?.version))).toEqual([[1]]);
    expect(reached).toEqual([]);
  });

  test('reaches what an earlier row of the same page opens', async () => {
    const rows = [storedIssue(1, { fingerprint: 'x' }), resolve, storedIssue(3, { fingerprint: 'y' })];
    const { groups } = await groupIssues(rows, routes, { maxStreams: 10 });
    expect(
      groups.map(({ workflowId, signals }) => [workflowId, signals.map(({ row }) => row.status)]),
    ).toEqual([
      ['alert-x-r1-a', ['firing', 'resolved']],
      ['alert-y-r1-a', ['firing']],
    ]);
  });

  test.each([
    ['firing', storedIssue(2, { fingerprint: 'x', severity: '' }), new Set<never>()],
    ['repeated', resolve, new Set([resolve])],
  ])('is meant: a row that is %s reaches only what its routes match', async (_, row, ignored) => {
    const { groups } = await groupIssues([row], routes, {
      maxStreams: 10,
      ignored,
      openStreams: () => [key('r1', 'a')],
    });
    expect(groups).toEqual([]);
  });
});
