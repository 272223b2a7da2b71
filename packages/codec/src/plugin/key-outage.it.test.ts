import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Fault,
  type HttpDouble,
  kmsKey,
  startKmsDouble,
  startVaultDouble,
  transitKey,
} from '@heliograph/simulators';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { heartbeat, sleep } from '@temporalio/activity';
import { Client, WorkflowFailedError } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { type CodecOptions, createCodec } from '../codecs/create-codec.ts';
import { createAwsKmsSource } from '../keys/aws-kms-source.ts';
import { createEnvelopeKeyRing, type EnvelopeKeyRingOptions } from '../keys/envelope-key-ring.ts';
import type { EnvelopeKeySource } from '../keys/envelope-key-source.ts';
import { createVaultSource } from '../keys/vault-source.ts';
import type { OutageActivities } from '../testing/outage-workflows.ts';
import { createCodecPlugin } from './codec-plugin.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), forward: {} } },
});

const REGION = 'eu-central-1';
const ARN = `arn:aws:kms:${REGION}:111122223333:key/0a`;
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const activities: OutageActivities = {
  repeat: async (text) => text,
  async beat(durationMs) {
    for (let at = 0; at < durationMs; at += 50) {
      heartbeat({ at, text: 'x'.repeat(2000) });
      await sleep(50);
    }
    return 'beaten';
  },
  async fail(text) {
    throw new Error(text);
  },
};

let ground: FreshNamespace;
let folder: string;
let code: string;
const environment = { ...process.env };
beforeAll(async () => {
  ground = await freshNamespace('outage');
  folder = await mkdtemp(join(tmpdir(), 'codec-outage-'));
  await writeFile(join(folder, 'token'), 't0k3n');
  Object.assign(process.env, { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' });
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
  const workflowsPath = fileURLToPath(new URL('../testing/outage-workflows.ts', import.meta.url));
  const nobody = createCodecPlugin({
    encode: async (payloads) => payloads,
    decode: async (payloads) => payloads,
  });
  ({ code } = await bundleWorkflowCode({
    workflowsPath,
    logger: new DefaultLogger('ERROR'),
    plugins: [nobody],
  }));
}, 180_000);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});
afterAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, environment);
  await ground.close();
  await Runtime.instance().shutdown();
  await rm(folder, { recursive: true });
});

/** A service that wraps data keys, and what asks it. */
interface Service {
  readonly double: HttpDouble;
  readonly source: EnvelopeKeySource;
}
const services: Record<'AWS KMS' | 'Vault', () => Promise<Service>> = {
  'AWS KMS': async () => {
    const double = await startKmsDouble(REGION, credentials);
    double.keys.push(kmsKey(ARN));
    const source = await createAwsKmsSource({ id: 'kms', keyId: ARN, endpoint: double.address });
    return { double, source };
  },
  Vault: async () => {
    const double = await startVaultDouble();
    double.keys.set('payloads', transitKey());
    double.tokens.set('t0k3n', { allows: () => true });
    const tokenFile = join(folder, 'token');
    const source = createVaultSource({
      id: 'vault',
      address: double.address,
      keyName: 'payloads',
      tokenFile,
    });
    return { double, source };
  },
};
const startService = async (name: keyof typeof services): Promise<Service> => {
  const service = await services[name]();
  closing.push(() => service.double.close());
  return service;
};

let last = 0;
/** A worker with a key ring of its own, and a client that shares it. */
async function startWorker(
  source: EnvelopeKeySource,
  {
    ring = {},
    codec = {},
  }: { readonly ring?: Partial<EnvelopeKeyRingOptions>; readonly codec?: Partial<CodecOptions> } = {},
) {
  const { nativeConnection: connection, namespace } = ground;
  const keys = await createEnvelopeKeyRing({ namespace, domains: { test: { active: source } }, ...ring });
  const plugins = [createCodecPlugin(createCodec({ keys, namespace, domain: 'test', ...codec }))];
  const taskQueue = `outage${++last}`;
  const workflowBundle = { code };
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle,
    activities,
    plugins,
  });
  const running = worker.run();
  closing.push(async () => {
    worker.shutdown();
    await running;
    keys.close();
  });
  await eventually('the worker runs', () => worker.getState() === 'RUNNING');
  return { worker, keys, taskQueue, client: new Client({ connection, namespace, plugins }) };
}

/** Types of the events of a workflow that say that something went wrong. */
async function troublesOf(workflowId: string): Promise<readonly string[]> {
  const plain = new Client({ connection: ground.nativeConnection, namespace: ground.namespace });
  const { events = [] } = await plain.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => {
    if (event.workflowTaskFailedEventAttributes != null) return ['workflow task failed'];
    if (event.workflowTaskTimedOutEventAttributes != null) return ['workflow task timed out'];
    if (event.activityTaskTimedOutEventAttributes != null) return ['activity timed out'];
    const type = event.activityTaskFailedEventAttributes?.failure?.applicationFailureInfo?.type ?? 'Error';
    return type === 'Error' ? [] : [`activity failed with ${type}`];
  });
}

