import { createAlertStorm } from '@heliograph/simulators';
import { describe, expect, test } from '@jest/globals';
import { DEAD_APP, planBreaks, planSteps, REFUSALS, ROUTES } from './scenario.ts';

describe('what is reported', () => {
  const steps = planSteps({ alerts: 300, seed: 7 });
  test('is the same for the same seed, and another for another', () => {
    expect(planSteps({ alerts: 300, seed: 7 })).toEqual(steps);
    expect(planSteps({ alerts: 300, seed: 8 })).not.toEqual(steps);
  });
  test('comes in the order of time, fills the run, and has every status', () => {
    const times = steps.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = times.filter((at) => Math.floor(at * 10) === tenth).length / times.length;
      expect(share).toBeGreaterThan(0.01);
    }
    expect(new Set(steps.map(({ status }) => status))).toEqual(new Set(['firing', 'resolved', 'suppressed']));
    expect(new Set(steps.map(({ subject }) => subject)).size).toBe(300);
  });
});

test('some issues match both routes, some one of them, some none', () => {
  const matches = createAlertStorm({ seed: 1, subjects: 60 }).map((subject) => {
    const issue = subject.issue('firing', 0);
    return ROUTES.filter((route) => route.matches(issue)).length;
  });
  expect(new Set(matches)).toEqual(new Set([0, 1, 2]));
});

test('only a permanent refusal by the receiver justifies a drop', () => {
  expect([...REFUSALS]).toEqual([400]);
});

test('a dead app is one of ten, and the others have something to tell', () => {
  expect(DEAD_APP.routes).toHaveLength(10);
  expect(DEAD_APP.routes.filter(({ isDead }) => isDead === true)).toHaveLength(1);
  expect(new Set(DEAD_APP.routes.map(({ name }) => name)).size).toBe(10);
});

test('connections fall silent between the kills', () => {
  const plan = planBreaks({ kills: 12, seed: 1, silences: ['postgres', 'clickhouse'] });
  const places = plan.flatMap((each, index) => (each.kind === 'silence' ? [index] : []));
  expect(places).toHaveLength(2);
  expect(Math.min(...places)).toBeGreaterThan(1);
  expect(Math.max(...places)).toBeLessThan(plan.length - 1);
});

describe('what is broken', () => {
  const victims = (kills: number, seed = 1) =>
    planBreaks({ kills, seed }).map((each) => (each.kind === 'kill' ? each.victim : each.kind));
  const counts = (kills: number) => {
    const found: Record<string, number> = {};
    for (const victim of victims(kills)) found[victim] = (found[victim] ?? 0) + 1;
    return found;
  };
  test('has fixed shares, the API on top, and a PostgreSQL that hangs in the middle', () => {
    expect(counts(50)).toEqual({
      worker: 13,
      orchestrator: 13,
      temporal: 8,
      postgres: 8,
      clickhouse: 8,
      api: 2,
      freeze: 1,
    });
    expect(counts(12)).toEqual({
      worker: 3,
      orchestrator: 3,
      temporal: 2,
      postgres: 2,
      clickhouse: 2,
      freeze: 1,
    });
    expect(victims(50)[26]).toBe('freeze');
    expect(victims(0)).toEqual(['freeze']);
  });
  test('comes in an order that the seed decides', () => {
    expect(victims(50, 3)).toEqual(victims(50, 3));
    expect(victims(50, 3)).not.toEqual(victims(50, 4));
  });
});
