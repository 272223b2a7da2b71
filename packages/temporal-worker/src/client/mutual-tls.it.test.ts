import {
  startTcpProxy,
  startTlsProxy,
  TLS_AUTHORITY,
  type IssuedPair,
  type TlsProxy,
} from '@heliograph/simulators';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DefaultLogger, type NativeConnection, Runtime } from '@temporalio/worker';
import { connectWorker } from '../worker/connect-worker.ts';
import { createTemporalWorkers } from '../worker/create-workers.ts';
import { installTemporalRuntime } from '../worker/runtime.ts';
import { bundleWorkflows } from '../worker/workflow-bundle.ts';
import { connectClient, lazyClientConnection, type TemporalAddress } from './connect.ts';
import { createTemporalClient } from './create-client.ts';
import { replaceableConnection } from './replaceable-connection.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
const { ca, strangerCa, first, second, expired, expiredServer, stranger } = TLS_AUTHORITY;
const KINDS = [
  ["a client's", connectClient],
  ["a worker's", connectWorker],
] as const;
const WORKFLOWS = 20;

let ground: FreshNamespace;
let bundle: { readonly code: string };
/** Temporal, for those with a certificate. */
let server: TlsProxy;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  [ground, bundle] = await Promise.all([
    freshNamespace('mutual-tls'),
    bundleWorkflows({
      workflows: new URL('../testing/workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
  ]);
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

async function startServer(pair?: IssuedPair): Promise<void> {
  const port = Number(ground.address.split(':')[1]);
  server = await startTlsProxy(port, pair === undefined ? {} : { pair });
  closers.push(() => server.close());
}

interface HistoryEvent {
  readonly workflowTaskFailedEventAttributes?: unknown;
  readonly workflowTaskTimedOutEventAttributes?: unknown;
}
const isBadTask = (event: HistoryEvent): boolean =>
  (event.workflowTaskFailedEventAttributes ?? event.workflowTaskTimedOutEventAttributes ?? null) !== null;

function addressWith(pair: IssuedPair | null, roots = ca): TemporalAddress {
  const own = pair === null ? {} : { clientCertificate: pair.cert, clientKey: pair.key };
  return {
    address: `localhost:${server.port}`,
    connectTimeoutMs: 600,
    tls: { rootCaCertificate: roots, ...own },
  };
}

describe.each(KINDS)('%s connection', (_, connect) => {
  test('is let in with a certificate', async () => {
    await startServer();
    const connection = await connect(addressWith(first));
    await connection.workflowService.describeNamespace({ namespace: ground.namespace });
    await connection.close();
    expect(server.clients).toContain('first.client.test');
  });

  test.each<[string, IssuedPair | null, string, IssuedPair | undefined, RegExp, retryable?: boolean]>([
    ['the wrong CA', first, strangerCa, undefined, /is not issued by a root that is trusted; check the CA/],
    ['a server that has expired', first, ca, expiredServer, /the certificate of localhost:\d+ has expired/],
    ['no certificate', null, ca, undefined, /requires a client certificate/],
    [
      'a certificate of another CA',
      stranger,
      ca,
      undefined,
      /ends the connection after the handshake; check the client certificate, and that a server is behind it/,
      // It is told without an alert: there may be no server behind the port just now.
      true,
    ],
  ])('is refused with %s, in one line', async (__, pair, roots, shown, message, retryable = false) => {
    await startServer(shown);
    const refused = connect(addressWith(pair, roots));
    await expect(refused).rejects.toMatchObject({
      code: 'TEMPORAL_TLS_REFUSED',
      retryable,
      message: expect.stringMatching(message),
    });
    await expect(refused).rejects.toThrow(/^[^\n]+$/);
    expect(server.clients).toEqual([]);
  });

  test.each<[string, IssuedPair]>([
    ['a certificate that has expired', expired],
    ['a key that does not fit', { ...first, key: second.key }],
  ])('is not even tried with %s', async (__, pair) => {
    await startServer();
    await expect(connect(addressWith(pair))).rejects.toMatchObject({
      code: 'TEMPORAL_TLS_INVALID',
      retryable: false,
    });
  });
});

test('a lazy connection refuses what cannot be used before the first call', async () => {
  await startServer();
  expect(() => lazyClientConnection(addressWith(expired))).toThrow('expired at 2025-02-01');
});

const createWorkersOn = (connection: NativeConnection, taskQueue: string) =>
  createTemporalWorkers({
    connection,
    namespace: ground.namespace,
    workers: [
      {
        taskQueue,
        workflows: true,
        activities: { greet: async (name: string) => `hello ${name}` },
        shutdownGraceMs: 500,
      },
    ],
    workflowBundle: bundle,
  });

test('a certificate is replaced under running workflows: no task fails, and the old connections close', async () => {
  await startServer();
  const taskQueue = 'rotated';
  const worker = replaceableConnection(await connectWorker(addressWith(first)));
  const clients = replaceableConnection(await connectClient(addressWith(first)));
  const workers = await createWorkersOn(worker.current(), taskQueue);
  const client = createTemporalClient({ connection: clients.connection, namespace: ground.namespace });
  const ids = Array.from({ length: WORKFLOWS }, (_, index) => `rotated-${index}`);
  await workers.runUntil(async () => {
    const start = (workflowId: string) =>
      client.workflow.start('slowGreetings', { workflowId, taskQueue, args: [5] });
    const handles = await Promise.all(ids.map(start));
    // Waiting for results keeps calls open on the old connection.
    const results = Promise.all(handles.map((handle) => handle.result()));

    server.refuse('first.client.test');
    const next = await connectWorker(addressWith(second));
    workers.useConnection(next);
    worker.replace(next);
    clients.replace(await connectClient(addressWith(second)));
    await expect(results).resolves.toHaveLength(WORKFLOWS);
    await expect(
      client.workflow.execute('greeting', { workflowId: 'after', taskQueue, args: ['you'] }),
    ).resolves.toBe('hello you');
  });
  await eventually('the old connections are closed', () => !server.connected().includes('first.client.test'));
  for (const workflowId of ids) {
    const { history } = await ground.connection.workflowService.getWorkflowExecutionHistory({
      namespace: ground.namespace,
      execution: { workflowId },
    });
    expect(history?.events?.length).toBeGreaterThan(10);
    expect(history?.events?.filter(isBadTask)).toEqual([]);
  }
  await clients.close();
  await worker.close();
});

test('polls that wait on the old connection come back on the new one when it breaks', async () => {
  await startServer();
  const taskQueue = 'broken';
  const connection = replaceableConnection(await connectWorker(addressWith(first)));
  const workers = await createWorkersOn(connection.current(), taskQueue);
  const client = createTemporalClient({ connection: ground.connection, namespace: ground.namespace });
  await workers.runUntil(async () => {
    await client.workflow.execute('greeting', { workflowId: 'before', taskQueue, args: ['you'] });
    const next = await connectWorker(addressWith(second));
    workers.useConnection(next);
    connection.replace(next);
    server.refuse('first.client.test');
    server.cutConnections();
    await client.workflow.execute('greeting', { workflowId: 'since', taskQueue, args: ['you'] });
    expect(new Set(server.connected())).toEqual(new Set(['second.client.test']));
  });
  await connection.close();
});

test('a replaced connection closes only after its calls have ended', async () => {
  const hung = await startTcpProxy(Number(ground.address.split(':')[1]));
  closers.push(() => hung.close());
  const address = { address: `127.0.0.1:${hung.port}` };
  const old = await connectClient(address);
  const clients = replaceableConnection(old);
  hung.freeze();
  let isClosed = false;
  const close = old.close.bind(old);
  old.close = async () => {
    isClosed = true;
    await close();
  };
  const call = clients.connection.workflowService.describeNamespace({ namespace: ground.namespace });
  clients.replace(lazyClientConnection({ address: ground.address }));
  await clients.connection.workflowService.describeNamespace({ namespace: ground.namespace });
  expect(isClosed).toBe(false);
  hung.thaw();
  await call;
  await eventually('it is closed', () => isClosed);
  await clients.close();
});
