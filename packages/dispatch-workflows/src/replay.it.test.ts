import { hostname } from 'node:os';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createCodec, createCodecPlugin, createKey, createKeyRing } from '@heliograph/codec/codecs';
import { bundleWorkflows, installTemporalRuntime } from '@heliograph/temporal-worker';
import { readHistories, replayHistory } from '@heliograph/testkit';
import { DefaultLogger } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { DISPATCH_DOMAIN } from './contract/names.ts';
import { bundleFromSource } from './testing/dispatch-ground.ts';
import * as workflows from './workflows/index.ts';

// Replays that fail are expected here, and the core warns of each.
installTemporalRuntime({ logger: new DefaultLogger('ERROR') });

/** The codec as the Dispatch Center has it. */
function codecPlugin(mode: 'strict' | 'permissive') {
  const keys = createKeyRing({
    [DISPATCH_DOMAIN]: { active: createKey('k1', Buffer.alloc(32, 1)), others: [] },
  });
  return createCodecPlugin(createCodec({ keys, namespace: 'default', domain: DISPATCH_DOMAIN, mode }));
}

const histories = await readHistories(new URL('__histories__/', import.meta.url));

describe('the workflows of today', () => {
  let workflowBundle: { readonly code: string };
  beforeAll(async () => {
    workflowBundle = await bundleFromSource();
  });

  test.each(histories)('replay $file', async (history) => {
    await expect(replayHistory({ workflowBundle }, history)).resolves.toBeUndefined();
  });

  test.each(histories)('replay $file while encryption is introduced', async (history) => {
    const plugins = [codecPlugin('permissive')];
    await expect(replayHistory({ workflowBundle, plugins }, history)).resolves.toBeUndefined();
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

test.each(histories)(
  '$file carries a trace where one begins, and nothing of the machine it comes from',
  (history) => {
    const text = JSON.stringify(history.json);
    expect(text.includes('heliograph-trace')).toBe(history.workflowType === 'monitorInstanceAlert');
    expect(text.includes(hostname())).toBe(false);
    expect(text).not.toMatch(/file:\/\/|node_modules|\.[jt]s:\d/);
  },
);

describe('workflows with one command more', () => {
  let workflowBundle: { readonly code: string };
  beforeAll(async () => {
    workflowBundle = await bundleWorkflows({
      workflows: new URL('testing/mutant-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    });
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
    expect(refusals.some((error) => error instanceof DeterminismViolationError)).toBe(true);
  });
});
