import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createCodec, createCodecPlugin, parseKeyRing } from '@heliograph/codec/codecs';
import { provideTemporalCli } from '@heliograph/stack';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, WorkflowUpdateStage } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { findCanaries, hatchCanaries } from './canaries.ts';
import { startSystem, type System } from './start-system.ts';
import type { SpeakingActivities } from './testing/workflows.ts';

const run = promisify(execFile);
Runtime.install({ logger: new DefaultLogger('ERROR') });

/** As much of an entry of the audit log as it is about here. */
interface AuditRow {
  readonly subject: string | null;
  readonly action: string;
  readonly namespace: string | null;
  readonly domain: string | null;
  readonly keyId: string | null;
  readonly outcome: string;
  readonly reason: string | null;
}

/** Texts in the places that a workflow, its client and its activities write to. */
const canaries = hatchCanaries([
  'input',
  'activityInput',
  'activityResult',
  'activityFailure',
  'failureMessage',
  'failureDetails',
  'currentDetails',
  'activitySummary',
  'timerSummary',
  'updateResult',
  'updateInput',
  'signal',
  'memo',
  'staticSummary',
  'staticDetails',
  'result',
]);
/** The details of a running workflow are a query, and none of its history. */
const { currentDetails: _, ...stored } = canaries;

const key = (): string => randomBytes(24).toString('base64url');
const keys = { developer: key(), finance: key(), auditor: key() };

let temporal: string;
let system: System;
let codecUrl: string;

/** Runs the CLI on one of the workflows, with what else is given. */
async function show(...args: readonly string[]): Promise<string> {
  const address = system.stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '';
  const where = [
    '--address',
    address,
    '--namespace',
    'heliograph',
    '--disable-config-file',
    '--color',
    'never',
  ];
  const { stdout, stderr } = await run(temporal, [...args, ...where], { maxBuffer: 64 * 1024 * 1024 });
  return stdout + stderr;
}

/** Everything that the CLI shows of both workflows, in text and in JSON. */
async function showAll(...more: readonly string[]): Promise<string> {
  const shown: string[] = [];
  for (const id of ['speaks', 'repeats'])
    for (const output of [[], ['--output', 'json']])
      for (const command of ['show', 'describe', 'result'])
        // The result of a workflow that failed is a failure, with exit code 1.
        shown.push(await show('workflow', command, '-w', id, ...output, ...more).catch(outputOf));
  shown.push(await show('workflow', 'list', '--output', 'json', ...more));
  return shown.join('\n');
}

function outputOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('stdout' in error) || !('stderr' in error))
    throw error;
  return `${String(error.stdout)}${String(error.stderr)}`;
}

const throughCodecServer = (bearer: string): readonly string[] => [
  '--codec-endpoint',
  `${codecUrl}/{namespace}`,
  '--codec-auth',
  `Bearer ${bearer}`,
];

beforeAll(async () => {
  temporal = await provideTemporalCli({
    environment: process.env,
    print: (line) => process.stderr.write(`${line}\n`),
    signal: AbortSignal.timeout(900_000),
  });
  system = await startSystem(
    {},
    {
      HELIOGRAPH_CODEC_CALLERS: [
        `ada:${keys.developer}:developer`,
        `fin:${keys.finance}:finance`,
        `aud:${keys.auditor}:auditor+audit:read`,
      ].join(','),
    },
  );
  codecUrl = system.codecServerUrl;
  await writeWorkflows();
}, 1_000_000);
afterAll(async () => {
  await system.stop();
  await Runtime.instance().shutdown();
}, 180_000);

