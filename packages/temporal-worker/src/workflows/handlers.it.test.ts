import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import {
  approvals,
  approve,
  approveLater,
  closeSignal,
  stepSignal,
  type approval,
  type steps,
} from '../testing/handler-workflows.ts';
import { connectWorker } from '../worker/connect-worker.ts';
import { createTemporalWorker } from '../worker/create-worker.ts';
import { installTemporalRuntime } from '../worker/runtime.ts';
import { bundleWorkflows } from '../worker/workflow-bundle.ts';

const lines: string[] = [];
const note = (message: string) => void lines.push(message);
installTemporalRuntime({
  logger: {
    log: (_, message) => note(message),
    trace: note,
    debug: note,
    info: note,
    warn: note,
    error: note,
  },
});

let ground: FreshNamespace;
let client: Client;
let code: { readonly code: string };

beforeAll(async () => {
  ground = await freshNamespace('handlers');
  client = new Client({ connection: ground.connection, namespace: ground.namespace });
  code = await bundleWorkflows({
    workflows: new URL('../testing/handler-workflows.ts', import.meta.url),
    sourceCondition: '@heliograph/source',
  });
});
afterAll(() => ground.close());

/** A worker that keeps nothing in memory: each workflow task replays the whole history. */
const replaying = async () =>
  createTemporalWorker({
    connection: await connectWorker({ address: ground.address }),
    namespace: ground.namespace,
    taskQueue: 'handlers',
    workflowBundle: code,
    cachedWorkflows: 0,
  });

test('a validator rejects before anything is written, and one that is async rejects instead of blocking', async () => {
  const worker = await replaying();
  await worker.runUntil(async () => {
    const handle = await client.workflow.start<typeof approval>('approval', {
      workflowId: 'approval',
      taskQueue: 'handlers',
    });
    await expect(handle.executeUpdate(approve, { args: ['ada'] })).resolves.toBe('approved by ada');
    await expect(handle.executeUpdate(approve, { args: [''] })).rejects.toMatchObject({
      cause: { type: 'NameMissing' },
    });
    await expect(handle.executeUpdate(approve, { args: ['ada'] })).rejects.toMatchObject({
      cause: { type: 'Repeated' },
    });
    await expect(handle.executeUpdate(approveLater, { args: ['bob'] })).rejects.toMatchObject({
      cause: { type: 'UPDATE_VALIDATOR_ASYNC' },
    });
    await expect(handle.query(approvals)).resolves.toEqual(['ada']);
    await handle.signal(closeSignal);
    await expect(handle.result()).resolves.toEqual(['ada']);
    const { events = [] } = await handle.fetchHistory();
    expect(events?.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
  });
});

test('a line of a workflow is logged once, however often the workflow is replayed', async () => {
  lines.length = 0;
  const worker = await replaying();
  const count = 100;
  await worker.runUntil(async () => {
    const handle = await client.workflow.start<typeof steps>('steps', {
      workflowId: 'steps',
      taskQueue: 'handlers',
      args: [count],
    });
    for (let tasks = 1; tasks <= count; tasks += 1) {
      // Each signal comes in a workflow task of its own.
      await eventually('the workflow task', async () => {
        const { events } = await handle.fetchHistory();
        const completed = events?.filter((event) => event.workflowTaskCompletedEventAttributes) ?? [];
        return completed.length === tasks;
      });
      await handle.signal(stepSignal);
    }
    await handle.result();
  });
  expect(lines.filter((line) => line === 'begun')).toHaveLength(1);
  expect(lines.filter((line) => line === 'ended')).toHaveLength(1);
});
