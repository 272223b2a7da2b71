import { expect, test } from '@jest/globals';
import { createTemporalWorkers, type TemporalWorkersOptions } from './create-workers.ts';

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
