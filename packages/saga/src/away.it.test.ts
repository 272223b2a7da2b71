import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTcpProxy, type TcpProxy } from '@heliograph/simulators';
import { eventually } from '@heliograph/testkit';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { readSagaFailure } from './index.ts';
import {
  installQuietRuntime,
  bundleFromSource,
  createSagaWorker,
  endOf,
  sagaGround,
  TASK_QUEUE,
} from './testing/saga-ground.ts';
import type { Script, ScriptedActivities } from './testing/script.ts';

installQuietRuntime();

const SAGAS = 60;
const IDS = ['s0', 's1', 's2', 's3', 's4'];

let ground: Awaited<ReturnType<typeof sagaGround>>;
let bundle: { readonly code: string };
let proxy: TcpProxy;
let connection: NativeConnection;
beforeAll(async () => {
  [bundle, ground] = await Promise.all([bundleFromSource(), sagaGround('saga-away')]);
  proxy = await startTcpProxy(Number(ground.address.split(':').at(-1)));
  connection = await NativeConnection.connect({ address: `127.0.0.1:${proxy.port}` });
});
afterAll(async () => {
  await connection.close();
  await proxy.close();
  await ground.close();
  await Runtime.instance().shutdown();
});

test('the server is away in the middle of many sagas, and all end right', async () => {
  const present = new Set<string>();
  const undone = new Set<string>();
  let calls = 0;
  const activities: ScriptedActivities = {
    async doStep(id, key) {
      calls++;
      if (undone.has(key)) throw ApplicationFailure.nonRetryable('undone already', 'UNDONE');
      present.add(key);
      await wait(20);
      // Of every second saga, the last step fails.
      if (id === 's4' && /away-\d*[13579]\//.test(key))
        throw ApplicationFailure.nonRetryable('no', 'REFUSED');
      return `${id}!`;
    },
    async undoStep(_, key) {
      calls++;
      undone.add(key);
      present.delete(key);
    },
    async tell() {},
  };
  const script: Script = {
    steps: IDS.map((id) => ({ id, isCompensable: true, group: null })),
    order: 'reverse',
    stepAttempts: 100,
    stepTimeoutMs: 2000,
    undoTimeoutMs: 2000,
  };
  const worker = await createSagaWorker({
    connection,
    namespace: ground.namespace,
    workflowBundle: bundle,
    activities,
  });
  await worker.runUntil(async () => {
    const handles = await Promise.all(
      Array.from({ length: SAGAS }, (_, index) =>
        ground.client.workflow.start('scriptedSaga', {
          workflowId: `away-${index}`,
          taskQueue: TASK_QUEUE,
          args: [{ script }],
        }),
      ),
    );
    const ends = Promise.all(handles.map(endOf));
    await eventually('the sagas are in the middle', () => calls >= SAGAS * 2, { timeoutMs: 60_000 });
    await proxy.takeDown();
    await wait(3000);
    expect(calls).toBeLessThan(SAGAS * 5);
    await proxy.bringUp();
    for (const [index, { result, error }] of (await ends).entries()) {
      const runId = handles[index]?.firstExecutionRunId;
      const left = IDS.filter((id) => present.has(`away-${index}/${runId}/${id}`));
      if (index % 2 === 0) expect([result, left]).toEqual([IDS.map((id) => `${id}!`).join(), IDS]);
      else expect([readSagaFailure(error)?.compensated, left]).toEqual([IDS, []]);
    }
  });
}, 120_000);
