import { expect, test } from '@jest/globals';
import { runSimulation } from './run-simulation.ts';

test('schedules are run in threads, and the last line counts them', async () => {
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  await expect(runSimulation({ schedules: 5, seed: 1, threads: 2, print })).resolves.toBe(true);
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    scenario: 'dispatch-simulated',
    schedules: 5,
    seed: 1,
    failingSeed: null,
    passed: true,
  });
});
