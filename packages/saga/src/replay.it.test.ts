import { hostname } from 'node:os';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readHistories, replayHistory } from '@heliograph/testkit';
import { DeterminismViolationError } from '@temporalio/workflow';
import { installQuietRuntime, bundleFromSource } from './testing/saga-ground.ts';

// Replays that fail are expected here, and the core warns of each.
installQuietRuntime();

const histories = await readHistories(new URL('__histories__/', import.meta.url));

describe('the saga of today', () => {
  let workflowBundle: { readonly code: string };
  beforeAll(async () => {
    workflowBundle = await bundleFromSource(new URL('testing/trip-workflows.ts', import.meta.url));
  });

  test.each(histories)('replays $file', async (history) => {
    await expect(replayHistory({ workflowBundle }, history)).resolves.toBeUndefined();
  });
});

test('there are histories of every way to end, also of runs that were caught in the middle', () => {
  const scenarios = new Set(histories.map(({ scenario }) => scenario));
  for (const scenario of [
    'completed',
    'failed',
    'cancelled',
    'cancelled-by-signal',
    'uncompensated',
    'handed-over',
    'taken-over',
    'past-pivot',
    'mid-flight-forward',
    'mid-flight-compensation',
    'mid-flight-pivot',
  ])
    expect(scenarios).toContain(scenario);
});

test.each(histories)('$file has nothing of the machine it comes from', ({ json }) => {
  const text = JSON.stringify(json);
  expect(text.includes(hostname())).toBe(false);
  expect(text).not.toMatch(/file:\/\/|node_modules|\.[jt]s:\d/);
});

describe('a saga with one command more', () => {
  let workflowBundle: { readonly code: string };
  beforeAll(async () => {
    workflowBundle = await bundleFromSource(new URL('testing/mutant-workflows.ts', import.meta.url));
  });

  test.each(histories)('is refused by $file', async (history) => {
    await expect(replayHistory({ workflowBundle }, history)).rejects.toThrow(DeterminismViolationError);
  });
});
