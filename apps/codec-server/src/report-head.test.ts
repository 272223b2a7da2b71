import { createLogger, manualClock } from '@heliograph/service';
import { beforeEach, expect, test } from '@jest/globals';
import { createHeadReport } from './report-head.ts';

const hash = new Uint8Array(32).fill(10);
let lines: string[];
let clock: ReturnType<typeof manualClock>;
let report: ReturnType<typeof createHeadReport>;

beforeEach(() => {
  lines = [];
  clock = manualClock();
  const destination = { write: (line: string) => void lines.push(line) };
  report = createHeadReport(createLogger({ name: 'test', destination }), clock);
});

const logged = (): unknown[] => lines.map((line) => Reflect.get(Object(JSON.parse(line)), 'sequence'));
const pass = async (durationMs: number): Promise<void> => {
  clock.advance(durationMs);
  await new Promise((resolve) => setImmediate(resolve));
};

test('the end of the audit log is logged at once, and then once a minute', async () => {
  report.report({ sequence: 1, hash });
  await pass(59_999);
  report.report({ sequence: 2, hash });
  report.report({ sequence: 3, hash });
  expect(logged()).toEqual([1]);
  await pass(1);
  report.report({ sequence: 4, hash });
  expect(logged()).toEqual([1, 3]);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ sequence: 1, hash: '0a'.repeat(32) });
});

test('the last entry before it grows quiet is logged within a minute, once', async () => {
  report.report({ sequence: 1, hash });
  await pass(1000);
  report.report({ sequence: 2, hash });
  await pass(59_000);
  expect(logged()).toEqual([1, 2]);
  await pass(60_000);
  expect([logged(), clock.sleepers()]).toEqual([[1, 2], 0]);
  report.report({ sequence: 3, hash });
  expect(logged()).toEqual([1, 2, 3]);
});

test('the last entry is logged at the stop, and nothing waits any more', async () => {
  report.report({ sequence: 1, hash });
  report.report({ sequence: 2, hash });
  report.stop();
  expect(logged()).toEqual([1, 2]);
  await pass(0);
  expect(clock.sleepers()).toBe(0);
  report.report({ sequence: 3, hash });
  report.stop();
  expect(logged()).toEqual([1, 2, 3]);
});
