import { expect, test } from '@jest/globals';
import type { NativeConnection } from '@temporalio/worker';
import { createTemporalWorkers, handleAsOne, type TemporalWorkersOptions } from './create-workers.ts';

/** Refused before the connection is used. */
const options = (more: Partial<TemporalWorkersOptions>): TemporalWorkersOptions => ({
  connection: null as never,
  namespace: 'any',
  workers: [{ taskQueue: 'q', activities: {} }],
  ...more,
});

test('a bundle that no worker runs is refused', async () => {
  await expect(createTemporalWorkers(options({ workflowBundle: { code: '' } }))).rejects.toThrow(
    'no worker has `workflows: true`',
  );
});

test('a worker that runs workflows without a bundle is refused, with its task queue', async () => {
  const workers = [{ taskQueue: 'q', workflows: true }];
  await expect(createTemporalWorkers(options({ workers }))).rejects.toThrow(/task queue q .* no bundle/);
});

test('a worker with a preset that cannot work is refused before any is created', async () => {
  const workers = [
    { taskQueue: 'q', activities: {} },
    { taskQueue: 'r', slots: { kind: 'io', maximum: 0 } },
  ] as const;
  await expect(createTemporalWorkers(options({ workers }))).rejects.toMatchObject({
    code: 'TEMPORAL_WORKER_OPTIONS',
    message: expect.stringContaining('worker of task queue r: slots.maximum'),
  });
});

test('two pools on one task queue are refused: each would take the work of the other', async () => {
  const workers = [
    { taskQueue: 'q', pool: 'critical' },
    { taskQueue: 'q', pool: 'background' },
  ] as const;
  await expect(createTemporalWorkers(options({ workers }))).rejects.toMatchObject({
    code: 'TEMPORAL_WORKER_OPTIONS',
    message: expect.stringContaining('task queue q has workers of different pools'),
  });
});

test('the failure of a worker is known at once, while another one still finishes its activities', async () => {
  let finish = (): void => undefined;
  const asked: string[] = [];
  const workers = handleAsOne([
    { run: () => Promise.reject(new Error('died')), shutdown: () => undefined, getState: () => 'FAILED' },
    {
      run: () => new Promise((resolve) => (finish = resolve)),
      shutdown: () => void asked.push('busy'),
      getState: () => (asked.length === 0 ? 'RUNNING' : 'DRAINING'),
    },
  ]);
  await expect(workers.run()).rejects.toThrow('died');
  expect(asked).toEqual(['busy']);
  let hasStopped = false;
  const stopped = workers.shutdown().then(() => (hasStopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(hasStopped).toBe(false);
  finish();
  await expect(stopped).resolves.toBe(true);
});

test('another connection is for the workers that have not stopped', () => {
  const [before, next] = [{} as NativeConnection, {} as NativeConnection];
  const worker = (state: 'INITIALIZED' | 'RUNNING' | 'DRAINING' | 'STOPPED' | 'FAILED') => ({
    run: async () => undefined,
    shutdown: () => undefined,
    getState: () => state,
    connection: before,
  });
  const workers = (['INITIALIZED', 'RUNNING', 'DRAINING', 'STOPPED', 'FAILED'] as const).map(worker);
  handleAsOne(workers).useConnection(next);
  expect(workers.map(({ connection }) => connection === next)).toEqual([true, true, true, false, false]);
});
