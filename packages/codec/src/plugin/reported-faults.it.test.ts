import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { createCodec } from '../codecs/create-codec.ts';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing, type KeyRing } from '../keys/key-ring.ts';
import { watchKeyFile } from '../keys/watch-key-file.ts';
import type { FaultActivities } from '../testing/fault-workflows.ts';
import { type CodecPlugin, createCodecPlugin } from './codec-plugin.ts';

// Faults that were reported of SDKs and tools with a codec, tried here.

Runtime.install({
  // The failures are expected here.
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), forward: {} } },
});

const CANARY = 'hunter2-canary';
const workflowsPath = fileURLToPath(new URL('../testing/fault-workflows.ts', import.meta.url));

let ground: FreshNamespace;
let directory: string;
let bundle: { readonly code: string };
const attempts = new Map<string, number>();
const activities: FaultActivities = {
  fail: async (text) => {
    const cause = ApplicationFailure.nonRetryable(`inner ${text}`, 'Inner', `inner detail ${text}`);
    throw ApplicationFailure.create({ message: `outer ${text}`, details: [`outer detail ${text}`], cause });
  },
  succeedLate: async (text, failures) => {
    const attempt = (attempts.get(text) ?? 0) + 1;
    attempts.set(text, attempt);
    if (attempt <= failures) throw new Error(`attempt ${attempt} ${text}`);
    return text;
  },
  repeat: async (text) => text,
};

beforeAll(async () => {
  ground = await freshNamespace('faults');
  directory = await mkdtemp(join(tmpdir(), 'faults-'));
  bundle = await bundleWorkflowCode({
    workflowsPath,
    logger: new DefaultLogger('ERROR'),
    plugins: [pluginOf(RING)],
  });
});
afterAll(async () => {
  await ground.close();
  await rm(directory, { recursive: true });
  await Runtime.instance().shutdown();
});

const RING = createKeyRing({ test: { active: createKey('k1', Buffer.alloc(32, 5)), others: [] } });

function pluginOf(keys: KeyRing, mode: 'strict' | 'permissive' = 'strict'): CodecPlugin {
  const namespace = ground?.namespace ?? 'for-the-bundle';
  return createCodecPlugin(createCodec({ keys, namespace, domain: 'test', mode }));
}

/** A worker and a client, each with the plugin or without any. */
async function startWorker(taskQueue: string, plugins: readonly CodecPlugin[]): Promise<Worker> {
  return Worker.create({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    taskQueue,
    workflowBundle: bundle,
    activities,
    plugins: [...plugins],
  });
}

const clientOf = (...plugins: CodecPlugin[]): Client =>
  new Client({ connection: ground.nativeConnection, namespace: ground.namespace, plugins });

