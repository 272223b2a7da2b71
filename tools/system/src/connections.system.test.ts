import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { follow } from '@heliograph/service';
import {
  startConnectProxy,
  startTcpProxy,
  startTlsProxy,
  TLS_AUTHORITY,
  type ConnectProxy,
  type IssuedPair,
} from '@heliograph/simulators';
import { createTemporalPart, startStack, type Stack } from '@heliograph/stack';
import {
  bundleWorkflows,
  connectWorker,
  createTemporalWorkers,
  installTemporalRuntime,
} from '@heliograph/temporal-worker';
import {
  assertNamespace,
  connectClient,
  createTemporalClient,
  replaceableConnection,
  type HttpProxy,
  type TemporalAddress,
} from '@heliograph/temporal-worker/client';
import { eventually } from '@heliograph/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { SteadyActivities } from './testing/steady-workflows.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });

/** The number of this type of timeout in histories. */
const SCHEDULE_TO_START = 2;
const NAMESPACE = 'connections';
/** The name in the server's certificate, which only proxies resolve. */
const TARGET = 'temporal.test:7233';
const { ca, server, first, second, stranger } = TLS_AUTHORITY;

let directory: string;
let stack: Stack;
/** Temporal with mutual TLS: the server's own, or that of a proxy where it is the CLI's. */
let securePort: number;
let bundle: { readonly code: string };
const closers: (() => unknown)[] = [];
const lastClosers: (() => unknown)[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-connections-'));
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const tls = {
    serverName: 'temporal.test',
    caFile: file('ca.pem', ca),
    certFile: file('server.crt', server.cert),
    keyFile: file('server.key', server.key),
    clientCertFile: file('own.crt', first.cert),
    clientKeyFile: file('own.key', first.key),
  };
  stack = await startStack({ directory: join(directory, 'state'), parts: [createTemporalPart({ tls })] });
  const port = Number(stack.env['HELIOGRAPH_TEMPORAL_ADDRESS']?.split(':')[1]);
  if (stack.env['HELIOGRAPH_TEMPORAL_TLS'] === 'true') securePort = port;
  else {
    const proxy = await startTlsProxy(port);
    lastClosers.push(() => proxy.close());
    securePort = proxy.port;
  }
  bundle = await bundleWorkflows({
    workflows: new URL('testing/steady-workflows.ts', import.meta.url),
    sourceCondition: '@heliograph/source',
  });
  const connection = await connectClient(direct(first));
  await assertNamespace(connection, NAMESPACE, { create: true });
  await connection.close();
}, 120_000);
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(async () => {
  for (const close of lastClosers) await close();
  await stack.stop();
  await Runtime.instance().shutdown();
  rmSync(directory, { recursive: true });
}, 60_000);

function direct({ cert, key }: IssuedPair): TemporalAddress {
  return {
    address: `127.0.0.1:${securePort}`,
    tls: {
      serverName: 'temporal.test',
      rootCaCertificate: ca,
      clientCertificate: cert,
      clientKey: key,
    },
  };
}

function through({ port }: { readonly port: number }, pair: IssuedPair): TemporalAddress {
  const proxy: HttpProxy = { host: '127.0.0.1', port };
  return { ...direct(pair), address: TARGET, proxy };
}

async function startProxy(port: number): Promise<ConnectProxy> {
  const proxy = await startConnectProxy({ resolve: (target) => (target === TARGET ? port : undefined) });
  closers.push(() => proxy.close());
  return proxy;
}

/** A worker and a client on replaceable connections, and what the activities noted. */
async function open(address: TemporalAddress, taskQueue: string) {
  const noted = new Set<string>();
  const activities: SteadyActivities = {
    async note(what) {
      noted.add(what);
      return what;
    },
  };
  const worker = replaceableConnection(await connectWorker(address));
  const clients = replaceableConnection(await connectClient(address));
  const workers = await createTemporalWorkers({
    connection: worker.current(),
    namespace: NAMESPACE,
    workflowBundle: bundle,
    workers: [{ taskQueue, workflows: true, activities: { ...activities }, shutdownGraceMs: 2000 }],
  });
  return {
    noted,
    workers,
    client: createTemporalClient({
      connection: clients.connection,
      namespace: NAMESPACE,
      callTimeoutMs: 60_000,
    }),
    async replace(next: TemporalAddress): Promise<void> {
      const connection = await connectWorker(next);
      workers.useConnection(connection);
      worker.replace(connection);
      clients.replace(await connectClient(next));
    },
    async close(): Promise<void> {
      await clients.close();
      await worker.close();
    },
  };
}

/** Does something for many, for some of them at once. */
async function forAll(count: number, each: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await each(index);
  };
  await Promise.all(Array.from({ length: 50 }, lane));
}

test('a server refuses a certificate of another CA, and a connection without one', async () => {
  await expect(connectWorker({ ...direct(stranger), connectTimeoutMs: 2000 })).rejects.toMatchObject({
    code: 'TEMPORAL_TLS_REFUSED',
  });
  const { tls = {}, ...address } = direct(first);
  const { clientCertificate, clientKey, ...roots } = tls;
  expect([clientCertificate, clientKey]).toEqual([first.cert, first.key]);
  await expect(connectClient({ ...address, tls: roots, connectTimeoutMs: 2000 })).rejects.toMatchObject({
    code: 'TEMPORAL_TLS_REFUSED',
  });
});

