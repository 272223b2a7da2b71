import { startTcpProxy, startTcpServer, type TcpServer } from '@heliograph/simulators';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { connectWorker } from '../worker/connect-worker.ts';
import { connectClient, lazyClientConnection } from './connect.ts';
import { createTemporalClient } from './create-client.ts';
import { assertNamespace } from './namespace.ts';
import { assertSearchAttributes } from './search-attributes.ts';

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

describe('with a server that falls silent while a process starts, there ends', () => {
  const noAnswer = (what: string): object => ({
    name: 'TemporalSetupError',
    code: 'TEMPORAL_NO_ANSWER',
    retryable: true,
    message: expect.stringContaining(`did not answer within 300 ms when asked for ${what}`),
  });
  const limits = { create: true, callTimeoutMs: 300 };

  test.each([
    ["a client's", connectClient],
    ["a worker's", connectWorker],
  ] as const)('the set-up over %s connection', async (_, connect) => {
    const proxy = await startTcpProxy(Number(ground.address.split(':')[1]));
    const connection = await connect({ address: `127.0.0.1:${proxy.port}` });
    try {
      await assertNamespace(connection, ground.namespace, limits);
      proxy.freeze();
      await expect(assertNamespace(connection, ground.namespace, limits)).rejects.toMatchObject(
        noAnswer(`namespace ${ground.namespace}`),
      );
      await expect(assertSearchAttributes(connection, ground.namespace, limits)).rejects.toMatchObject(
        noAnswer(`the search attributes of namespace ${ground.namespace}`),
      );
    } finally {
      await proxy.close();
      await connection.close();
    }
  });

  test('the set-up over a connection that was never answered', async () => {
    await expect(
      assertNamespace(lazyClientConnection({ address: `127.0.0.1:${silent.port}` }), 'any', limits),
    ).rejects.toMatchObject(noAnswer('namespace any'));
  });

  test.each([
    ["a client's", connectClient],
    ["a worker's", connectWorker],
  ] as const)('the start of %s connection', async (_, connect) => {
    const startedAt = performance.now();
    await expect(
      connect({ address: `127.0.0.1:${silent.port}`, connectTimeoutMs: 300 }),
    ).rejects.toMatchObject({ code: 'TEMPORAL_CONNECT_FAILED', retryable: true });
    expect(performance.now() - startedAt).toBeLessThan(5000);
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
