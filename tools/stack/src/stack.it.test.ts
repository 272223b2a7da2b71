import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startTimeOf } from '@heliograph/bootstrap';
import { createClient } from '@clickhouse/client';
import { startTcpServer } from '@heliograph/simulators';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import postgres from 'postgres';
import type { Part } from './parts/part.ts';
import type { StackEvent } from './server-spec.ts';
import type { Stack } from './stack.ts';
import { startStack } from './start-stack.ts';
import { readRunState } from './state-directory.ts';

const parent = mkdtempSync(join(tmpdir(), 'heliograph-stack-'));
const directory = join(parent, 'state');
const events: StackEvent[] = [];
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ directory, profile: 'test', onEvent: (event) => events.push(event) });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(parent, { recursive: true, force: true });
});

function variable(name: string) {
  return stack.env[`HELIOGRAPH_${name}`] ?? '';
}

function processOf(name: string) {
  const found = stack.processes().find((it) => it.name === name);
  if (found === undefined) throw new Error(`no process ${name}`);
  return found;
}

/** Writes numbers until it is stopped, and keeps those that were acknowledged. */
function writeOn(write: (number: number) => Promise<unknown>) {
  const acknowledged: number[] = [];
  const stopped = new AbortController();
  const done = (async () => {
    for (let number = 1; !stopped.signal.aborted; number++) {
      try {
        await write(number);
        acknowledged.push(number);
      } catch {
        // Not acknowledged: it may be there or not.
        await delay(20);
      }
    }
  })();
  return {
    acknowledged,
    stop: async () => {
      stopped.abort();
      await done;
    },
  };
}

async function until(condition: () => boolean | Promise<boolean>) {
  while (!(await condition())) await delay(20);
}

/** Kills a server while it is written to, and waits until it is back and written to again. */
async function killUnderWrites(name: string, writer: { acknowledged: readonly number[] }) {
  await until(() => writer.acknowledged.length >= 20);
  const before = processOf(name);
  process.kill(before.pid ?? 0, 'SIGKILL');
  await until(() => processOf(name).restarts === before.restarts + 1);
  const seen = writer.acknowledged.length;
  await until(() => writer.acknowledged.length >= seen + 20);
  const after = processOf(name);
  expect(after).toMatchObject({ state: 'ready', port: before.port });
  expect(after.pid).not.toBe(before.pid);
  expect(events).toContainEqual(
    expect.objectContaining({ kind: 'restarted', name, reason: 'SIGKILL', port: before.port }),
  );
}

test('all three servers answer, and run.json says where, without passwords', async () => {
  const sql = postgres(variable('POSTGRES_URL'), { max: 1 });
  const [row] =
    await sql`select current_setting('server_version_num')::int as version, current_setting('max_connections') as connections`;
  await sql.end();
  expect(row).toMatchObject({ version: expect.any(Number), connections: '200' });
  const clickhouse = createClient({ url: variable('CLICKHOUSE_URL') });
  expect((await clickhouse.ping({ select: true })).success).toBe(true);
  await clickhouse.close();
  const connection = await Connection.connect({ address: variable('TEMPORAL_ADDRESS') });
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  await connection.close();
  expect(serverVersion).toMatch(/^1\.(3[2-9]|[4-9]\d)/);

  const state = readRunState(directory);
  expect(state?.processes.map(({ name, state: now }) => [name, now])).toEqual([
    ['postgres', 'ready'],
    ['clickhouse', 'ready'],
    ['temporal', 'ready'],
  ]);
  const password = new URL(variable('POSTGRES_URL')).password;
  expect(JSON.stringify(state)).not.toContain(password);
  expect(JSON.stringify(state)).not.toContain(new URL(variable('CLICKHOUSE_URL')).password);
});

test('processes that were added run under the stack’s care and can be stopped and started alone', async () => {
  const spec = {
    name: 'added',
    command: process.execPath,
    args: ['-e', 'setInterval(() => {}, 1000)'],
    isReady: async () => true,
  };
  const first = await stack.run([spec]);
  const { pid = 0 } = processOf('added');
  expect(startTimeOf(pid)).toBeDefined();
  await first.stop();
  expect(startTimeOf(pid)).toBeUndefined();
  expect(stack.processes().map(({ name }) => name)).toEqual(['postgres', 'clickhouse', 'temporal']);

  const second = await stack.run([spec]);
  expect(processOf('added').state).toBe('ready');
  await second.stop();
});

