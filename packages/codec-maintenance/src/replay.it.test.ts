import { hostname } from 'node:os';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { installTemporalRuntime } from '@heliograph/temporal-worker';
import { readHistories, replayHistory } from '@heliograph/testkit';
import { DefaultLogger } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { bundleFromSource } from './testing/maintenance-ground.ts';
import * as workflows from './workflows/index.ts';

// Replays that fail are expected here, and the core warns of each.
installTemporalRuntime({ logger: new DefaultLogger('ERROR') });

const histories = await readHistories(new URL('__histories__/', import.meta.url));

describe('the workflows of today', () => {
  let workflowBundle: { readonly code: string };
  beforeAll(async () => {
    workflowBundle = await bundleFromSource();
  });

  test.each(histories)('replay $file', async (history) => {
    await expect(replayHistory({ workflowBundle }, history)).resolves.toBeUndefined();
  });
});

test('every workflow type has recorded histories, also one that was caught mid-flight', () => {
  const recorded = new Set(histories.map(({ workflowType }) => workflowType));
  expect([...recorded].toSorted()).toEqual(Object.keys(workflows).toSorted());
  for (const type of recorded)
    expect(
      histories.some((each) => each.workflowType === type && each.scenario.startsWith('mid-flight')),
    ).toBe(true);
});

test.each(histories)('$file has nothing of the machine it comes from', ({ json }) => {
  const text = JSON.stringify(json);
  expect(text.includes(hostname())).toBe(false);
  expect(text).not.toMatch(/file:\/\/|node_modules|\.[jt]s:\d/);
});

describe('workflows with one command more', () => {
  let workflowBundle: { readonly code: string };
  beforeAll(async () => {
    workflowBundle = await bundleFromSource(new URL('testing/mutant-workflows.ts', import.meta.url));
  });

  test.each(Object.keys(workflows))('are refused by the histories of %s', async (type) => {
    const refusals = await Promise.all(
      histories
        .filter(({ workflowType }) => workflowType === type)
        .map((history) =>
          replayHistory({ workflowBundle }, history).then(
            () => null,
            (error: unknown) => error,
          ),
        ),
    );
    expect(refusals.every((error) => error instanceof DeterminismViolationError)).toBe(true);
  });
});
