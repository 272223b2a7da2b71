import { describe, expect, test } from '@jest/globals';
import { reportRun } from './report.js';

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
/** @type {import('./check-dispatch.js').Violations} */
const none = {
  forgotten: [],
  storedTwice: [],
  lost: [],
  unexpected: [],
  reordered: [],
  duplicatesWithoutUncertain: [],
  wrongStates: [],
  unsettled: [],
  unexplained: [],
};
const breaks = {
  kills: { worker: 2, orchestrator: 1, temporal: 0, postgres: 1, clickhouse: 0, api: 0 },
  scanning: 1,
  together: 0,
  idle: /** @type {readonly string[]} */ ([]),
};
const run = { seed: 1, alerts: 2, acknowledged: 9, durationMs: 1234.5, settledMs: 10 };

test('a clean run passes and says so in one line and one object', () => {
  const { lines, json, passed } = reportRun({ counts, violations: none }, breaks, run);
  expect(passed).toBe(true);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('passed: 4 kills in 1 s');
  expect(JSON.parse(json)).toMatchObject({
    passed: true,
    expected: 3,
    received: 4,
    lost: 0,
    kills: { worker: 2, postgres: 1 },
    durationMs: 1235,
  });
});

describe('a run fails for', () => {
  test.each(Object.keys(none))('%s', (kind) => {
    const { lines, json, passed } = reportRun(
      { counts, violations: { ...none, [kind]: ['something'] } },
      breaks,
      run,
    );
    expect(passed).toBe(false);
    expect(lines[0]).toBe(`${kind}: something`);
    expect(JSON.parse(json)).toMatchObject({ passed: false, [kind]: 1 });
  });
  test('a break that met an idle system', () => {
    const { lines, passed } = reportRun(
      { counts, violations: none },
      { ...breaks, idle: ['it was idle'] },
      run,
    );
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
