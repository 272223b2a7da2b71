import { describe, expect, test } from '@jest/globals';
import { parseChaosArguments } from './chaos-arguments.js';

describe('npm run chaos', () => {
  test.each([
    [['dispatch'], { name: 'dispatch', alerts: 300, seed: 1 }],
    [['dispatch', '--alerts=20', '--seed=7'], { name: 'dispatch', alerts: 20, seed: 7 }],
    [[], 'no scenario'],
    [['wat'], 'no scenario "wat"'],
    [['dispatch', '--alerts=x'], 'unknown argument --alerts=x'],
    [['dispatch', '--alerts=0'], 'there must be at least one alert'],
  ])('%j', (argv, expected) => {
    expect(parseChaosArguments(argv)).toEqual(expected);
  });
});