describe.each(Object.keys(services) as (keyof typeof services)[])('while %s is away', (name) => {
  test('results, failures and heartbeats are encoded, and the worker runs', async () => {
    const { double, source } = await startService(name);
    // Ten windows, and as many lifetimes of keys, pass in the outage.
    const ring = { windowMs: 1000, keyLifetimeMs: 1000, timeoutMs: 2000 };
    const { worker, keys, taskQueue, client } = await startWorker(source, { ring });
    const workflowIds = Array.from({ length: 4 }, (_, at) => `${taskQueue}-toil${at}`);
    const outcomes = workflowIds.map((workflowId) =>
      client.workflow
        .execute('toil', { workflowId, taskQueue, args: [14_000] })
        .catch((error: unknown) => error),
    );
    await sleepMs(2000);
    const before = Buffer.from(keys.activeKey('test').wrapped ?? []);
    const faults: readonly Fault[] = ['cut', 'hang', { status: 503, body: '<html>away</html>' }];
    for (let second = 0; second < 10; second++) {
      double.outage = faults[second % 3] ?? null;
      await sleepMs(1000);
      expect(worker.getState()).toBe('RUNNING');
    }
    const during = Buffer.from(keys.activeKey('test').wrapped ?? []);
    double.outage = null;
    for (const [at, outcome] of (await Promise.all(outcomes)).entries()) {
      const workflowId = workflowIds[at] ?? '';
      if (!(outcome instanceof WorkflowFailedError)) throw outcome;
      expect(outcome.cause).toMatchObject({ message: `${workflowId} made its rounds`, type: 'Done' });
      expect(outcome.cause).toMatchObject({ details: [expect.any(Number)] });
      expect(await troublesOf(workflowId)).toEqual([]);
    }
    expect(worker.getState()).toBe('RUNNING');
    // A key that was made when the service was last there encrypted to the end of the outage.
    expect(during.length).toBeGreaterThan(0);
    await eventually('another key', () => !during.equals(keys.activeKey('test').wrapped ?? before));
  }, 180_000);

  test('activities wait for their arguments, lose no attempt, and hold up nothing else', async () => {
    const { double, source } = await startService(name);
    const [near, far] = [await startWorker(source), await startWorker(source)];
    double.outage = { status: 503, body: 'away' };
    const handles = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        near.client.workflow.start('delegate', {
          workflowId: `${near.taskQueue}-delegate${at}`,
          taskQueue: near.taskQueue,
          args: [far.taskQueue, `text ${at}`],
        }),
      ),
    );
    await eventually('all of them wait', async () => {
      const { workflowService } = ground.nativeConnection;
      const pending = await Promise.all(
        handles.map(({ workflowId }) =>
          workflowService.describeWorkflowExecution({
            namespace: ground.namespace,
            execution: { workflowId },
          }),
        ),
      );
      return pending.every(({ pendingActivities }) => pendingActivities?.[0]?.lastStartedTime != null);
    });
    const delegated = handles.map((handle) => handle.result());
    const startedAt = performance.now();
    const greetings = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        far.client.workflow.execute('greet', {
          workflowId: `${far.taskQueue}-greet${at}`,
          taskQueue: far.taskQueue,
          args: [`hello ${at}`],
        }),
      ),
    );
    expect(greetings).toHaveLength(20);
    const waiting = await Promise.race([Promise.any(delegated), sleepMs(1).then(() => 'waiting')]);
    expect(waiting).toBe('waiting');
    // Ten seconds is what a decode that blocked would take at the least; it takes about half a second.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    double.outage = null;
    expect(await Promise.all(delegated)).toEqual(Array.from({ length: 20 }, (_, at) => `text ${at}`));
    for (const { workflowId } of handles)
      expect(await troublesOf(workflowId)).not.toContainEqual(expect.stringContaining('activity'));
  }, 180_000);
});

test.each([
  ['does not wait', 0],
  ['waits for a second', 1000],
])(
  'an activity whose arguments are not decoded by a codec that %s uses up its attempt',
  async (_, maxKeyWaitMs) => {
    const { double, source } = await startService('Vault');
    const [near, far] = [await startWorker(source), await startWorker(source, { codec: { maxKeyWaitMs } })];
    double.outage = 'cut';
    const workflowId = `${near.taskQueue}-delegate`;
    const startedAt = performance.now();
    const handle = await near.client.workflow.start('delegate', {
      workflowId,
      taskQueue: near.taskQueue,
      args: [far.taskQueue, 'text'],
    });
    const failure = handle.result().catch((error: unknown) => error);
    await eventually('the attempt is used up', async () =>
      (await troublesOf(workflowId)).includes('activity failed with CodecError'),
    );
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(maxKeyWaitMs);
    // The other side encoded what it has to say about it with a key of its own.
    double.outage = null;
    expect(await failure).toMatchObject({
      cause: {
        name: 'ActivityFailure',
        retryState: 'MAXIMUM_ATTEMPTS_REACHED',
        cause: { type: 'CodecError', message: expect.stringContaining('Vault is not available') },
      },
    });
    expect(far.worker.getState()).toBe('RUNNING');
  },
  180_000,
);

function sleepMs(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
