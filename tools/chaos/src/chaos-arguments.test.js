import { describe, expect, test } from '@jest/globals';
import { parseChaosArguments } from './chaos-arguments.js';

describe('npm run chaos', () => {
  test.each([
    [['dispatch'], { name: 'dispatch', alerts: 300, kills: 50, seed: 1 }],
    [['dispatch', '--quick'], { name: 'dispatch', alerts: 60, kills: 12, seed: 1 }],
    [
      ['dispatch', '--alerts=20', '--quick', '--kills=0', '--seed=7'],
      { name: 'dispatch', alerts: 20, kills: 0, seed: 7 },
    ],
    [[], 'no scenario'],
    [['wat'], 'no scenario "wat"'],
    [['dispatch', '--alerts=x'], 'unknown argument --alerts=x'],
    [['dispatch', '--kills'], 'unknown argument --kills'],
    [['dispatch', '--quick=1'], 'unknown argument --quick=1'],
    [['dispatch', '--seed=-1'], 'unknown argument --seed=-1'],
    [['dispatch', '--alerts=0'], 'there must be at least one alert'],
  ])('%j', (argv, expected) => {
    expect(parseChaosArguments(argv)).toEqual(expected);
  });
});
