import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startTimeOf } from '@heliograph/bootstrap';
import { startTcpServer } from '@heliograph/simulators';
import { afterAll, expect, test } from '@jest/globals';
import postgres from 'postgres';
import { readRunState } from '../state-directory.ts';
import { observeProcess } from './observed-process.ts';

const START = fileURLToPath(new URL('../../bin/start.ts', import.meta.url));
const WITH_STACK = fileURLToPath(new URL('../../bin/with-stack.ts', import.meta.url));
const START_MODULE = new URL('start.ts', import.meta.url).href;
const parent = mkdtempSync(join(tmpdir(), 'heliograph-start-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** Gives the pids of every server and guard of a running stack. */
function pidsOf(directory: string) {
  const pids =
    readRunState(directory)?.processes.flatMap(({ pid, guardPid }) => [pid ?? 0, guardPid ?? 0]) ?? [];
  return pids.filter((pid) => pid !== 0);
}

function alive(pids: readonly number[]) {
  return pids.filter((pid) => startTimeOf(pid) !== undefined);
}

async function untilGone(pids: readonly number[], withinMs: number) {
  const deadlineMs = performance.now() + withinMs;
  while (alive(pids).length > 0 && performance.now() < deadlineMs) await delay(50);
  return alive(pids);
}

test('after kill -9 of npm start nothing is left within seconds, and the next start finds the data', async () => {
  const directory = join(parent, 'killed');
  const first = observeProcess([START, 'stack'], { HELIOGRAPH_DIRECTORY: directory });
  await first.until(/ready in [\d.]+ s/);
  const pids = pidsOf(directory);
  expect(pids).toHaveLength(6);
  first.child.kill('SIGKILL');
  await first.exitCode;

  const second = observeProcess([START, 'stack'], { HELIOGRAPH_DIRECTORY: directory });
  await second.until(/ready in [\d.]+ s/);
  expect(alive(pids)).toEqual([]);
  const next = pidsOf(directory);
  second.child.kill('SIGKILL');
  await second.exitCode;
  expect(await untilGone(next, 8000)).toEqual([]);
});

test('SIGTERM stops everything with exit code 0 and removes run.json', async () => {
  const directory = join(parent, 'terminated');
  const started = observeProcess([START, 'stack'], { HELIOGRAPH_DIRECTORY: directory });
  await started.until(/PostgreSQL 18 .* ready\n[^]*Temporal 1\.[^]*ready in [\d.]+ s/);
  const pids = pidsOf(directory);
  started.child.kill('SIGTERM');
  expect(await started.exitCode).toBe(0);
  expect(alive(pids)).toEqual([]);
  expect(readRunState(directory)).toBeUndefined();
});

test('a Ctrl-C that arrives twice stops once; a later one ends everything at once', async () => {
  const directory = join(parent, 'interrupted');
  const started = observeProcess([START, 'stack'], { HELIOGRAPH_DIRECTORY: directory });
  await started.until(/ready in/);
  const pids = pidsOf(directory);
  started.child.kill('SIGINT');
  await started.until(/stopping/);
  started.child.kill('SIGINT');
  expect(await started.exitCode).toBe(0);
  expect(alive(pids)).toEqual([]);

  const stuck = observeProcess(['--input-type=module', '-e', forcedStopScript(directory)], {
    HELIOGRAPH_DIRECTORY: directory,
  });
  await stuck.until(/ready in/);
  const stuckPids = pidsOf(directory);
  stuck.child.kill('SIGINT');
  await stuck.until(/stopping/);
  await delay(1200);
  stuck.child.kill('SIGINT');
  expect(await stuck.exitCode).toBe(130);
  expect(await untilGone(stuckPids, 2000)).toEqual([]);
});

test('a stop in the middle of the start leaves nothing', async () => {
  const directory = join(parent, 'early');
  const started = observeProcess([START, 'stack'], { HELIOGRAPH_DIRECTORY: directory });
  while (pidsOf(directory).length === 0) await delay(10);
  const pids = pidsOf(directory);
  started.child.kill('SIGTERM');
  expect(await started.exitCode).toBe(0);
  expect(alive(pids)).toEqual([]);
});

test('a second start says in one line where the first one runs', async () => {
  const directory = join(parent, 'twice');
  const first = observeProcess([START, 'stack'], { HELIOGRAPH_DIRECTORY: directory });
  await first.until(/ready in/);
  const second = observeProcess([START, 'stack'], { HELIOGRAPH_DIRECTORY: directory });
  expect(await second.exitCode).toBe(1);
  expect(second.output()).toMatch(
    new RegExp(`^already running: process ${first.child.pid} uses ${directory}[^\n]*\n$`),
  );
  first.child.kill('SIGTERM');
  expect(await first.exitCode).toBe(0);
});

test('a taken configured port is one line that names port and variable', async () => {
  const server = await startTcpServer();
  const { port } = server;
  const started = observeProcess([START, 'stack'], {
    HELIOGRAPH_DIRECTORY: join(parent, 'port'),
    HELIOGRAPH_TEMPORAL_PORT: String(port),
  });
  expect(await started.exitCode).toBe(1);
  await server.close();
  expect(started.output()).toMatch(new RegExp(`^port ${port} [^\n]*HELIOGRAPH_TEMPORAL_PORT[^\n]*\n$`));
});

test('--fresh refuses a directory that no stack made', async () => {
  const directory = join(parent, 'foreign');
  mkdirSync(directory);
  writeFileSync(join(directory, 'thesis.txt'), 'dear');
  const started = observeProcess([START, 'stack', '--fresh'], { HELIOGRAPH_DIRECTORY: directory });
  expect(await started.exitCode).toBe(1);
  expect(started.output()).toMatch(/^[^\n]*foreign is no state directory[^\n]*\n$/);
});

test.each([
  [['--no-such'], 2, /^Unknown option '--no-such'\. Try: npm start -- --help\n$/],
  [['app'], 2, /^Unexpected argument 'app'/],
  [['--help'], 0, /^Usage: npm start -- /],
])('%j ends with %i', async (args, code, output) => {
  const started = observeProcess([START, ...args]);
  expect(await started.exitCode).toBe(code);
  expect(started.output()).toMatch(output);
});

test('with-stack runs a command with the servers’ addresses and gives its exit code', async () => {
  const script = `
    const keys = ['POSTGRES_URL', 'CLICKHOUSE_URL', 'TEMPORAL_ADDRESS'].map((key) => process.env['HELIOGRAPH_' + key]);
    console.log(keys.every(Boolean) ? 'all there' : 'missing');
    process.exitCode = 7;`;
  const run = observeProcess([WITH_STACK, '--', process.execPath, '-e', script]);
  expect(await run.exitCode).toBe(7);
  expect(run.output()).toBe('all there\n');
});

test('apps and their demo run on the stack; a killed app is restarted', async () => {
  const root = join(parent, 'repository');
  makeApp(root);
  const directory = join(root, '.heliograph');
  const started = observeProcess(['--input-type=module', '-e', startScript(root)]);
  await started.until(/ready in/);
  await started.until(/notified of the demo at http:\S+, state fresh: true/);
  const [line = '', url = ''] = (await started.until(/the greeting\s+(http:\S+)\s+ready/)).slice();
  expect(started.output().indexOf(line)).toBeLessThan(started.output().indexOf('notified'));
  expect(await (await fetch(url)).text()).toBe('postgres is there, traces in clickhouse: true');

  const app = readRunState(directory)?.processes.find(({ name }) => name === 'greeter-server');
  process.kill(app?.pid ?? 0, 'SIGKILL');
  await started.until(/greeter-server ended \(SIGKILL\) and was restarted on port \d+ after/);
  expect(await (await fetch(url)).text()).toBe('postgres is there, traces in clickhouse: true');

  const pids = pidsOf(directory);
  started.child.kill('SIGTERM');
  expect(await started.exitCode).toBe(0);
  expect(started.output()).toMatch(/stopping\nthe demo stops\n/);
  expect(alive(pids)).toEqual([]);
});

test('after kill -9 of what runs with-stack nothing is left within seconds', async () => {
  const directory = join(parent, 'orphaned');
  const args = [
    WITH_STACK,
    '--directory',
    directory,
    '--',
    process.execPath,
    '-e',
    'setInterval(() => {}, 1000)',
  ];
  const script = `
    const { spawn } = require('node:child_process');
    spawn(process.execPath, ${JSON.stringify(args)}, { stdio: 'ignore' });
    setInterval(() => {}, 1000);`;
  const started = observeProcess(['-e', script], { npm_lifecycle_event: 'test' });
  const expiresAt = performance.now() + 50_000;
  while (pidsOf(directory).length < 6 && performance.now() < expiresAt) await delay(100);
  const pids = pidsOf(directory);
  expect(pids).toHaveLength(6);
  started.child.kill('SIGKILL');
  await started.exitCode;
  expect(await untilGone([...pids, readRunState(directory)?.supervisor.pid ?? 0], 20_000)).toEqual([]);
});

test('PostgreSQL starts although its pid file names a process of somebody else', async () => {
  const directory = join(parent, 'stale');
  const first = observeProcess([START, 'stack'], { HELIOGRAPH_DIRECTORY: directory });
  await first.until(/ready in/);
  first.child.kill('SIGTERM');
  await first.exitCode;
  writeFileSync(
    join(directory, 'postgres/postmaster.pid'),
    `${process.pid}\n${join(directory, 'postgres')}\n1\n15432\n\n127.0.0.1\n`,
  );
  const second = observeProcess([START, 'stack'], { HELIOGRAPH_DIRECTORY: directory });
  const [, port = ''] = await second.until(/postgres:\/\/postgres@127\.0\.0\.1:(\d+)[^]*ready in/);
  const sql = postgres(`postgres://postgres:wrong@127.0.0.1:${port}/postgres`, { max: 1 });
  await expect(sql`select 1`).rejects.toMatchObject({ code: '28P01' });
  await sql.end({ timeout: 1 });
  second.child.kill('SIGTERM');
  expect(await second.exitCode).toBe(0);
});

function startScript(root: string) {
  return `
    import { start } from ${JSON.stringify(START_MODULE)};
    const options = { withApps: true, withDemo: true, isFresh: false };
    process.exitCode = await start(${JSON.stringify(root)}, options, { build: async () => {} });
    process.exit();`;
}

/** Starts an app that does not stop by itself. */
function forcedStopScript(directory: string) {
  const root = join(parent, 'stubborn');
  const folder = join(root, 'apps/stubborn');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'stubborn', type: 'module', heliograph: { stack: './stack.js' } }),
  );
  writeFileSync(
    join(folder, 'stack.js'),
    `const script = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')";
     export default { name: 'stubborn', processes: [{ role: 'server', args: ['-e', script], stopGraceMs: 60000 }] };`,
  );
  return startScript(root).replace('process.exit();', `process.exit(); // ${directory}`);
}

/** Makes a repository with one app that greets and has a demo. */
function makeApp(root: string) {
  const folder = join(root, 'apps/greeter');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'greeter', type: 'module', heliograph: { stack: './stack.js' } }),
  );
  writeFileSync(
    join(folder, 'server.js'),
    `import { createServer } from 'node:http';
     const { HELIOGRAPH_POSTGRES_URL: postgres, HELIOGRAPH_TRACES_IN_CLICKHOUSE: traces } = process.env;
     const text = (postgres ? 'postgres' : 'nothing') + ' is there, traces in clickhouse: ' + traces;
     createServer((_, response) => response.end(text)).listen(Number(process.env.HELIOGRAPH_HTTP_PORT), '127.0.0.1');`,
  );
  writeFileSync(
    join(folder, 'stack.js'),
    `export default {
       name: 'greeter',
       processes: [{ role: 'server', args: ['server.js'], what: 'the greeting', httpPort: { name: 'greeter', preferred: 14000 } }],
       async demo(context) {
         context.print('notified of the demo at ' + context.url('server') + ', state fresh: ' + context.fresh);
         return { stop: async () => console.log('the demo stops') };
       },
     };`,
  );
}