test('when one of the added processes fails, none of them is left', async () => {
  const running = {
    name: 'running',
    command: process.execPath,
    args: ['-e', 'setInterval(() => {}, 1000)'],
    isReady: async () => true,
  };
  const failing = { ...running, name: 'failing', args: ['-e', 'throw new Error("no oil")'] };
  const added = stack.run([running, { ...failing, isReady: async () => false }]);
  await expect(added).rejects.toMatchObject({
    code: 'STACK_START_FAILED',
    message: expect.stringContaining('no oil'),
  });
  expect(stack.processes().map(({ name }) => name)).toEqual(['postgres', 'clickhouse', 'temporal']);
});

describe('a server killed with -9 under writes is back on its port with all that was acknowledged:', () => {
  test('PostgreSQL', async () => {
    const sql = postgres(variable('POSTGRES_URL'), { max: 4, connect_timeout: 2 });
    await sql`create table written (number int primary key)`;
    const writer = writeOn((number) => sql`insert into written values (${number})`);
    await killUnderWrites('postgres', writer);
    await writer.stop();
    const rows = await sql`select number from written`;
    await sql.end({ timeout: 1 });
    const stored = new Set(rows.map(({ number }) => number));
    expect(writer.acknowledged.filter((number) => !stored.has(number))).toEqual([]);
  });

  test('ClickHouse', async () => {
    const clickhouse = createClient({
      url: variable('CLICKHOUSE_URL'),
      request_timeout: 5000,
      log: { level: 127 },
    });
    await clickhouse.command({
      query: 'create table written (number UInt32) engine = MergeTree order by number',
    });
    const writer = writeOn((number) =>
      clickhouse.insert({ table: 'written', values: [{ number }], format: 'JSONEachRow' }),
    );
    await killUnderWrites('clickhouse', writer);
    await writer.stop();
    const answer = await clickhouse.query({
      query: 'select number from written',
      format: 'JSONCompactEachRow',
    });
    const stored = new Set((await answer.json()).map((row) => (Array.isArray(row) ? row[0] : undefined)));
    await clickhouse.close();
    expect(writer.acknowledged.filter((number) => !stored.has(number))).toEqual([]);
  });

  test('Temporal', async () => {
    const connection = await Connection.connect({ address: variable('TEMPORAL_ADDRESS') });
    await connection.workflowService.registerNamespace({
      namespace: 'written',
      workflowExecutionRetentionPeriod: JSON.parse('{"seconds":86400}'),
    });
    const client = new Client({ connection, namespace: 'written' });
    const writer = writeOn((number) =>
      client.withDeadline(Date.now() + 3000, () =>
        client.workflow.start('nothing', { taskQueue: 'none', workflowId: `written-${number}` }),
      ),
    );
    await killUnderWrites('temporal', writer);
    await writer.stop();
    const descriptions = await Promise.allSettled(
      writer.acknowledged.map((number) => client.workflow.getHandle(`written-${number}`).describe()),
    );
    await connection.close();
    expect(descriptions.filter(({ status }) => status === 'rejected')).toEqual([]);
  });
});

test('a server whose guard is killed with -9 does not live on, and is restarted', async () => {
  const before = processOf('postgres');
  process.kill(before.guardPid ?? 0, 'SIGKILL');
  await until(() => processOf('postgres').restarts === before.restarts + 1);
  expect(startTimeOf(before.pid ?? 0)).toBeUndefined();
  expect(processOf('postgres').port).toBe(before.port);
});

test('a second start on the same state says where the first one runs', async () => {
  await expect(startStack({ directory, profile: 'test' })).rejects.toMatchObject({
    code: 'STACK_ALREADY_RUNNING',
    message: expect.stringContaining(`process ${process.pid} uses ${directory}`),
  });
});

test('a configured port that is taken is refused by number and variable, and nothing is left', async () => {
  const server = await startTcpServer();
  const { port } = server;
  const other = join(parent, 'other');
  try {
    await expect(
      startStack({ directory: other, profile: 'test', ports: { clickhouse: port } }),
    ).rejects.toMatchObject({
      code: 'STACK_PORT_TAKEN',
      message: expect.stringMatching(new RegExp(`^port ${port} .*HELIOGRAPH_CLICKHOUSE_PORT`)),
    });
  } finally {
    await server.close();
  }
  expect(readRunState(other)).toBeUndefined();
  const again = await startStack({
    directory: other,
    profile: 'test',
    parts: ['clickhouse'],
    ports: { clickhouse: port },
  });
  expect(again.processes()[0]?.port).toBe(port);
  await again.stop();
});

