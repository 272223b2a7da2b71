import { describe, expect, test } from '@jest/globals';
import { atLeast, atMost, formatGoals } from './goals.ts';

describe('a goal is met', () => {
  test.each([
    [atLeast('ratio', 0.85, 'ratio', 0.85), true],
    [atLeast('ratio', 0.84, 'ratio', 0.85), false],
    [atMost('p50', 200, 'ms', 200), true],
    [atMost('p50', 201, 'ms', 200), false],
    [atLeast('ratio', Number.NaN, 'ratio', 0.85), false],
    [atMost('p50', Number.NaN, 'ms', 200), false],
    [atLeast('ratio', Number.POSITIVE_INFINITY, 'ratio', 1), true],
  ])('%j: %s', (goal, met) => {
    expect(goal.met).toBe(met);
  });
});

test('the direction is one of two members, and a figure that is none is null', () => {
  expect(JSON.parse(JSON.stringify([atLeast('a', 1, 'x', 2), atMost('b', Number.NaN, 'ms', 3)]))).toEqual([
    { name: 'a', value: 1, unit: 'x', goal: 2, atLeast: true, met: false },
    { name: 'b', value: null, unit: 'ms', goal: 3, atMost: true, met: false },
  ]);
});

test('the table marks what was missed', () => {
  const goals = [atLeast('ratioToNaive', 2.1, 'ratio', 1.8), atMost('p50', 1201, 'ms', 200)];
  expect(formatGoals([...goals, atMost('p99', Number.NaN, 'ms', 900)])).toEqual([
    'figure        value      goal',
    'ratioToNaive  2.1 ratio  ≥ 1.8 ratio',
    'p50           1201 ms    ≤ 200 ms     MISSED',
    'p99           none       ≤ 900 ms     MISSED',
  ]);
});