/** Runs one workflow that fails and one that succeeds, with a worker that encrypts as the Dispatch Center does. */
async function writeWorkflows(): Promise<void> {
  const ring = parseKeyRing(readFileSync(system.keyFile, 'utf8'));
  const plugin = createCodecPlugin(createCodec({ keys: ring, namespace: 'heliograph', domain: 'dispatch' }));
  const workflowsPath = fileURLToPath(new URL('testing/workflows.ts', import.meta.url));
  const plugins = [plugin];
  const connection = await NativeConnection.connect({
    address: system.stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '',
  });
  try {
    const activities: SpeakingActivities = {
      answer: async (_input, result) => result,
      refuse: async (message) => {
        throw new Error(message);
      },
    };
    const taskQueue = 'system';
    const worker = await Worker.create({
      connection,
      namespace: 'heliograph',
      taskQueue,
      workflowBundle: await bundleWorkflowCode({
        workflowsPath,
        logger: new DefaultLogger('ERROR'),
        plugins,
      }),
      activities,
      plugins,
    });
    const client = new Client({ connection, namespace: 'heliograph', plugins });
    await worker.runUntil(async () => {
      const handle = await client.workflow.start('speak', {
        workflowId: 'speaks',
        taskQueue,
        args: [canaries],
        memo: { text: canaries.memo },
        staticSummary: canaries.staticSummary,
        staticDetails: canaries.staticDetails,
      });
      const update = await handle.startUpdate('ask', {
        args: [canaries.updateInput],
        waitForStage: WorkflowUpdateStage.ACCEPTED,
      });
      await update.result();
      await handle.signal('goOn', canaries.signal);
      await expect(handle.result()).rejects.toThrow('Workflow execution failed');
      const options = { workflowId: 'repeats', taskQueue, args: [canaries.result] };
      await client.workflow.execute('repeat', options);
    });
  } finally {
    await connection.close();
  }
}

test('without a codec server the CLI shows no plaintext anywhere', async () => {
  const shown = await showAll();
  expect(shown).toContain('EVENT_TYPE_WORKFLOW_EXECUTION_FAILED');
  expect(shown).toContain('encryption-key-id');
  expect(findCanaries(Buffer.from(shown), canaries)).toEqual([]);
});

test('with the codec server and a role it shows all of it', async () => {
  const shown = await showAll(...throughCodecServer(keys.developer));
  expect(findCanaries(Buffer.from(shown), stored).toSorted()).toEqual(Object.keys(stored).toSorted());
});

test('with the wrong role it shows nothing of it, and says why', async () => {
  const shown = await showAll(...throughCodecServer(keys.finance));
  expect(findCanaries(Buffer.from(shown), canaries)).toEqual([]);
  expect(shown).toContain('ACCESS_DENIED');
});

test('without a key it shows nothing of it', async () => {
  // The CLI asks again and again until its deadline.
  const asked = ['workflow', 'show', '-w', 'speaks', '--command-timeout', '2s'];
  const shown = await show(...asked, ...throughCodecServer(key())).catch(outputOf);
  expect(findCanaries(Buffer.from(shown), canaries)).toEqual([]);
  expect(shown).toContain('displaying history failed');
});

test('the audit log has all of them, and nothing of what they read', async () => {
  // Read in the database itself, past the API of the one that has written it.
  const entries = await system.sql<AuditRow[]>`
    select subject, action, namespace, domain, key_id as "keyId", count, outcome, reason
    from codec_audit.entries order by sequence`;
  const of = (isWanted: (entry: AuditRow) => boolean) => entries.filter(isWanted);
  const where = { action: 'decode', namespace: 'heliograph', domain: 'dispatch', keyId: 'local-1' };
  expect(of(({ subject }) => subject?.includes('ada') === true)).toContainEqual(
    expect.objectContaining({ ...where, outcome: 'allowed' }),
  );
  expect(of(({ subject }) => subject?.includes('fin') === true)).toContainEqual(
    expect.objectContaining({ ...where, outcome: 'denied', reason: 'ACCESS_DENIED' }),
  );
  const ofNobody = of(({ subject }) => subject === null);
  expect(ofNobody).not.toEqual([]);
  expect(ofNobody.map(({ outcome }) => outcome)).not.toContain('allowed');
  expect(findCanaries(Buffer.from(JSON.stringify(entries)), canaries)).toEqual([]);
});
