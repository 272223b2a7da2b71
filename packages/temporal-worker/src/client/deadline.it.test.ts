import { startTcpServer, type TcpServer } from '@heliograph/simulators';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { lazyClientConnection } from './connect.ts';
import { createTemporalClient } from './create-client.ts';

/** Accepts connections and never answers. */
let silent: TcpServer;
let client: Client;
let ground: FreshNamespace;

beforeAll(async () => {
  ground = await freshNamespace('deadline');
  silent = await startTcpServer();
  client = createTemporalClient({
    connection: lazyClientConnection({ address: `127.0.0.1:${silent.port}`, connectTimeoutMs: 60_000 }),
    namespace: 'any',
    callTimeoutMs: 400,
  });
});
afterAll(async () => {
  await client.connection.close();
  await silent.close();
  await ground.close();
});

describe('with a server that stopped answering, there ends', () => {
  const start = { workflowId: 'w', taskQueue: 'q', args: [] };
  test.each<[string, () => Promise<unknown>]>([
    ['a start', () => client.workflow.start('any', start)],
    ['a signal-with-start', () => client.workflow.signalWithStart('any', { ...start, signal: 's' })],
    ['a signal', () => client.workflow.getHandle('w').signal('s')],
    ['a query', () => client.workflow.getHandle('w').query('q')],
    ['a description', () => client.workflow.getHandle('w').describe()],
    ['a termination', () => client.workflow.getHandle('w').terminate()],
    ['a cancellation', () => client.workflow.getHandle('w').cancel()],
  ])('%s', async (_, call) => {
    await expect(call()).rejects.toBeInstanceOf(Error);
  });
});

test('a call that is answered in time is not touched by its deadline', async () => {
  const living = createTemporalClient({ connection: ground.connection, namespace: ground.namespace });
  const handle = await living.workflow.start('nobody-runs-this', {
    workflowId: 'w',
    taskQueue: 'q',
    args: [],
  });
  await expect(handle.describe()).resolves.toMatchObject({ status: { name: 'RUNNING' } });
  await handle.terminate();
});