/** Everything that the server has of a workflow, as text. */
async function storedOf(workflowId: string): Promise<string> {
  const { workflowService } = ground.nativeConnection;
  const where = { namespace: ground.namespace, execution: { workflowId } };
  const stored = await Promise.all([
    workflowService.getWorkflowExecutionHistory(where),
    workflowService.describeWorkflowExecution(where),
  ]);
  return textsIn(stored).join('\n');
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array || Buffer.isBuffer(value)) return [Buffer.from(value).toString('latin1')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

test('a workflow reads details of a failed activity and of its cause (temporalio/sdk-python#1191)', async () => {
  const plugin = pluginOf(RING);
  const worker = await startWorker('details', [plugin]);
  const seen = await worker.runUntil(
    clientOf(plugin).workflow.execute('readFailure', {
      workflowId: 'details',
      taskQueue: 'details',
      args: [CANARY],
    }),
  );
  expect(seen).toEqual({
    message: `outer ${CANARY}`,
    details: [`outer detail ${CANARY}`],
    causeMessage: `inner ${CANARY}`,
    causeDetails: [`inner detail ${CANARY}`],
  });
  expect(await storedOf('details')).not.toContain(CANARY);
});

test('a local activity is repeated after a timer (temporalio/sdk-dotnet#610)', async () => {
  const plugin = pluginOf(RING);
  const worker = await startWorker('local', [plugin]);
  const client = clientOf(plugin);
  const result = await worker.runUntil(
    client.workflow.execute('retryLocally', { workflowId: 'local', taskQueue: 'local', args: [CANARY] }),
  );
  expect([result, attempts.get(CANARY)]).toEqual([CANARY, 3]);
  const stored = await storedOf('local');
  expect(stored).not.toContain(CANARY);
  const { events } = await client.workflow.getHandle('local').fetchHistory();
  expect(events?.some(({ timerFiredEventAttributes }) => timerFiredEventAttributes)).toBe(true);
});

test('a worker survives what it cannot decode, and takes what it can (temporalio/sdk-typescript#1473)', async () => {
  const strict = pluginOf(RING);
  const worker = await startWorker('survives', [strict]);
  await worker.runUntil(async () => {
    const plain = await clientOf().workflow.start('note', {
      workflowId: 'plain',
      taskQueue: 'survives',
      args: [CANARY],
    });
    await eventually('its task fails', async () => {
      const { events } = await plain.fetchHistory();
      return events?.some(({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes);
    });
    const options = { workflowId: 'encrypted', taskQueue: 'survives', args: ['fine'] };
    await expect(clientOf(strict).workflow.execute('note', options)).resolves.toBe('fine');
    expect(worker.getState()).toBe('RUNNING');
  });
  // What strict refuses is not lost: another worker takes it.
  const permissive = await startWorker('survives', [pluginOf(RING, 'permissive')]);
  await permissive.runUntil(async () => {
    const handle = clientOf(pluginOf(RING, 'permissive')).workflow.getHandle('plain');
    await expect(handle.result()).resolves.toBe(CANARY);
  });
});

test('a workflow in the cache goes on once its worker has the key (temporalio/sdk-go#2206)', async () => {
  const file = join(directory, 'keys.json');
  const key = (id: string, byte: number) => ({ id, key: Buffer.alloc(32, byte).toString('base64url') });
  const write = (...keys: object[]) =>
    writeFile(file, JSON.stringify({ domains: { test: { active: 'k1', keys } } }));
  await write(key('k1', 5));
  const ring = await watchKeyFile(file, { intervalMs: 60_000 });
  const newer = createKeyRing({
    test: { active: createKey('k2', Buffer.alloc(32, 6)), others: [createKey('k1', Buffer.alloc(32, 5))] },
  });
  const worker = await startWorker('cached', [pluginOf(ring)]);
  try {
    await worker.runUntil(async () => {
      const options = { workflowId: 'cached', taskQueue: 'cached', args: [2] };
      const older = await clientOf(pluginOf(ring)).workflow.start('collect', options);
      await older.signal('next', 'first');
      const handle = clientOf(pluginOf(newer)).workflow.getHandle('cached');
      await handle.signal('next', CANARY);
      await eventually('its task fails', async () => {
        const { events } = await handle.fetchHistory();
        return events?.some(({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes);
      });
      await write(key('k1', 5), key('k2', 6));
      await ring.reload();
      await expect(handle.result()).resolves.toEqual(['first', CANARY]);
    });
  } finally {
    ring.close();
  }
  const stored = await storedOf('cached');
  // The failure of the task names the key, in a payload that is encrypted.
  expect(stored).toContain('k2');
  expect(stored).not.toMatch(/hunter2|TMPRL1100/);
});

test('memos are encrypted, also those of running workflows and of schedules (temporalio/ui#1577)', async () => {
  const plugin = pluginOf(RING);
  const client = clientOf(plugin);
  const worker = await startWorker('memos', [plugin]);
  await worker.runUntil(async () => {
    await client.workflow.execute('note', {
      workflowId: 'memos',
      taskQueue: 'memos',
      args: [CANARY],
      memo: { early: CANARY },
    });
    const { memo } = await client.workflow.getHandle('memos').describe();
    expect(memo).toEqual({ early: CANARY, later: CANARY });
    expect(await storedOf('memos')).not.toContain(CANARY);

    const schedule = await client.schedule.create({
      scheduleId: 'every-hour',
      spec: { intervals: [{ every: '1 hour' }] },
      memo: { of: CANARY },
      action: {
        type: 'startWorkflow',
        workflowType: 'note',
        workflowId: 'scheduled',
        taskQueue: 'memos',
        args: [CANARY],
        memo: { early: CANARY },
      },
    });
    const { namespace } = ground;
    const stored = await ground.nativeConnection.workflowService.describeSchedule({
      namespace,
      scheduleId: 'every-hour',
    });
    expect(textsIn(stored).join('\n')).not.toContain(CANARY);
    expect((await schedule.describe()).memo).toEqual({ of: CANARY });
    await schedule.trigger();
    // A strict worker reads it, although it was encrypted before there was a workflow id.
    const [run] = await eventually('it has run', async () => {
      const { info } = await schedule.describe();
      return info.recentActions.length > 0 && info.recentActions;
    });
    const workflowId = run?.action.workflow.workflowId ?? '';
    await expect(client.workflow.getHandle(workflowId).result()).resolves.toBe(CANARY);
    await schedule.delete();
  });
});
