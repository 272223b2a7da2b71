import { appendFile, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import {
  findUnusedPort,
  startTcpProxy,
  startTcpServer,
  startTlsProxy,
  TLS_AUTHORITY,
  type TcpProxy,
} from '@heliograph/simulators';
import { writeWorkflowBundle } from '@heliograph/temporal-worker';
import { changeRouting, readQueues } from '@heliograph/temporal-worker/deployments';
import {
  eventually,
  freshClickHouse,
  freshNamespace,
  freshPostgres,
  stackAddresses,
  type FreshClickHouse,
  type FreshNamespace,
  type FreshPostgres,
} from '@heliograph/testkit';
import type { LogLine } from './testing/parse-log-line.ts';
import { runTiny, type TinyProcess } from './testing/run-tiny.ts';
import { tinyConverter } from './testing/tiny-codec.ts';

let postgres: FreshPostgres;
let clickhouse: FreshClickHouse;
let temporal: FreshNamespace;
let postgresProxy: TcpProxy;
let directory: string;
let bundle: string;
let env: Record<string, string>;
let running: TinyProcess | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tiny-'));
  bundle = join(directory, 'workflows.js');
  await writeWorkflowBundle(
    {
      workflows: new URL('testing/tiny-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    },
    bundle,
  );
}, 180_000);
afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  [postgres, clickhouse, temporal] = await Promise.all([
    freshPostgres('tiny'),
    freshClickHouse('tiny'),
    freshNamespace('tiny'),
  ]);
  const postgresUrl = new URL(postgres.url);
  postgresProxy = await startTcpProxy(Number(postgresUrl.port));
  postgresUrl.host = `127.0.0.1:${postgresProxy.port}`;
  env = {
    HELIOGRAPH_POSTGRES_URL: postgresUrl.href,
    HELIOGRAPH_CLICKHOUSE_URL: stackAddresses().clickhouseUrl,
    HELIOGRAPH_CLICKHOUSE_DATABASE: clickhouse.database,
    HELIOGRAPH_TEMPORAL_ADDRESS: temporal.address,
    HELIOGRAPH_TEMPORAL_NAMESPACE: temporal.namespace,
    HELIOGRAPH_TEMPORAL_SETUP: 'true',
    HELIOGRAPH_WORKER_METRICS_PORT: String(await findUnusedPort()),
    TINY_BUNDLE: bundle,
  };
});
afterEach(async () => {
  running?.kill('SIGKILL');
  await running?.ended;
  running = undefined;
  await temporal.close();
  await postgresProxy.close();
  await Promise.all([postgres.drop(), clickhouse.drop()]);
});

const start = (...args: readonly string[]): TinyProcess => (running = runTiny(args, env));
const messages = (app: TinyProcess): readonly unknown[] => app.log().map(({ message }) => message);
const find = (app: TinyProcess, message: string): LogLine | undefined =>
  app.log().find((line) => line.message === message);

