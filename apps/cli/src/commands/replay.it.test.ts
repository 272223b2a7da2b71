import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  createCodec,
  createCodecPlugin,
  createKeyRing,
  FAILURE_CONVERTER_PATH,
  parseDomainKeys,
} from '@heliograph/codec/codecs';
import {
  bundleWorkflows,
  connectWorker,
  createTemporalWorker,
  installTemporalRuntime,
  writeWorkflowBundle,
} from '@heliograph/temporal-worker';
import { eventually, freshNamespace, type FreshNamespace, recordHistory } from '@heliograph/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import * as v from 'valibot';
import { ran } from '../testing/canned-api.ts';
import { cannedCodecServer } from '../testing/canned-codec-server.ts';
import type { OrderActivities, order } from '../testing/order-workflows.ts';

const CANARY = 'card-4242';
const CONDITION = '@heliograph/source';
const sourceOf = (file: string) => ({
  workflows: new URL(`../testing/${file}`, import.meta.url),
  failureConverter: FAILURE_CONVERTER_PATH,
  sourceCondition: CONDITION,
});

const ignore = () => undefined;
installTemporalRuntime({
  logger: { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore },
});

let ground: FreshNamespace;
let folder: string;
const at = (name: string) => join(folder, name);
const workflowIds = ['order-1', 'order-2'];

beforeAll(async () => {
  ground = await freshNamespace('cli-replay');
  folder = mkdtempSync(join(tmpdir(), 'heliograph-replay-'));
  const ring = JSON.stringify({
    domains: {
      orders: { active: 'k0', keys: [{ id: 'k0', key: Buffer.alloc(32, 7).toString('base64url') }] },
    },
  });
  writeFileSync(at('keys.json'), ring);
  const { connection, namespace, address } = ground;
  const codec = createCodec({ keys: createKeyRing(parseDomainKeys(ring)), namespace, domain: 'orders' });
  const plugin = createCodecPlugin(codec);
  const client = new Client({ connection, namespace, plugins: [plugin] });
  const native = await connectWorker({ address });
  const worker = await createTemporalWorker({
    connection: native,
    namespace,
    taskQueue: 'orders',
    workflowBundle: await bundleWorkflows(sourceOf('order-workflows.ts')),
    activities: { charge: async (card) => `receipt of ${card}` } satisfies OrderActivities,
    ...plugin.configureClient({}),
  });
  await worker.runUntil(async () => {
    for (const workflowId of workflowIds) {
      const handle = await client.workflow.start<typeof order>('order', {
        workflowId,
        taskQueue: 'orders',
        args: [CANARY],
      });
      await eventually('the order waits', async () =>
        (await handle.fetchHistory()).events?.some(
          ({ timerStartedEventAttributes }) => timerStartedEventAttributes,
        ),
      );
    }
  });
  await native.close();
  await recordHistory(
    client,
    { workflowId: 'order-1' },
    { directory: at('histories'), workflowType: 'order', scenario: 'waits' },
  );
  await writeWorkflowBundle(sourceOf('order-workflows.ts'), at('good.js'));
  await writeWorkflowBundle(sourceOf('changed-order-workflows.ts'), at('bad.js'));
  await eventually('visibility', async () => (await client.workflow.count()).count === workflowIds.length);
});
afterAll(async () => {
  await ground.close();
  rmSync(folder, { recursive: true });
});

const replay = (...args: readonly string[]) =>
  ran(['replay', ...args], {
    env: { HELIOGRAPH_TEMPORAL_ADDRESS: ground.address, HELIOGRAPH_CODEC_API_KEY: 'good-key' },
  });
const inNamespace = (...args: readonly string[]) => replay('--namespace', ground.namespace, ...args);