test('certificates that are rotated under 1,000 workflows fail no workflow task', async () => {
  const count = 1000;
  const rounds = 3;
  const proxy = await startProxy(securePort);
  const files = { cert: join(directory, 'client.crt'), key: join(directory, 'client.key') };
  const write = ({ cert, key }: IssuedPair): void => {
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
  };
  write(first);
  const read = async (): Promise<IssuedPair> => ({
    cert: await readFile(files.cert, 'utf8'),
    key: await readFile(files.key, 'utf8'),
  });
  const system = await open(through(proxy, await read()), 'rotated');
  const { noted, client, workers } = system;
  const atStart = proxy.openTunnels;
  let rotations = 0;
  const followed = await follow({
    read,
    isSame: (before, now) => before.cert === now.cert && before.key === now.key,
    intervalMs: 200,
    onChange: async (pair) => {
      await system.replace(through(proxy, pair));
      rotations++;
    },
  });
  const idOf = (index: number): string => `rotated-${index}`;
  await workers.runUntil(async () => {
    await forAll(count, (index) =>
      client.workflow.start('steady', {
        workflowId: idOf(index),
        taskQueue: 'rotated',
        args: [idOf(index), rounds, 1000],
      }),
    );
    const results = forAll(count, (index) => client.workflow.getHandle(idOf(index)).result());
    for (const [index, pair] of [second, first, second].entries()) {
      const before = noted.size;
      write(pair);
      await eventually('the certificates are in use', () => rotations === index + 1);
      await eventually('work goes on', () => noted.size > before || noted.size === count * rounds);
    }
    await results;
    await eventually('the connections of before are closed', () => proxy.openTunnels <= atStart, {
      timeoutMs: 90_000,
    });
  });
  followed.close();
  expect(readFileSync(files.cert, 'utf8')).toBe(second.cert);
  expect(noted.size).toBe(count * rounds);
  const bad: string[] = [];
  await forAll(count, async (index) => {
    const { events } = await client.workflow.getHandle(idOf(index)).fetchHistory();
    for (const {
      workflowTaskFailedEventAttributes: failed,
      workflowTaskTimedOutEventAttributes: late,
    } of events ?? []) {
      // A task that nobody took from a sticky queue in time goes to the normal one; it did not fail.
      const isLate = (late ?? null) !== null && Number(late?.timeoutType) !== SCHEDULE_TO_START;
      if ((failed ?? null) !== null || isLate) bad.push(idOf(index));
    }
  });
  expect(bad).toEqual([]);
  await system.close();
}, 600_000);

test('nothing is lost in five minutes behind a proxy that cuts what is idle for 30 s, and then everything each 30 s', async () => {
  const count = 20;
  const rounds = 7;
  const proxy = await startProxy(securePort);
  proxy.cutIdleAfter(30_000);
  const cut = await open(through(proxy, first), 'cut');
  const { noted, client, workers } = cut;
  await workers.runUntil(async () => {
    const results = forAll(count, (index) =>
      client.workflow.execute('steady', {
        workflowId: `cut-${index}`,
        taskQueue: 'cut',
        args: [`cut-${index}`, rounds, 40_000, true],
      }),
    );
    await sleep(150_000);
    proxy.cutIdleAfter(null);
    for (let round = 0; round < 5; round++) {
      proxy.cutTunnels();
      await sleep(30_000);
    }
    await results;
  });
  expect(proxy.cuts).toBeGreaterThanOrEqual(5);
  expect(noted.size).toBe(count * rounds);
  await cut.close();
}, 480_000);

test('connections that fall silent are noticed, by workers and by clients', async () => {
  const gate = await startTcpProxy(securePort);
  closers.push(() => gate.close());
  const proxy = await startProxy(gate.port);
  const silenced = await open(through(proxy, first), 'silent');
  const outside = await connectClient(direct(first));
  const observer = createTemporalClient({ connection: outside, namespace: NAMESPACE });
  const workflow = (workflowId: string) => ({
    workflowId,
    taskQueue: 'silent',
    args: [workflowId, 1, 1, true],
  });
  await silenced.workers.runUntil(async () => {
    await observer.workflow.execute('steady', workflow('before'));
    gate.silenceOpenConnections();
    const startedAt = performance.now();
    const [worker, client] = await Promise.all([
      observer.workflow.execute('steady', workflow('during')).then(() => performance.now() - startedAt),
      silenced.client.workflow
        .getHandle('before')
        .describe()
        .then(() => performance.now() - startedAt),
    ]);
    process.stdout.write(
      `noticed after ${Math.round(worker)} ms by the worker, ${Math.round(client)} ms by the client\n`,
    );
  });
  expect(silenced.noted).toEqual(new Set(['before/0', 'during/0']));
  await outside.close();
  await silenced.close();
}, 240_000);
