import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { Client } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { ActivityClass } from '../policies/activity-class.ts';
import { ACTIVITY_CLASSES } from '../policies/activity-classes.ts';
import { createCountJob, type CountJobOptions } from '../testing/count-job.ts';
import { scaleClass } from '../testing/scale-class.ts';
import { createTemporalWorker } from '../worker/create-worker.ts';
import { installTemporalRuntime } from '../worker/runtime.ts';
import { bundleWorkflows } from '../worker/workflow-bundle.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });

/** A heartbeat timeout of 1 s, so that the SDK sends one every 0.8 s. */
const policy = scaleClass(ACTIVITY_CLASSES.longJob, 30);
let ground: FreshNamespace;
let client: Client;
let workflowBundle: { readonly code: string };
let folder: string;
let last = 0;

beforeAll(async () => {
  [ground, workflowBundle] = await Promise.all([
    freshNamespace('long-jobs'),
    bundleWorkflows({
      workflows: new URL('../testing/long-job-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
  ]);
  client = new Client({ connection: ground.connection, namespace: ground.namespace });
  folder = mkdtempSync(join(tmpdir(), 'long-jobs-'));
});
afterAll(async () => {
  await ground.close();
  rmSync(folder, { recursive: true });
  await Runtime.instance().shutdown();
});

const workerFor = (taskQueue: string, activities?: object, graceMs = 0) =>
  createTemporalWorker({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    taskQueue,
    workflowBundle,
    shutdownGraceMs: graceMs,
    ...(activities === undefined ? {} : { activities }),
  });

const startJob = (taskQueue: string, upTo: number, type = 'runJob', of: ActivityClass = policy) =>
  client.workflow.start(type, { taskQueue, workflowId: `job-${taskQueue}`, args: [of, upTo] });

/** Runs a job on one worker to its end; returns its result and what each attempt resumed at. */
async function runJob(options: CountJobOptions, upTo: number) {
  const taskQueue = `q${++last}`;
  const resumed: (number | null)[] = [];
  const worker = await workerFor(
    taskQueue,
    createCountJob({ ...options, onResume: (after) => resumed.push(after) }),
  );
  const result: unknown = await worker.runUntil(async () => (await startJob(taskQueue, upTo)).result());
  return { result, resumed };
}

test('a failed attempt sends its last checkpoint, which the throttle had held back', async () => {
  let failures = 0;
  const { result, resumed } = await runJob(
    {
      onRecord: async (record) => {
        // Fifty checkpoints within one throttle interval.
        if (record === 51 && failures++ === 0) throw new Error('the store is away');
      },
    },
    60,
  );
  expect(resumed).toEqual([null, 50]);
  expect(result).toBe('counted from 50 to 60');
});

test('an attempt that fails before its first checkpoint keeps that of the attempt before', async () => {
  let failures = 0;
  const { resumed } = await runJob(
    {
      onRecord: async (record) => {
        if (record === 4 && failures++ < 3) throw new Error('the store is away');
      },
    },
    5,
  );
  expect(resumed).toEqual([null, 3, 3, 3]);
});

test('an attempt that hangs between checkpoints is noticed, although its process is alive', async () => {
  let hung = 0;
  const { resumed } = await runJob(
    {
      stallAfterMs: 300,
      onRecord: async (record, signal) => {
        if (record === 3 && hung++ === 0) await wait(30_000, undefined, { signal });
      },
    },
    5,
  );
  expect(resumed).toEqual([null, 2]);
});

test('after kill -9 another worker resumes at a checkpoint that was sent, at most a throttle interval old', async () => {
  const taskQueue = `q${++last}`;
  const file = join(folder, 'saved');
  const script = fileURLToPath(new URL('../testing/count-forever.ts', import.meta.url));
  const flags = ['-C', '@heliograph/source', '--disable-warning=ExperimentalWarning', script];
  const child = spawn(process.execPath, [...flags, ground.address, ground.namespace, taskQueue, file], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const saved = (): number[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
  // It runs no activities until the child has died.
  const workflows = await workerFor(taskQueue);
  const running = workflows.run();
  const handle = await startJob(taskQueue, 1_000_000);
  await eventually('it has counted past the first heartbeats', () => saved().length > 100);
  child.kill('SIGKILL');
  workflows.shutdown();
  await running;
  const resumed: (number | null)[] = [];
  const second = await workerFor(
    taskQueue,
    createCountJob({
      onResume: (after) => resumed.push(after),
      onRecord: async () => {
        throw new Error('enough');
      },
    }),
  );
  await second.runUntil(async () => {
    await eventually('it resumes', () => resumed.length > 0);
    await handle.terminate();
  });
  const at = resumed[0] ?? 0;
  // 0.8 s of the throttle are 40 records; on a busy machine a record takes longer, never shorter.
  expect(at).toBeGreaterThanOrEqual(saved().length - 60);
  expect(at).toBeLessThanOrEqual(saved().length + 1);
});

test('a worker that stops lets a job end at its next checkpoint, and another one resumes there at once', async () => {
  const taskQueue = `q${++last}`;
  const resumed: (number | null)[] = [];
  const ended: string[] = [];
  const first = await workerFor(
    taskQueue,
    createCountJob({ onRecord: (record) => wait(record < 4 ? 1 : 50) }),
    20_000,
  );
  const firstRun = first.run().then(() => ended.push('first'));
  const handle = await startJob(taskQueue, 400);
  await eventually('it counts', async () => {
    const { raw } = await handle.describe();
    return (raw.pendingActivities ?? []).some(({ heartbeatDetails }) => heartbeatDetails != null);
  });
  first.shutdown();
  // Long before the grace of 20 s, and before the job would end by itself.
  await firstRun;
  expect(ended).toEqual(['first']);
  const second = await workerFor(
    taskQueue,
    createCountJob({ onResume: (after) => resumed.push(after), onRecord: async () => undefined }),
  );
  await expect(second.runUntil(handle.result())).resolves.toMatch(/^counted from [1-9]\d* to 400$/);
  expect(resumed).toHaveLength(1);
});

test('a cancelled job learns of it by its signal and at its next checkpoint', async () => {
  const taskQueue = `q${++last}`;
  let aborted = 0;
  const worker = await workerFor(
    taskQueue,
    createCountJob({
      onRecord: async (_, signal) => {
        await wait(20_000, undefined, { signal }).catch(() => {
          aborted++;
        });
      },
    }),
  );
  await worker.runUntil(async () => {
    const handle = await startJob(taskQueue, 5);
    await eventually('it runs', async () => {
      const { raw } = await handle.describe();
      return (raw.pendingActivities ?? []).some(({ lastHeartbeatTime }) => lastHeartbeatTime != null);
    });
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  });
  expect(aborted).toBe(1);
});

test('a long job that is called without a heartbeat timeout fails for good, and says so', async () => {
  const taskQueue = `q${++last}`;
  const worker = await workerFor(taskQueue, createCountJob({ onRecord: async () => undefined }));
  await worker.runUntil(async () => {
    const handle = await startJob(taskQueue, 5, 'runJobWithout', ACTIVITY_CLASSES.billing);
    await expect(handle.result()).rejects.toMatchObject({
      cause: {
        cause: { type: 'INVALID_INPUT', message: expect.stringContaining('without a heartbeat timeout') },
      },
    });
  });
});
