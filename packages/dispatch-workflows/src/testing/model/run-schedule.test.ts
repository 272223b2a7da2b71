import { randomInt } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { MUTANTS } from './mutants.ts';
import { runSchedule } from './run-schedule.ts';

/** Schedules that every test run has; `npm run chaos -- dispatch --simulate` runs as many as you like. */
const SCHEDULES = 400;
/** Schedules within which each mutant has to be found. */
const WITHIN = 4000;

/** What a failing schedule says: its seed, and what happened in it. */
async function reportOf(seed: number): Promise<string> {
  const { violations } = await runSchedule(seed);
  if (violations.length === 0) return '';
  const { trace } = await runSchedule(seed, { isTracing: true });
  return [`seed ${seed}`, ...trace, ...violations].join('\n');
}

describe('a simulated schedule', () => {
  test('is the same for the same seed', async () => {
    const run = () => runSchedule(7, { isTracing: true });
    const [one, again] = [await run(), await run()];
    expect(one.trace.length).toBeGreaterThan(2);
    expect(again).toEqual(one);
  });

  test('keeps every promise', async () => {
    const reports: string[] = [];
    for (let seed = 1; seed <= SCHEDULES && reports.length === 0; seed++) {
      const report = await reportOf(seed);
      if (report !== '') reports.push(report);
    }
    expect(reports.join('\n')).toBe('');
  }, 60_000);

  test('keeps every promise with seeds that nobody has seen', async () => {
    for (let run = 0; run < 20; run++) expect(await reportOf(randomInt(1, 2 ** 31))).toBe('');
  }, 60_000);
});

describe('the model finds', () => {
  test.each(MUTANTS)(
    '$name',
    async (mutant) => {
      const { focus = [], from = 1 } = mutant;
      for (let seed = from; seed < from + WITHIN; seed++) {
        const { violations } = await runSchedule(seed, { mutant, focus });
        if (violations.length === 0) continue;
        // The same schedule keeps its promises without the fault.
        expect(await runSchedule(seed, { focus })).toMatchObject({ seed, violations: [] });
        return;
      }
      throw new Error(`not found with the seeds from ${from} to ${from + WITHIN}`);
    },
    120_000,
  );
});