describe('a worker app', () => {
  test('runs workflows and activities on its databases, serves its edge, and warns of unknown variables', async () => {
    env = {
      ...env,
      HELIOGRAPH_TINY_QUEUE: 'mine',
      HELIOGRAPH_WORKER_IDENTITY: 'pod-7',
      HELIOGRAPH_TYPO: 'x',
    };
    const app = start('worker');
    const url = await app.url();
    expect(find(app, 'recorded')).toMatchObject({ recorded: { postgres: 1, clickhouse: 1 } });
    expect(find(app, 'working')).toMatchObject({
      service: 'tiny-worker',
      url,
      taskQueue: 'mine',
      namespace: temporal.namespace,
    });
    expect(find(app, 'unknown environment variables have no effect')).toMatchObject({
      level: 'warn',
      variables: ['HELIOGRAPH_TYPO'],
    });
    for (const [path, status] of [
      ['/healthz', 200],
      ['/readyz', 200],
    ] as const)
      expect([path, (await fetch(url + path)).status]).toEqual([path, status]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('process_cpu_seconds_total');
    expect(metrics).toMatch(/^temporal_worker_task_slots_available.*task_queue="mine"/m);
    const history = await new Client(temporal).workflow.getHandle('first').fetchHistory();
    expect(JSON.stringify(history)).toContain('pod-7');
  });

  test('continues with replaced certificates, and with those of before while the new ones are wrong', async () => {
    const { ca, first, second } = TLS_AUTHORITY;
    const server = await startTlsProxy(Number(temporal.address.split(':')[1]));
    const file = (name: string): string => join(directory, `temporal.${name}`);
    await Promise.all([
      writeFile(file('ca'), ca),
      writeFile(file('crt'), first.cert),
      writeFile(file('key'), first.key),
    ]);
    env = {
      ...env,
      HELIOGRAPH_TEMPORAL_ADDRESS: `localhost:${server.port}`,
      HELIOGRAPH_TEMPORAL_TLS_CA_FILE: file('ca'),
      HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: file('crt'),
      HELIOGRAPH_TEMPORAL_TLS_KEY_FILE: file('key'),
    };
    try {
      const app = start('worker');
      const url = await app.url();
      await writeFile(file('crt'), second.cert);
      await eventually('half of a pair is refused', () =>
        messages(app).includes(
          'the certificate files for Temporal cannot be used; those of before stay in use',
        ),
      );
      await writeFile(file('key'), second.key);
      await eventually('the whole pair is used', () =>
        messages(app).includes('Temporal is connected with the replaced certificates'),
      );
      // What still waits on the old connection has to come back on the new one.
      server.refuse('first.client.test');
      server.cutConnections();
      const workflow = { taskQueue: 'tiny', workflowId: 'after', args: ['again'] };
      const client = new Client({ ...temporal, dataConverter: tinyConverter });
      expect(await client.workflow.execute('recording', workflow)).toMatchObject({
        postgres: 2,
      });
      expect(new Set(server.connected())).toEqual(new Set(['second.client.test']));
      expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
        /heliograph_temporal_tls_reloads_total\{[^}]*result="used"[^}]*\} 1/,
      );
      app.kill('SIGTERM');
      expect(await app.ended).toBe(0);
    } finally {
      await server.close();
    }
  });

  test('is a build of its deployment in production, on every task queue, and works once that is current', async () => {
    env = { ...env, NODE_ENV: 'production', HELIOGRAPH_DEPLOYMENT_BUILD_ID: 'r42' };
    const app = start('worker');
    const service = { ...temporal, identity: 'operator' };
    await eventually('it polls every task queue', async () => {
      const queues = await readQueues(service, 'tiny-worker', 'r42');
      const polled = queues.filter(({ polledAt }) => polledAt !== null);
      return (
        polled
          .map(({ name, kind }) => `${name} ${kind}`)
          .toSorted()
          .join(', ') === 'tiny activity, tiny workflow, tiny-slow activity'
      );
    });
    expect(find(app, 'recorded')).toBeUndefined();
    const warning =
      'no build of tiny-worker is current, so its workers get no new work: run heliograph deploy set-current r42 -d tiny-worker';
    await eventually('it says that it gets no work', () => messages(app).includes(warning));
    await changeRouting(service, 'tiny-worker', { kind: 'set-current', buildId: 'r42' });
    const url = await app.url();
    expect(find(app, 'recorded')).toMatchObject({ recorded: { postgres: 1 } });
    expect(find(app, 'working')).toMatchObject({
      deployment: { name: 'tiny-worker', buildId: 'r42', source: 'variable' },
    });
    await eventually('it says that it is current', async () =>
      /^heliograph_worker_build_current\{[^}]*deployment="tiny-worker"[^}]*\} 1$/m.test(
        await (await fetch(`${url}/metrics`)).text(),
      ),
    );
    expect(messages(app).filter((message) => message === warning)).toHaveLength(1);
    expect(messages(app)).toContain('a build of tiny-worker is current');
  });

  test('gives its payload codec to worker and client alike', async () => {
    const app = start('worker');
    await app.url();
    expect(find(app, 'recorded')).toMatchObject({ recorded: { postgres: 1 } });
    const { events } = await new Client(temporal).workflow.getHandle('first').fetchHistory();
    const payloads = JSON.stringify(
      events?.map((event) => event.workflowExecutionStartedEventAttributes?.input),
    );
    expect(payloads).toContain(Buffer.from('binary/tiny').toString('base64'));
    const decoded = new Client({ ...temporal, dataConverter: tinyConverter });
    await expect(decoded.workflow.getHandle('first').result()).resolves.toEqual({
      postgres: 1,
      clickhouse: 1,
    });
  });

  test('is not ready while a database is unavailable, and names it', async () => {
    const url = await start('worker').url();
    const readiness = async (): Promise<unknown> => {
      const answer = await fetch(`${url}/readyz`);
      return [answer.status, ((await answer.json()) as { failing?: unknown }).failing];
    };
    await expect(readiness()).resolves.toEqual([200, undefined]);
    await postgresProxy.takeDown();
    await eventually(
      'it is not ready',
      async () => JSON.stringify(await readiness()) === '[503,["postgres"]]',
    );
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await postgresProxy.bringUp();
    await eventually('it is ready again', async () => JSON.stringify(await readiness()) === '[200,null]');
  });

  test('stops in order at SIGTERM: running activities end, then what they use', async () => {
    const app = start('worker');
    await app.url();
    const client = new Client({ ...temporal, dataConverter: tinyConverter });
    const handle = await client.workflow.start('working', {
      taskQueue: 'tiny',
      workflowId: 'w',
      args: [700],
    });
    await eventually('an activity runs', () => find(app, 'work begun'));
    app.kill('SIGTERM');
    await expect(app.ended).resolves.toBe(0);
    const order = ['stopping', 'late stopped', 'work done', 'early stopped', 'stopped'];
    expect(messages(app).filter((message) => order.includes(String(message)))).toEqual(order);
    expect(find(app, 'early stopped')).toMatchObject({ rows: [{ note: 'hello' }] });
    expect(app.log().filter(({ level }) => level === 'error')).toEqual([]);
    await handle.terminate();
  });
});

