import { expect, test } from '@jest/globals';
import { assessCodecServer } from './assess-codec-server.ts';
import type { CodecServerReport, LoadReport } from './run-codec-server.ts';

const load = (connections: number, rate: number, p99Ms: number): LoadReport => {
  const medians = { requestsPerSecond: { median: rate, min: rate, max: rate }, p50Ms: 1, p99Ms };
  return { connections, server: medians, bare: medians, ratioToBare: 1 };
};
const report = (rate: number, p99Ms: number, more: Partial<CodecServerReport> = {}): CodecServerReport => ({
  name: 'codec-server',
  loads: [load(6, 1, p99Ms), load(32, rate, 1)],
  requests: 1,
  failures: 0,
  unaudited: 0,
  ...more,
});

test.each([
  [1000, 25, [true, true]],
  [999, 25, [false, true]],
  [1000, 25.1, [true, false]],
])('%d requests/s and a p99 of %d ms meet %j, and a miss is no failure', (rate, p99Ms, met) => {
  const { goals, exitCode } = assessCodecServer(report(rate, p99Ms));
  expect([goals.slice(0, 2).map((goal) => goal.met), exitCode]).toEqual([met, 0]);
});

test.each([{ failures: 1 }, { unaudited: 1 }])('%j is a failure', (more) => {
  expect(assessCodecServer(report(2000, 1, more)).exitCode).toBe(1);
});

test('a load that was not measured is a miss', () => {
  const { goals } = assessCodecServer({ ...report(1, 1), loads: [] });
  expect(goals.slice(0, 2).map(({ met, value }) => [met, value])).toEqual([
    [false, null],
    [false, null],
  ]);
});
