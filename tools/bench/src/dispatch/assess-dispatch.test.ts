import { describe, expect, test } from '@jest/globals';
import { assessDispatch } from './assess-dispatch.ts';
import type { DispatchReport } from './run-dispatch.ts';

const good: DispatchReport = {
  name: 'dispatch',
  ratioToCeiling: 0.9,
  ratioToNaive: 2,
  encryption: { ratioToPlain: 0.98, notificationsPerSecond: 70, least: 0.95, most: 1.02 },
  notificationsPerSecond: 70,
  pushLatencyMs: { p50: 85, p95: 128, p99: 174 },
  retryAfter: { p50Ms: 1070, delivered: 500, of: 500 },
  eventsPerNotification: 7,
  signalsPerWorkflowTask: 9,
  lost: 0,
  reordered: 0,
  duplicates: 0,
  unexpected: 0,
};

test('every figure that is asked for has a goal', () => {
  const { goals, exitCode } = assessDispatch(good);
  expect(exitCode).toBe(0);
  expect(goals.every(({ met }) => met)).toBe(true);
  expect(
    goals.map(({ name, goal, unit, atLeast }) => [name, atLeast === true ? '>=' : '<=', goal, unit]),
  ).toEqual([
    ['ratioToCeiling', '>=', 0.85, 'ratio'],
    ['ratioToNaive', '>=', 1.8, 'ratio'],
    ['encryption.ratioToPlain', '>=', 0.95, 'ratio'],
    ['pushLatencyMs.p50', '<=', 200, 'ms'],
    ['retryAfter.p50Ms', '<=', 1500, 'ms'],
    ['lost', '<=', 0, 'notifications'],
    ['reordered', '<=', 0, 'notifications'],
    ['unexpected', '<=', 0, 'notifications'],
    ['retryAfter.delivered', '>=', 500, 'notifications'],
    ['duplicates', '<=', 0, 'notifications'],
  ]);
});

describe('a miss', () => {
  test.each<[string, Partial<DispatchReport>, string, 0 | 1]>([
    ['of the ceiling', { ratioToCeiling: 0.83 }, 'ratioToCeiling', 0],
    ['of the naive shape', { ratioToNaive: 1.7 }, 'ratioToNaive', 0],
    [
      'of encryption',
      { encryption: { ratioToPlain: 0.94, notificationsPerSecond: 70, least: 0.9, most: 1 } },
      'encryption.ratioToPlain',
      0,
    ],
    ['of the push latency', { pushLatencyMs: { p50: 201, p95: 300, p99: 400 } }, 'pushLatencyMs.p50', 0],
    [
      'of any push at all',
      { pushLatencyMs: { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN } },
      'pushLatencyMs.p50',
      0,
    ],
    ['of the Retry-After', { retryAfter: { p50Ms: 5000, delivered: 500, of: 500 } }, 'retryAfter.p50Ms', 0],
    [
      'of a delivery after it',
      { retryAfter: { p50Ms: 1070, delivered: 120, of: 500 } },
      'retryAfter.delivered',
      1,
    ],
    ['by a loss', { lost: 1 }, 'lost', 1],
    ['by a reordering', { reordered: 1 }, 'reordered', 1],
    ['by something unexpected', { unexpected: 1 }, 'unexpected', 1],
    ['by a duplicate', { duplicates: 1 }, 'duplicates', 0],
  ])('%s', (_, change, name, exitCode) => {
    const assessed = assessDispatch({ ...good, ...change });
    expect(assessed.goals.filter(({ met }) => !met).map((goal) => goal.name)).toEqual([name]);
    expect(assessed.exitCode).toBe(exitCode);
  });
});