describe('a start that fails leaves nothing open: the process ends by itself, with one line', () => {
  test.each([
    ['by a migration', ['worker', 'migrate'], /cannot start: Error told to fail at migrate$/],
    ['while making activities', ['worker', 'workers'], /cannot start: Error told to fail at workers$/],
    ['at the second of its workers', ['worker', 'second-worker'], /cannot start: .*task ?queue/i],
    [
      'with a worker that has no slots',
      ['worker', 'slots'],
      /cannot start: worker of task queue tiny-slow: slots\.maximum must be a whole number from 1, and is 0$/,
    ],
    ['after its workers run', ['worker', 'started'], /cannot start: Error told to fail at started$/],
    ['of an API', ['api', 'edge'], /cannot start: Error told to fail at edge$/],
  ])('%s', async (_, args, line) => {
    const app = start(...args);
    await expect(app.ended).resolves.toBe(1);
    expect(app.stderr().trim()).toMatch(line);
    expect(app.stderr().trim().split('\n')).toHaveLength(1);
    expect(app.log().filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('with a port for metrics that is in use', async () => {
    env = { ...env, HELIOGRAPH_WORKER_METRICS_PORT: String(postgresProxy.port) };
    const app = start('worker');
    await expect(app.ended).resolves.toBe(1);
    expect(app.stderr()).toMatch(
      /^tiny-worker: cannot start: .*HELIOGRAPH_WORKER_METRICS_PORT to a free port$/m,
    );
  });

  test('in production as a build that nobody named', async () => {
    env = { ...env, NODE_ENV: 'production', HELIOGRAPH_DEPLOYMENT_BUILD_ID: 'unknown' };
    const app = start('worker');
    await expect(app.ended).resolves.toBe(1);
    expect(app.stderr()).toMatch(/^[^\n]*HELIOGRAPH_DEPLOYMENT_BUILD_ID: expected an id [^\n]*\n$/);
  });

  test('without its namespace', async () => {
    env = { ...env, HELIOGRAPH_TEMPORAL_SETUP: 'false', HELIOGRAPH_TEMPORAL_NAMESPACE: 'nowhere' };
    const app = start('worker');
    await expect(app.ended).resolves.toBe(1);
    expect(app.stderr()).toMatch(
      /^tiny-worker: cannot start: namespace nowhere does not exist; create it with/,
    );
  });

  test('without Temporal', async () => {
    env = { ...env, HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const app = start('worker');
    await expect(app.ended).resolves.toBe(1);
    expect(app.stderr()).toMatch(/^tiny-worker: cannot start: no Temporal service answers at 127\.0\.0\.1:1/);
  });

  test('at once, although another connection hangs, and with 1, although a signal comes meanwhile', async () => {
    const silent = await startTcpServer();
    env = {
      ...env,
      HELIOGRAPH_CLICKHOUSE_URL: 'http://127.0.0.1:1',
      HELIOGRAPH_TEMPORAL_ADDRESS: `127.0.0.1:${silent.port}`,
    };
    const app = start('worker');
    await eventually('it says why', () => app.stderr() !== '', { timeoutMs: 12_000 });
    expect(app.stderr()).toMatch(/^tiny-worker: cannot start: .*ECONNREFUSED.*\n$/);
    app.kill('SIGTERM');
    // The client's own level is beneath `notice`: each line has its keys once, see `log`.
    expect(find(app, 'the ClickHouse client reported a problem')).toMatchObject({
      level: 'warn',
      notice: { level: 'error', code: 'ECONNREFUSED' },
    });
    await eventually('it stops to wait', () => find(app, 'a part did not stop within its deadline'));
    // This process ends only when nothing is left open, and the SDK cannot abandon a connection.
    await silent.close();
    await expect(app.ended).resolves.toBe(1);
  });

  test('by a Temporal that accepts connections and stays silent', async () => {
    const silent = await startTcpServer();
    env = { ...env, HELIOGRAPH_TEMPORAL_ADDRESS: `127.0.0.1:${silent.port}` };
    const app = start('worker');
    await eventually('it says why', () => app.stderr() !== '', { timeoutMs: 20_000 });
    expect(app.stderr()).toMatch(/^tiny-worker: cannot start: no Temporal service answers at .*\n$/);
    await silent.close();
    await expect(app.ended).resolves.toBe(1);
  });

  test('with a bundle that is not what was built, before anything is connected', async () => {
    const changed = join(directory, 'changed.js');
    await copyFile(bundle, changed);
    await copyFile(`${bundle}.json`, `${changed}.json`);
    await appendFile(changed, '\n');
    env = { ...env, TINY_BUNDLE: changed, HELIOGRAPH_POSTGRES_URL: 'postgres://127.0.0.1:1/none' };
    const app = start('worker');
    await expect(app.ended).resolves.toBe(1);
    expect(app.stderr()).toMatch(
      /^tiny-worker: cannot start: the workflow bundle .* has changed since it was built/,
    );
  });
});

describe('an API app', () => {
  test('is ready while Temporal is unavailable, and stops with nothing left open', async () => {
    env = { ...env, HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const app = start('api');
    const url = await app.url();
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await expect((await fetch(`${url}/one`)).json()).resolves.toBe('no Temporal');
    app.kill('SIGTERM');
    await expect(app.ended).resolves.toBe(0);
    expect(messages(app)).toEqual(expect.arrayContaining(['listening', 'stopping', 'stopped']));
    expect(app.stderr()).toBe('');
  });

  test('answers 503 and is not ready while its database is unavailable', async () => {
    const url = await start('api').url();
    expect((await fetch(`${url}/one`)).status).toBe(200);
    await postgresProxy.takeDown();
    const answer = await fetch(`${url}/one`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    const readiness = await fetch(`${url}/readyz`);
    expect(readiness.status).toBe(503);
    await expect(readiness.json()).resolves.toMatchObject({ failing: ['postgres'] });
  });
});