describe('replay', () => {
  test('every open run of a namespace fits the code that made it', async () => {
    const { exitCode, out, err } = await inNamespace('--bundle', at('good.js'), '--keys', at('keys.json'));
    expect([exitCode, out, err]).toEqual([0, '2 histories: 2 fit, 0 break, 0 fail, 0 unreadable\n', '']);
  });

  test('of code that does not fit it tells the place and the reason, and exits with 4', async () => {
    const { exitCode, out, err } = await inNamespace(
      '--bundle',
      at('bad.js'),
      '--keys',
      at('keys.json'),
      '--workflow-id',
      'order-1',
    );
    expect(exitCode).toBe(4);
    expect(out.replace(/order-1\/\S+/, 'order-1').replaceAll(/\s+/g, ' ')).toBe(
      'order-1 (order) breaks at event 5 ActivityTaskScheduled, decided by the workflow task that ends with event 4: ' +
        'the history has ActivityTaskScheduled, but the code asks for a timer there 1 histories: 0 fit, 1 break, 0 fail, 0 unreadable ',
    );
    expect(err).toMatch(
      /^heliograph: 1 of 1 histories do not fit this code; keep the old path behind patched/,
    );
    expect(out + err).not.toContain(CANARY);
  });

  test('histories of files, with the module instead of a bundle, as JSON', async () => {
    const module = fileURLToPath(new URL('../testing/order-workflows.ts', import.meta.url));
    const { exitCode, out } = await inNamespace(
      at('histories'),
      '--workflows',
      module,
      '--condition',
      CONDITION,
      '--keys',
      at('keys.json'),
      '--json',
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toEqual({
      counts: { fits: 1, breaks: 0, fails: 0, unreadable: 0 },
      histories: [
        {
          source: at('histories/order.waits.json'),
          workflowType: 'order',
          events: expect.any(Number),
          outcome: { kind: 'fits' },
        },
      ],
    });
  });

  test('payloads are decrypted by a codec server, with its key', async () => {
    const server = await cannedCodecServer(readFileSync(at('keys.json'), 'utf8'), ground.namespace);
    try {
      const asked = await inNamespace(
        at('histories'),
        '--bundle',
        at('good.js'),
        '--codec-url',
        `${server.url}/codec`,
      );
      expect([asked.exitCode, asked.out]).toEqual([0, '1 histories: 1 fit, 0 break, 0 fail, 0 unreadable\n']);
      expect(server.seen()).toMatchObject({
        path: '/codec/decode',
        authorization: 'Bearer good-key',
        namespace: ground.namespace,
      });
      server.refuse();
      const refused = await inNamespace(
        at('histories'),
        '--bundle',
        at('good.js'),
        '--codec-url',
        server.url,
      );
      expect(refused.exitCode).toBe(1);
      expect(refused.out).toContain('cannot be read: the codec server refused: ACCESS_DENIED: not yours');
    } finally {
      await server.close();
    }
  });

  test('encrypted histories without a key are unreadable, which says nothing about the code', async () => {
    const { exitCode, out, err } = await inNamespace(at('histories'), '--bundle', at('bad.js'));
    expect(exitCode).toBe(1);
    expect(out).toContain('cannot be read: the payloads are encrypted');
    expect(err).toBe('heliograph: 1 of 1 histories cannot be read, so nothing is known of them\n');
  });

  test('a file that holds no history does not stop the others', async () => {
    mkdirSync(at('mixed'));
    writeFileSync(at('mixed/a-noise.json'), '{"events":[]}');
    copyFileSync(at('histories/order.waits.json'), at('mixed/order.waits.json'));
    const { exitCode, out } = await inNamespace(
      at('mixed'),
      '--bundle',
      at('good.js'),
      '--keys',
      at('keys.json'),
    );
    expect(exitCode).toBe(1);
    expect(out).toContain('2 histories: 1 fit, 0 break, 0 fail, 1 unreadable');
  });
});

describe('wrong input is one line', () => {
  test.each([
    [['x.json'], 2, 'expected the workflows to replay with: --bundle FILE or --workflows MODULE'],
    [['x.json', '--bundle', 'nowhere.js'], 2, 'no workflow bundle at'],
    [['nowhere', '--bundle', 'GOOD'], 2, 'no file or directory nowhere'],
    [
      ['--bundle', 'GOOD', '--workflow-id', 'nobody'],
      2,
      '--workflow-id: the namespace has no such run of nobody',
    ],
    [['--bundle', 'GOOD', '--query', `WorkflowId = 'nobody'`], 2, 'there are no histories to replay'],
    [['--bundle', 'GOOD', '--query', 'what?'], 1, 'the Temporal Service at'],
    [['--bundle', 'GOOD', '--limit', '0'], 2, '--limit: expected a whole number from 1'],
    [['--bundle', 'GOOD', '--keys', 'nowhere'], 2, '--keys: the file cannot be read'],
    [['--bundle', 'GOOD', '--inspect-brk', 'a:b'], 2, '--inspect-brk: expected a port, or host:port'],
    [['--bundle', 'GOOD', '--inspect-brk', '0'], 2, '--inspect-brk: expected exactly one history'],
  ])('%j', async (args, exitCode, message) => {
    const { err, ...rest } = await inNamespace(
      ...args.map((each) => (each === 'GOOD' ? at('good.js') : each)),
    );
    expect(rest.exitCode).toBe(exitCode);
    expect(err).toContain(`heliograph: ${message}`);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  });
});

test('a debugger stops in the source of the workflow', async () => {
  const [cli, terminal] = ['run-cli.ts', 'terminal.ts'].map((file) =>
    JSON.stringify(new URL(`../${file}`, import.meta.url)),
  );
  const module = fileURLToPath(new URL('../testing/order-workflows.ts', import.meta.url));
  const code = `import { runCli } from ${cli}; import { processTerminal } from ${terminal};
    process.exitCode = await runCli(process.argv.slice(1), processTerminal());`;
  const args = ['replay', at('histories'), '--workflows', module, '--condition', CONDITION];
  args.push('--namespace', ground.namespace, '--keys', at('keys.json'), '--inspect-brk', '127.0.0.1:0');
  const child = spawn(process.execPath, ['-C', CONDITION, '--input-type=module', '-e', code, '--', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const url = await debuggerUrl(child.stderr);
    expect(await stopInWorkflow(url)).toBe(`${module}:${LINE_OF_SLEEP}`);
    const [exitCode] = await once(child, 'exit');
    expect(exitCode).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
});

const placeSchema = v.object({
  originalSource: v.optional(v.string()),
  originalLine: v.optional(v.number()),
});

async function debuggerUrl(output: Readable): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const [url] = /ws:\/\/\S+/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error('no debugger address');
}

/** Attaches, sets a breakpoint in the source of the workflow, and tells in which function and line it stops. */
async function stopInWorkflow(url: string): Promise<string> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const maps = new Map<string, string>();
  const stopped = Promise.withResolvers<string>();
  let id = 0;
  const send = (method: string, params: object = {}) =>
    socket.send(JSON.stringify({ id: ++id, method, params }));
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(String(data));
    if (method === 'Debugger.scriptParsed') maps.set(params.scriptId, params.sourceMapURL);
    if (method !== 'Debugger.paused') return;
    const { functionName, location } = params.callFrames[0];
    const map = parseMap(maps.get(location.scriptId) ?? '');
    if (functionName === 'order') {
      const { originalSource = '', originalLine = -1 } = originOf(map, location.lineNumber);
      stopped.resolve(`${originalSource}:${originalLine + 1}`);
      send('Debugger.disable');
      socket.close();
      return;
    }
    // The first pause, before the workflow is called.
    const lineNumber = Array.from({ length: location.lineNumber }, (_, line) => line).find((line) => {
      const { originalSource = '', originalLine } = originOf(map, line);
      return originalSource.endsWith('order-workflows.ts') && originalLine === LINE_OF_SLEEP - 1;
    });
    send('Debugger.setBreakpoint', { location: { scriptId: location.scriptId, lineNumber } });
    send('Debugger.resume');
  });
  send('Debugger.enable');
  send('Runtime.runIfWaitingForDebugger');
  return stopped.promise;
}

const LINE_OF_SLEEP = 13;

function parseMap(url: string): SourceMap {
  const [, encoded = ''] = /base64,(.*)$/s.exec(url) ?? [];
  return new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString()));
}

const originOf = (map: SourceMap, line: number) => v.parse(placeSchema, map.findEntry(line, 1000));
