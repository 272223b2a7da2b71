import { expect, test } from '@jest/globals';
import type { ConnectionLike } from '@temporalio/client';
import { readPatches } from './read-patches.ts';

const refusal = Object.assign(new Error('3: no'), { code: 3, details: 'no', metadata: {} });

test('one history that cannot be read stops the others before it is reported', async () => {
  let cancelled: AbortSignal | undefined;
  const ended: string[] = [];
  const workflowService = {
    listWorkflowExecutions: async () => ({
      executions: ['a', 'b', 'c', 'd', 'e'].map((workflowId) => ({ execution: { workflowId, runId: '1' } })),
      nextPageToken: new Uint8Array(),
    }),
    getWorkflowExecutionHistory: async ({
      execution: { workflowId },
    }: {
      execution: { workflowId: string };
    }) => {
      if (workflowId === 'c') throw refusal;
      // One whose page arrives all the same reads no further.
      await new Promise((resolve) => cancelled?.addEventListener('abort', resolve));
      ended.push(workflowId);
      return { history: { events: [] }, nextPageToken: new Uint8Array([1]) };
    },
  };
  const connection = {
    workflowService,
    withDeadline: (_: number, call: () => unknown) => call(),
    withAbortSignal: (signal: AbortSignal, call: () => unknown) => {
      cancelled = signal;
      return call();
    },
  } as unknown as ConnectionLike;
  const read = readPatches({ connection, namespace: 'n', identity: 'operator' }, { concurrency: 3 });
  await expect(read).rejects.toMatchObject({ cause: refusal });
  expect(ended.toSorted()).toEqual(['d', 'e']);
});
