import { freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import * as originals from '../testing/replayed-workflows.ts';
import { connectWorker } from '../worker/connect-worker.ts';
import { createTemporalWorker } from '../worker/create-worker.ts';
import { installTemporalRuntime } from '../worker/runtime.ts';
import { bundleWorkflows } from '../worker/workflow-bundle.ts';
import { fetchHistories } from './history-source.ts';
import { type ReplayOutcome, replayHistories } from './replay-histories.ts';
import type { ReplayOptions } from './replayer.ts';

// Each replay that fails is logged, and failing is what these are for.
const ignore = () => undefined;
installTemporalRuntime({
  logger: { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore },
});

let ground: FreshNamespace;
let client: Client;
const bundleOf = (file: string) =>
  bundleWorkflows({
    workflows: new URL(`../testing/${file}`, import.meta.url),
    sourceCondition: '@heliograph/source',
  });

beforeAll(async () => {
  ground = await freshNamespace('replay');
  const { connection, namespace } = ground;
  client = new Client({ connection, namespace });
  const worker = await createTemporalWorker({
    connection: await connectWorker({ address: ground.address }),
    namespace,
    taskQueue: 'replay',
    workflowBundle: await bundleOf('replayed-workflows.ts'),
    activities: { charge: async () => 'charged', ship: async () => 'shipped' },
  });
  await worker.runUntil(
    Promise.allSettled(
      Object.keys(originals).map((type) =>
        client.workflow.execute(type, { taskQueue: 'replay', workflowId: type, args: ['canary'] }),
      ),
    ),
  );
});
afterAll(() => ground.close());

const replayAll = async (file: string, options: Partial<ReplayOptions> = {}) => {
  const results = new Map<string, ReplayOutcome>();
  // The child of a workflow has an id of its own making.
  for await (const { source, workflowType, outcome } of replayHistories(
    fetchHistories(client, { query: '' }),
    {
      workflowBundle: await bundleOf(file),
      timeoutMs: 30_000,
      ...options,
    },
  ))
    results.set(
      source.startsWith(`${workflowType ?? ''}/`) ? (workflowType ?? '') : `child ${workflowType ?? ''}`,
      outcome,
    );
  return results;
};

test('code that has not changed continues every history', async () => {
  const results = await replayAll('replayed-workflows.ts');
  expect(results.size).toBe(Object.keys(originals).length + 1);
  expect([...results.values()].every(({ kind }) => kind === 'fits')).toBe(true);
});

test('of changed code: which histories break, at which event, and why', async () => {
  const results = await replayAll('changed-workflows.ts');
  const breaks = (why: string, eventId: number, eventType: string, workflowTaskId: number) => ({
    kind: 'breaks',
    why,
    eventId,
    eventType,
    workflowTaskId,
  });
  expect(Object.fromEntries(results)).toEqual({
    unchanged: { kind: 'fits' },
    'child unchanged': { kind: 'fits' },
    oneActivityMore: breaks(
      'the history has TimerStarted, but the code asks for an activity there',
      5,
      'TimerStarted',
      4,
    ),
    oneTimerLess: breaks(
      'the history has TimerStarted, but the code asks for an activity there',
      5,
      'TimerStarted',
      4,
    ),
    otherActivity: breaks(
      'the history has the activity charge, but the code asks for ship',
      17,
      'ActivityTaskScheduled',
      16,
    ),
    otherLocalActivity: breaks(
      'the history has the local activity charge, but the code asks for ship',
      5,
      'MarkerRecorded',
      4,
    ),
    otherChild: breaks(
      'the history has the child workflow unchanged, but the code asks for otherActivity',
      5,
      'StartChildWorkflowExecutionInitiated',
      4,
    ),
    patchLess: breaks(
      'the history has the patch charge-first, but the code asks for no patch; it was removed too early (deprecatePatch comes first)',
      5,
      'MarkerRecorded',
      4,
    ),
    failing: breaks(
      'the history has WorkflowExecutionFailed, but the code asks for its end as completed there',
      11,
      'WorkflowExecutionFailed',
      10,
    ),
    mistaken: {
      kind: 'fails',
      why: expect.stringMatching(
        /^Cannot read properties of undefined \(reading 'map'\) \(.*changed-workflows\.ts:\d+:\d+\)$/,
      ),
    },
    endless: { kind: 'fails', why: 'Script execution timed out after 5000ms' },
    gone: {
      kind: 'fails',
      why: `Failed to initialize workflow of type 'gone': no such function is exported by the workflow bundle`,
    },
  });
});

test('payloads that cannot be decoded say nothing about the code', async () => {
  const away = {
    encode: async (payloads: never[]) => payloads,
    decode: async () => Promise.reject(new Error('CODEC_KEY_UNKNOWN: the key k0 is unknown')),
  };
  const results = await replayAll('replayed-workflows.ts', { dataConverter: { payloadCodecs: [away] } });
  expect(results.get('unchanged')).toEqual({
    kind: 'unreadable',
    why: 'CODEC_KEY_UNKNOWN: the key k0 is unknown',
  });
});
