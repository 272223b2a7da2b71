import { describe, expect, test } from '@jest/globals';
import type { Violations } from './check-dispatch.ts';
import { reportRun } from './report.ts';

const counts = {
  streams: 2,
  expected: 3,
  received: 4,
  duplicates: 1,
  renotified: 1,
  dropped: 0,
  assumed: 0,
  refusedAfterReceipt: 0,
};
const none: Violations = {
  forgotten: [],
  storedTwice: [],
  lost: [],
  unexpected: [],
  reordered: [],
  late: [],
  duplicatesWithoutUncertain: [],
  wrongStates: [],
  unsettled: [],
  unexplained: [],
};
const breaks = {
  kills: { worker: 2, orchestrator: 1, temporal: 0, postgres: 1, clickhouse: 0, api: 0 },
  scanning: 1,
  together: 0,
  freezes: 1,
  silences: 0,
  idle: [],
};
const run = { seed: 7, alerts: 2, acknowledged: 9, networkFaults: 5, durationMs: 1234.5, settledMs: 10 };

test('a clean run passes, with one line and one object', () => {
  const { lines, json, passed } = reportRun({ counts, violations: none }, breaks, run);
  expect(passed).toBe(true);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('passed: 4 kills and 6 faults in 1 s; 3 notifications expected');
  expect(JSON.parse(json)).toMatchObject({
    passed: true,
    kills: 4,
    faults: 6,
    lost: 0,
    reordered: 0,
    duplicates: 1,
    unexplained: 0,
    seed: 7,
    expected: 3,
    received: 4,
    killsByVictim: { worker: 2, postgres: 1 },
    durationMs: 1235,
  });
});

describe('a run fails for', () => {
  test.each(Object.keys(none))('%s', (kind) => {
    const violations = { ...none, [kind]: ['something'] };
    const { lines, json, passed } = reportRun({ counts, violations }, breaks, run);
    expect(passed).toBe(false);
    expect(lines[0]).toBe(`${kind}: something`);
    expect(JSON.parse(json)).toMatchObject({ passed: false, [kind]: 1 });
  });
  test('a break that met an idle system', () => {
    const idle = ['it was idle'];
    const { lines, passed } = reportRun({ counts, violations: none }, { ...breaks, idle }, run);
    expect([passed, lines[0]]).toEqual([false, 'idle: it was idle']);
  });
});

test('of many lines of one kind a few are printed, and how many there are', () => {
  const lost = Array.from({ length: 30 }, (_, index) => `number ${index}`);
  const { lines, json } = reportRun({ counts, violations: { ...none, lost } }, breaks, run);
  expect(lines.filter((line) => line.startsWith('lost: '))).toHaveLength(9);
  expect(lines).toContain('lost: and 22 more');
  expect(JSON.parse(json)).toMatchObject({ lost: 30 });
});
