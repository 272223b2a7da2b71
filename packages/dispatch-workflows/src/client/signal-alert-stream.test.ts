import { expect, test } from '@jest/globals';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { isStreamRunning } from './signal-alert-stream.ts';

const stream = { fingerprint: 'f', routeId: 'r', connectedAppId: 'a' };

/** A client whose server answers the question for a workflow with this, and the deadlines that it was given. */
function clientOf(describe: () => Promise<{ readonly status: { readonly name: string } }>) {
  const deadlines: number[] = [];
  const asked: string[] = [];
  const client = {
    connection: {
      withDeadline: (deadline: number, run: () => unknown) => {
        deadlines.push(deadline - Date.now());
        return run();
      },
    },
    workflow: {
      getHandle: (workflowId: string) => {
        asked.push(workflowId);
        return { describe };
      },
    },
  } as unknown as Client;
  return { client, deadlines, asked };
}

test.each([
  ['RUNNING', true],
  ['COMPLETED', false],
  ['TERMINATED', false],
])('a stream whose workflow is %s runs: %j', async (name, isRunning) => {
  const { client, deadlines, asked } = clientOf(async () => ({ status: { name } }));
  await expect(isStreamRunning(client, stream)).resolves.toBe(isRunning);
  expect(asked).toEqual(['alert-f-r-a']);
  expect(deadlines[0]).toBeLessThanOrEqual(2000);
});

test('a stream without a workflow does not run', async () => {
  const { client } = clientOf(() =>
    Promise.reject(new WorkflowNotFoundError('none', 'alert-f-r-a', undefined)),
  );
  await expect(isStreamRunning(client, stream)).resolves.toBe(false);
});

test('without an answer nobody knows', async () => {
  const { client } = clientOf(() => Promise.reject(new Error('DEADLINE_EXCEEDED')));
  await expect(isStreamRunning(client, stream)).rejects.toThrow('DEADLINE_EXCEEDED');
});
