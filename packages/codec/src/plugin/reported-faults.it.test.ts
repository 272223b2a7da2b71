import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { CompleteAsyncError, Context } from '@temporalio/activity';
import { Client, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
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
import { type FaultActivities, refuse, TAG } from '../testing/fault-workflows.ts';
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
  later: async () => {
    taskTokens.push(Context.current().info.taskToken);
    throw new CompleteAsyncError();
  },
};
/** Of activities that a client completes. */
const taskTokens: Uint8Array[] = [];

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

/** What a workflow sees of a failure of the activities here. */
const SEEN = {
  message: `outer ${CANARY}`,
  details: [`outer detail ${CANARY}`],
  causeMessage: `inner ${CANARY}`,
  causeDetails: [`inner detail ${CANARY}`],
};

test.each([
  ['an activity', 'readFailure', 'temporalio/sdk-python#1191'],
  // Its failure is part of a marker that the SDK's core writes.
  ['a local activity', 'readLocalFailure', 'temporalio/sdk-rust#436'],
])('a workflow reads details of a failure of %s and of its cause (%s, %s)', async (_, type) => {
  const plugin = pluginOf(RING);
  const worker = await startWorker(type, [plugin]);
  const options = { workflowId: type, taskQueue: type, args: [CANARY] };
  expect(await worker.runUntil(clientOf(plugin).workflow.execute(type, options))).toEqual(SEEN);
  expect(await storedOf(type)).not.toContain(CANARY);
});

test('a client completes an activity with a failure (temporalio/sdk-java#308)', async () => {
  const plugin = pluginOf(RING);
  const client = clientOf(plugin);
  const worker = await startWorker('later', [plugin]);
  const seen = await worker.runUntil(async () => {
    const options = { workflowId: 'later', taskQueue: 'later', args: [CANARY] };
    const handle = await client.workflow.start('readLaterFailure', options);
    const taskToken = await eventually('the activity waits', () => taskTokens.at(-1));
    await client.activity.heartbeat(taskToken, { of: CANARY });
    expect(await storedOf('later')).not.toContain(CANARY);
    await client.activity.fail(taskToken, await activities.fail(CANARY).catch((error: unknown) => error));
    return handle.result();
  });
  expect(seen).toEqual(SEEN);
  expect(await storedOf('later')).not.toContain(CANARY);
});

test('an update that fails says why to its client only (temporalio/features#66)', async () => {
  const plugin = pluginOf(RING);
  const worker = await startWorker('refusing', [plugin]);
  await worker.runUntil(async () => {
    const options = { workflowId: 'refusing', taskQueue: 'refusing', args: [] };
    const handle = await clientOf(plugin).workflow.start('refusing', options);
    const refused = handle.executeUpdate(refuse, { args: [CANARY] });
    await expect(refused).rejects.toThrow(WorkflowUpdateFailedError);
    await expect(refused).rejects.toMatchObject({
      cause: { message: SEEN.message, details: SEEN.details, cause: { details: SEEN.causeDetails } },
    });
    await handle.signal('next', 'end');
    await handle.result();
  });
  expect(await storedOf('refusing')).not.toContain(CANARY);
});

test('search attributes of a child stay as they are, and its memo is carried on (temporalio/sdk-python#1129)', async () => {
  const { namespace, nativeConnection, connection } = ground;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: { [TAG.name]: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD },
  });
  const plugin = pluginOf(RING);
  const worker = await startWorker('tagged', [plugin]);
  const options = { workflowId: 'tagged', taskQueue: 'tagged', args: [CANARY] };
  const result = await worker.runUntil(clientOf(plugin).workflow.execute('parentOfTagged', options));
  expect(result).toEqual({ memo: { of: CANARY }, tag: 'tagged', text: CANARY });
  const { executions } = await nativeConnection.workflowService.listWorkflowExecutions({
    namespace,
    query: `${TAG.name} = 'tagged'`,
  });
  expect(executions).toHaveLength(2);
  expect(textsIn(executions).join('\n')).not.toContain(CANARY);
  for (const workflowId of ['tagged', 'tagged-child'])
    expect(await storedOf(workflowId)).not.toContain(CANARY);
});

test('the answer to a query for the stack trace is encrypted (temporalio/features#74)', async () => {
  const plugin = pluginOf(RING);
  const worker = await startWorker('trace', [plugin]);
  await worker.runUntil(async () => {
    const options = { workflowId: 'trace', taskQueue: 'trace', args: [1] };
    const handle = await clientOf(plugin).workflow.start('collect', options);
    const { queryResult } = await ground.nativeConnection.workflowService.queryWorkflow({
      namespace: ground.namespace,
      execution: { workflowId: 'trace' },
      query: { queryType: '__stack_trace' },
    });
    const encodings = queryResult?.payloads?.map(({ metadata }) =>
      Buffer.from(metadata?.['encoding'] ?? []).toString(),
    );
    expect(encodings).toEqual(['binary/encrypted']);
    expect(await handle.query('__stack_trace')).toContain('collect');
    await handle.signal('next', 'end');
    await handle.result();
  });
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
