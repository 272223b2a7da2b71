import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { Runtime } from '@temporalio/worker';
import { readSagaFailure } from './index.ts';
import {
  installQuietRuntime,
  bundleFromSource,
  endOf,
  sagaGround,
  TASK_QUEUE,
} from './testing/saga-ground.ts';
import type { Script } from './testing/script.ts';

installQuietRuntime();

let ground: Awaited<ReturnType<typeof sagaGround>>;
let bundle: { readonly code: string };
let folder: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  [bundle, ground] = await Promise.all([bundleFromSource(), sagaGround('saga-kill')]);
  folder = mkdtempSync(join(tmpdir(), 'heliograph-saga-'));
  writeFileSync(join(folder, 'bundle.js'), bundle.code);
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});
afterAll(async () => {
  await ground.close();
  rmSync(folder, { recursive: true });
  await Runtime.instance().shutdown();
});

function startWorker(ledger: string): () => Promise<void> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@heliograph/source',
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(new URL('testing/run-worker.ts', import.meta.url)),
      ground.address,
      ground.namespace,
      join(folder, 'bundle.js'),
      ledger,
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  children.add(child);
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => {
      children.delete(child);
      resolve();
    });
  });
  return () => {
    child.kill('SIGKILL');
    return ended;
  };
}

test('a worker that is killed within every compensation loses none, in one run or in several', async () => {
  const ids = ['s0', 's1', 's2', 's3'];
  const ledger = join(folder, 'ledger');
  writeFileSync(ledger, '');
  const undone = (workflowId: string): readonly string[] =>
    readFileSync(ledger, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`undid ${workflowId}/`));
  const sagas = await Promise.all(
    [false, true].map(async (handsOver) => {
      const script: Script = {
        steps: ids.map((id) => ({ id, isCompensable: true, group: null })),
        order: 'reverse',
        handsOver,
        undoTimeoutMs: 1000,
      };
      const workflowId = handsOver ? 'killed-over-several-runs' : 'killed-in-one-run';
      const handle = await ground.client.workflow.start('scriptedSaga', {
        workflowId,
        taskQueue: TASK_QUEUE,
        args: [{ script }],
      });
      return { workflowId, handle };
    }),
  );
  let kill = startWorker(ledger);
  for (let count = 1; count <= ids.length; count++) {
    await eventually(
      `compensation ${count} of both`,
      () => sagas.every(({ workflowId }) => new Set(undone(workflowId)).size >= count),
      { timeoutMs: 60_000 },
    );
    await kill();
    kill = startWorker(ledger);
  }
  for (const { workflowId, handle } of sagas) {
    const { error } = await endOf(handle);
    expect(readSagaFailure(error)).toMatchObject({
      code: 'SAGA_FAILED',
      compensated: ids,
      uncompensated: [],
    });
    const keys = ids.toReversed().map((id) => `undid ${workflowId}/${handle.firstExecutionRunId}/${id}`);
    // Each one happened and was killed before it could answer, so it was repeated, before the next one began.
    expect([...new Set(undone(workflowId))]).toEqual(keys);
    expect(undone(workflowId)).toEqual(
      undone(workflowId).toSorted((a, b) => keys.indexOf(a) - keys.indexOf(b)),
    );
    for (const key of keys)
      expect(undone(workflowId).filter((line) => line === key).length).toBeGreaterThan(1);
  }
  await kill();
}, 180_000);
