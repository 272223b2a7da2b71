import {
  findUnusedPort,
  startConnectProxy,
  startTlsProxy,
  TLS_AUTHORITY,
  type ConnectProxy,
  type ConnectProxyOptions,
} from '@heliograph/simulators';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { connectWorker } from '../worker/connect-worker.ts';
import { createTemporalWorkers } from '../worker/create-workers.ts';
import { installTemporalRuntime } from '../worker/runtime.ts';
import { bundleWorkflows } from '../worker/workflow-bundle.ts';
import { connectClient, type TemporalAddress } from './connect.ts';
import { createTemporalClient } from './create-client.ts';
import { chooseProxy } from './http-proxy.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
const KINDS = [
  ["a client's", connectClient],
  ["a worker's", connectWorker],
] as const;
/** A name that only the proxy resolves. */
const ADDRESS = 'temporal.test:7233';
const WORKFLOWS = 10;
const GREETINGS = WORKFLOWS * 3;

let ground: FreshNamespace;
let bundle: { readonly code: string };
let temporalPort: number;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  [ground, bundle] = await Promise.all([
    freshNamespace('proxied'),
    bundleWorkflows({
      workflows: new URL('../testing/workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
  ]);
  temporalPort = Number(ground.address.split(':')[1]);
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

/** A proxy that knows Temporal by its name, at a port of loopback. */
async function startProxy(port: number, options: Partial<ConnectProxyOptions> = {}): Promise<ConnectProxy> {
  const proxy = await startConnectProxy({
    resolve: (target) => (target === ADDRESS ? port : undefined),
    ...options,
  });
  closers.push(() => proxy.close());
  return proxy;
}

/** The address as a process has it whose environment names the proxy. */
function addressThrough(
  proxy: { readonly port: number },
  { user = '', tls }: { readonly user?: string; readonly tls?: TemporalAddress['tls'] } = {},
): TemporalAddress {
  const url = `http://${user}127.0.0.1:${proxy.port}`;
  const chosen = chooseProxy(
    { HTTPS_PROXY: url, HTTP_PROXY: url },
    { address: ADDRESS, isTls: tls !== undefined },
  );
  return {
    address: ADDRESS,
    connectTimeoutMs: 800,
    ...(chosen === null ? {} : { proxy: chosen }),
    ...(tls === undefined ? {} : { tls }),
  };
}

describe.each(KINDS)('%s connection', (_, connect) => {
  test.each([false, true])('goes through the proxy (answer with the first bytes: %s)', async (coalesces) => {
    const proxy = await startProxy(temporalPort, { coalesces });
    const connection = await connect(addressThrough(proxy));
    await connection.workflowService.describeNamespace({ namespace: ground.namespace });
    await connection.close();
    expect(proxy.requests).toContainEqual({ target: ADDRESS, authorization: undefined, status: 200 });
  });

  test('goes through the proxy with TLS from end to end', async () => {
    const server = await startTlsProxy(temporalPort);
    closers.push(() => server.close());
    const proxy = await startProxy(server.port);
    const { ca, first } = TLS_AUTHORITY;
    const tls = { rootCaCertificate: ca, clientCertificate: first.cert, clientKey: first.key };
    const connection = await connect(addressThrough(proxy, { tls }));
    await connection.workflowService.describeNamespace({ namespace: ground.namespace });
    await connection.close();
    expect(server.clients).toContain('first.client.test');
    await expect(
      connect(addressThrough(proxy, { tls: { ...tls, rootCaCertificate: TLS_AUTHORITY.strangerCa } })),
    ).rejects.toThrow('is not issued by a root that is trusted');
  });

  test('presents credentials, also with characters that a URL cannot hold', async () => {
    const credentials = { username: 'dom\\us er', password: 'p@ss:wörd/%' };
    const proxy = await startProxy(temporalPort, { credentials });
    const user = `${encodeURIComponent(credentials.username)}:${encodeURIComponent(credentials.password)}@`;
    const connection = await connect(addressThrough(proxy, { user }));
    await connection.workflowService.describeNamespace({ namespace: ground.namespace });
    await connection.close();
    expect(proxy.requests[0]).toMatchObject({ status: 200 });
  });

  test.each([
    [407, 'set the user and the password in the URL of the proxy', false],
    [403, 'allow the address there, or list it in NO_PROXY', false],
    [503, 'allow the address there', true],
  ])('is refused in one line by a proxy that answers %d', async (status, advice, retryable) => {
    const proxy = await startProxy(temporalPort);
    proxy.refuseWith(status);
    const refused = connect(addressThrough(proxy, { user: 'u:hunter2@' }));
    await expect(refused).rejects.toMatchObject({ code: 'TEMPORAL_PROXY_REFUSED', retryable });
    await expect(refused).rejects.toThrow(
      `the proxy 127.0.0.1:${proxy.port} refuses to connect to ${ADDRESS} (${status}); ${advice}`,
    );
    await expect(refused).rejects.toThrow(/^[^\n]+$/);
    await expect(refused).rejects.not.toThrow('hunter2');
  });

  test('is refused in one line where the proxy is not running', async () => {
    const port = await findUnusedPort();
    await expect(connect(addressThrough({ port }))).rejects.toMatchObject({
      code: 'TEMPORAL_PROXY_REFUSED',
      retryable: true,
      message: expect.stringContaining(`the proxy 127.0.0.1:${port} does not answer (ECONNREFUSED)`),
    });
  });

  test('goes nowhere but where it was told, whatever the environment says', async () => {
    const before = process.env['http_proxy'];
    process.env['http_proxy'] = 'http://nobody.invalid:1';
    try {
      const connection = await connect({ address: ground.address });
      await expect(
        connection.workflowService.describeNamespace({ namespace: ground.namespace }),
      ).resolves.toBeDefined();
      await connection.close();
    } finally {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
    }
  });
});

describe('nothing is lost', () => {
  /** Runs workflows of which each takes more than a second, while `trouble` happens; returns how many greetings were made. */
  async function runThrough(proxy: ConnectProxy, trouble: () => Promise<void>): Promise<number> {
    const taskQueue = `proxied-${proxy.port}`;
    const connection = await connectWorker(addressThrough(proxy));
    const clientConnection = await connectClient(addressThrough(proxy));
    const greeted: string[] = [];
    const workers = await createTemporalWorkers({
      connection,
      namespace: ground.namespace,
      workers: [
        {
          taskQueue,
          workflows: true,
          activities: {
            greet: async (name: string) => {
              greeted.push(name);
              return name;
            },
          },
          shutdownGraceMs: 500,
        },
      ],
      workflowBundle: bundle,
    });
    const client = createTemporalClient({ connection: clientConnection, namespace: ground.namespace });
    await workers.runUntil(async () => {
      const results = Array.from({ length: WORKFLOWS }, (_, index) =>
        client.workflow.execute('patientGreetings', {
          workflowId: `${taskQueue}-${index}`,
          taskQueue,
          args: [`${index}`, 3],
        }),
      );
      await trouble();
      await expect(Promise.all(results)).resolves.toHaveLength(WORKFLOWS);
    });
    await clientConnection.close();
    await connection.close();
    return new Set(greeted).size;
  }

  test('when the proxy cuts every connection, again and again', async () => {
    const proxy = await startProxy(temporalPort);
    const done = await runThrough(proxy, async () => {
      for (let round = 0; round < 3; round++) {
        await eventually('there are connections again', () => proxy.openTunnels > 0);
        proxy.cutTunnels();
      }
    });
    expect(done).toBe(GREETINGS);
    expect(proxy.cuts).toBeGreaterThanOrEqual(3);
  });

  test('when the proxy cuts the connections that are idle', async () => {
    const proxy = await startProxy(temporalPort);
    proxy.cutIdleAfter(200);
    expect(await runThrough(proxy, async () => undefined)).toBe(GREETINGS);
    await eventually('the idle ones are cut', () => proxy.cuts > 0);
  });

  test('when the proxy is away for a while', async () => {
    const proxy = await startProxy(temporalPort);
    const done = await runThrough(proxy, async () => {
      proxy.refuseWith(503);
      proxy.cutTunnels();
      await eventually('it was asked in vain', () => proxy.requests.some(({ status }) => status === 503));
      proxy.refuseWith(null);
    });
    expect(done).toBe(GREETINGS);
  });
});
