import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { Client, WorkflowFailedError } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { createCodec } from '../codecs/create-codec.ts';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing } from '../keys/key-ring.ts';
import type { CanaryActivities } from '../testing/workflows.ts';
import { createCodecPlugin } from './codec-plugin.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), forward: {} } },
});

const CANARY = 'hunter2-canary';
const workflowsPath = fileURLToPath(new URL('../testing/workflows.ts', import.meta.url));
const logger = new DefaultLogger('ERROR');
const activities: CanaryActivities = {
  repeat: async (text) => `${text} ${'again '.repeat(500)}`,
  fail: async (text) => {
    throw new Error(`activity: ${text}`);
  },
};

let ground: FreshNamespace;
let plugin: ReturnType<typeof createCodecPlugin>;
let bundle: { readonly code: string };
beforeAll(async () => {
  ground = await freshNamespace('codec');
  const keys = createKeyRing({ test: { active: createKey('k1', Buffer.alloc(32, 5)), others: [] } });
  plugin = createCodecPlugin(createCodec({ keys, namespace: ground.namespace, domain: 'test' }));
  bundle = await bundleWorkflowCode({ workflowsPath, logger, plugins: [plugin] });
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

let last = 0;
async function whileWorking<T>(
  run: (client: Client, where: { readonly workflowId: string; readonly taskQueue: string }) => Promise<T>,
): Promise<T> {
  const taskQueue = `q${++last}`;
  const { nativeConnection: connection, namespace } = ground;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: bundle,
    activities,
    plugins: [plugin],
  });
  const client = new Client({ connection, namespace, plugins: [plugin] });
  return worker.runUntil(run(client, { workflowId: `w${last}`, taskQueue }));
}

/** Everything that the server has of a workflow, as text; the bytes of payloads as they are. */
async function storedOf(workflowId: string): Promise<string> {
  const { workflowService } = ground.nativeConnection;
  const { namespace } = ground;
  const execution = { workflowId };
  const stored = await Promise.all([
    workflowService.getWorkflowExecutionHistory({ namespace, execution }),
    workflowService.describeWorkflowExecution({ namespace, execution }),
  ]);
  return textsIn(stored).join('\n');
}

/** Every text and every byte array in a message; JSON would hold the latter in base64, where nothing is found. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array || Buffer.isBuffer(value)) return [Buffer.from(value).toString('latin1')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...textsIn(member)]);
}

describe('with the plugin', () => {
  test('a text goes through every kind of payload, and the server never has it in clear', async () => {
    await whileWorking(async (client, where) => {
      const handle = await client.workflow.start('carry', {
        ...where,
        args: [CANARY],
        memo: { text: CANARY },
        staticSummary: CANARY,
        staticDetails: CANARY,
      });
      await handle.signal('text', `${CANARY} signalled`);
      await expect(handle.result()).resolves.toContain(`${CANARY} again`);
      await expect(handle.query('last', 'was')).resolves.toBe(`was ${CANARY} signalled`);
      expect((await handle.describe()).memo).toEqual({ text: CANARY });
      const stored = await storedOf(where.workflowId);
      expect(stored).toContain('binary/encrypted');
      expect(stored).toContain('encryption-domain');
      expect(stored).not.toContain(CANARY);
    });
  });

  test('messages, details and causes of failures are not stored in clear, and are read back', async () => {
    await whileWorking(async (client, where) => {
      const failure = await client.workflow
        .execute('failWith', { ...where, args: [CANARY] })
        .catch((error: unknown) => error);
      if (!(failure instanceof WorkflowFailedError)) throw failure;
      expect(failure.cause).toMatchObject({
        message: `failed: ${CANARY}`,
        type: 'Declined',
        details: [CANARY],
        cause: { cause: { message: `activity: ${CANARY}` } },
      });
      const stored = await storedOf(where.workflowId);
      expect(stored).not.toContain(CANARY);
      expect(stored).toContain('Declined');
    });
  });

  test('a history is replayed', async () => {
    const workflowId = await whileWorking(async (client, where) => {
      const handle = await client.workflow.start('carry', { ...where, args: [CANARY] });
      await handle.signal('text', CANARY);
      await handle.result();
      return where.workflowId;
    });
    const client = new Client({ connection: ground.nativeConnection, namespace: ground.namespace });
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    const replay = (plugins: (typeof plugin)[]) =>
      Worker.runReplayHistory({ workflowBundle: bundle, plugins }, history, workflowId);
    await expect(replay([plugin])).resolves.toBeUndefined();
    await expect(replay([])).rejects.toMatchObject({ name: 'ReplayError' });
  });

  test('a worker whose bundle would store failures in clear does not start', async () => {
    const without = await bundleWorkflowCode({ workflowsPath, logger });
    const { nativeConnection: connection, namespace } = ground;
    await expect(
      Worker.create({
        connection,
        namespace,
        taskQueue: 'q',
        workflowBundle: without,
        activities,
        plugins: [plugin],
      }),
    ).rejects.toMatchObject({ code: 'CODEC_BUNDLE_UNFIT' });
  });
});
