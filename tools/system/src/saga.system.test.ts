import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readSagaFailure } from '@heliograph/saga';
import { startTcpProxy, type TcpProxy } from '@heliograph/simulators';
import { startStack, type Stack } from '@heliograph/stack';
import { bundleWorkflows, createTemporalWorker, installTemporalRuntime } from '@heliograph/temporal-worker';
import { assertNamespace } from '@heliograph/temporal-worker/client';
import { eventually } from '@heliograph/testkit';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { SagaActivities } from './testing/saga-workflows.ts';

const SAGAS = 1000;
const AWAY_MS = 600_000;
const STEPS = ['s0', 's1', 's2', 's3', 's4'];
const TASK_QUEUE = 'system-saga';

// A server that is away is what this test wants: the SDK need not report it.
installTemporalRuntime({ logger: new DefaultLogger('ERROR', () => undefined) });

const directory = mkdtempSync(join(tmpdir(), 'heliograph-sagas-'));
let stack: Stack;
let proxy: TcpProxy;
let connection: Connection;
let workerConnection: NativeConnection;
beforeAll(async () => {
  stack = await startStack({ directory: join(directory, 'state'), parts: ['temporal'] });
  const address = stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '';
  connection = await Connection.connect({ address });
  proxy = await startTcpProxy(Number(address.split(':').at(-1)));
  workerConnection = await NativeConnection.connect({ address: `127.0.0.1:${proxy.port}` });
}, 120_000);
afterAll(async () => {
  await workerConnection.close();
  await proxy.close();
  await connection.close();
  await Runtime.instance().shutdown();
  await stack.stop();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

/** Every third saga fails at its last step, and every third is cancelled. */
const fateOf = (index: number) => (['completes', 'fails', 'cancelled'] as const)[index % 3];

test('the server is away for ten minutes in the middle of 1,000 sagas, and all end right', async () => {
  const present = new Set<string>();
  const undone = new Set<string>();
  let done = 0;
  const activities: SagaActivities = {
    async doStep(step, key) {
      if (undone.has(key)) throw ApplicationFailure.nonRetryable('undone already', 'UNDONE');
      present.add(key);
      await wait(200);
      done++;
      const index = Number(/^saga-(\d+)\//.exec(key)?.[1]);
      if (step === 's4' && fateOf(index) === 'fails') throw ApplicationFailure.nonRetryable('no', 'REFUSED');
      return step;
    },
    async undoStep(_, key) {
      undone.add(key);
      present.delete(key);
    },
  };
  const namespace = 'sagas';
  await assertNamespace(connection, namespace, { create: true });
  const client = new Client({ connection, namespace });
  const worker = await createTemporalWorker({
    connection: workerConnection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: await bundleWorkflows({
      workflows: new URL('testing/saga-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
    activities,
    shutdownGraceMs: 1000,
  });
  await worker.runUntil(async () => {
    const handles = [];
    for (let index = 0; index < SAGAS; index++)
      handles.push(
        await client.workflow.start('fiveSteps', {
          workflowId: `saga-${index}`,
          taskQueue: TASK_QUEUE,
          args: [],
        }),
      );
    await eventually('half of the steps are done', () => done > (SAGAS * STEPS.length) / 2, {
      timeoutMs: 300_000,
    });
    await proxy.takeDown();
    const cancelled = handles.filter((_, index) => fateOf(index) === 'cancelled');
    await wait(AWAY_MS / 2);
    for (const handle of cancelled)
      // What has ended before the server went away cannot be cancelled.
      await handle.cancel().catch(() => undefined);
    await wait(AWAY_MS / 2);
    await proxy.bringUp();
    const wrong: unknown[] = [];
    for (const [index, handle] of handles.entries()) {
      const end = await handle.result().then(
        (result) => ({ result, error: null }),
        (error: unknown) => ({ result: null, error }),
      );
      const { status } = await handle.describe();
      const left = STEPS.filter((step) => present.has(`saga-${index}/${handle.firstExecutionRunId}/${step}`));
      const isComplete = end.result === STEPS.length && left.length === STEPS.length;
      const isUndone = end.result === null && left.length === 0;
      const isRight = {
        completes: isComplete,
        fails: isUndone && readSagaFailure(end.error)?.code === 'SAGA_FAILED',
        // It may have completed before somebody cancelled it.
        cancelled: isComplete || (isUndone && status.name === 'CANCELLED'),
      }[fateOf(index) ?? 'completes'];
      if (!isRight) wrong.push({ index, status: status.name, left, result: end.result });
    }
    expect(wrong).toEqual([]);
  });
}, 1_800_000);