test('a part of one’s own is run beside the others, in its order', async () => {
  const started: string[] = [];
  const own = join(parent, 'own');
  const part: Part = {
    name: 'echo',
    after: ['postgres'],
    async start({ port: choosePort, env }) {
      started.push(env['HELIOGRAPH_POSTGRES_URL'] === undefined ? 'too early' : 'after postgres');
      const port = await choosePort('echo');
      const script = `require('http').createServer((_, response) => response.end('echo')).listen(${port}, '127.0.0.1')`;
      return {
        env: { ECHO_URL: `http://127.0.0.1:${port}` },
        addresses: {},
        processes: [
          {
            name: 'echo',
            command: process.execPath,
            args: ['-e', script],
            port,
            isReady: async (signal) => (await fetch(`http://127.0.0.1:${port}`, { signal })).ok,
          },
        ],
      };
    },
  };
  const other = await startStack({ directory: own, profile: 'test', parts: ['postgres', part] });
  expect(await (await fetch(other.env['ECHO_URL'] ?? '')).text()).toBe('echo');
  expect(started).toEqual(['after postgres']);
  await other.stop();
});

/** Makes a part that finds its port taken the given number of times, each time a while after it reported its address. */
function unluckyPart(failures: number): Part {
  let starts = 0;
  return {
    name: 'unlucky',
    after: [],
    start: async () => {
      const start = ++starts;
      const script =
        start <= failures
          ? "setTimeout(() => { console.error('EADDRINUSE'); process.exit(1); }, 300)"
          : 'setInterval(() => {}, 1000)';
      return {
        env: { UNLUCKY_URL: `address ${start}` },
        addresses: {},
        processes: [
          {
            name: 'unlucky',
            command: process.execPath,
            args: ['-e', script],
            isReady: async () => start > failures,
          },
        ],
      };
    },
  };
}

/** Makes a part that comes after the unlucky one and sees its address. */
function laterPart(seen: (string | undefined)[]): Part {
  return {
    name: 'later',
    after: ['unlucky'],
    start: async ({ env }) => {
      seen.push(env['UNLUCKY_URL']);
      const script = 'setInterval(() => {}, 1000)';
      return {
        env: {},
        addresses: {},
        processes: [
          { name: 'later', command: process.execPath, args: ['-e', script], isReady: async () => true },
        ],
      };
    },
  };
}

test('a part that finds its port taken starts again on another, before those that come after it', async () => {
  const seen: (string | undefined)[] = [];
  const other = await startStack({
    directory: join(parent, 'unlucky'),
    parts: [unluckyPart(1), laterPart(seen)],
  });
  expect(seen).toEqual(['address 2']);
  expect(other.processes().map(({ name, state }) => `${name} ${state}`)).toEqual([
    'unlucky ready',
    'later ready',
  ]);
  await other.stop();
});

test('a part that comes after one that fails is not started, and nothing is left', async () => {
  const seen: (string | undefined)[] = [];
  const other = join(parent, 'luckless');
  await expect(
    startStack({ directory: other, parts: [unluckyPart(9), laterPart(seen)] }),
  ).rejects.toMatchObject({ code: 'STACK_START_FAILED' });
  expect(seen).toEqual([]);
  expect(readRunState(other)).toBeUndefined();
});

test('a process that ends at once fails the start with its own words', async () => {
  const part: Part = {
    name: 'broken',
    after: [],
    start: async () => ({
      env: {},
      addresses: {},
      processes: [
        {
          name: 'broken',
          command: process.execPath,
          args: ['-e', 'throw new Error("no oil")'],
          isReady: async () => false,
        },
      ],
    }),
  };
  await expect(startStack({ directory: join(parent, 'broken'), parts: [part] })).rejects.toMatchObject({
    code: 'STACK_START_FAILED',
    message: expect.stringMatching(/^broken ended \(exit code 1\).*no oil.*logs\/broken\.log/),
  });
});
