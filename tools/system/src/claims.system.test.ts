import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { createClaimCheck, isReference } from '@heliograph/codec/claims';
import { createPostgresRegistry, createPostgresStore } from '@heliograph/codec/claims/postgres';
import { createCodec, createCodecPlugin, parseKeyRing } from '@heliograph/codec/codecs';
import { provideTemporalCli } from '@heliograph/stack';
import { eventually } from '@heliograph/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, ScheduleOverlapPolicy } from '@temporalio/client';
import { startSystem, type System } from './start-system.ts';

const run = promisify(execFile);
const NAMESPACE = 'heliograph';
/** Nothing that compression could make smaller than the threshold. */
const LARGE = randomBytes(300_000).toString('base64');
/** As the CLI shows it in JSON. */
const SHOWN = Buffer.from(JSON.stringify(LARGE)).toString('base64');

let temporal: string;
let system: System;
beforeAll(async () => {
  temporal = await provideTemporalCli({
    environment: process.env,
    print: (line) => process.stderr.write(`${line}\n`),
    signal: AbortSignal.timeout(900_000),
  });
  system = await startSystem({}, {});
}, 1_000_000);
afterAll(() => system.stop(), 180_000);

/** A client that stores large payloads as the processes of the stack do. */
function connectClient(): Client {
  const keys = parseKeyRing(readFileSync(system.keyFile, 'utf8'));
  const claims = createClaimCheck({
    store: createPostgresStore(system),
    registry: createPostgresRegistry(system),
  });
  const codec = createCodec({ keys, namespace: NAMESPACE, domain: 'dispatch', claims });
  const { connection } = system.temporal;
  return new Client({ connection, namespace: NAMESPACE, plugins: [createCodecPlugin(codec)] });
}

async function show(...more: readonly string[]): Promise<string> {
  const address = system.stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '';
  const where = ['--address', address, '--namespace', NAMESPACE, '--disable-config-file', '--output', 'json'];
  const args = ['workflow', 'show', '-w', 'large', ...where, ...more];
  const { stdout } = await run(temporal, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

const countObjects = async (): Promise<number> => (await system.sql`select from claims.objects`).length;

test('a large payload is stored outside, shown by the temporal CLI, and collected by the role maintenance', async () => {
  const client = connectClient();
  // Nobody works on the task queue: the history keeps its reference.
  await client.workflow.start('large', { taskQueue: 'nobody', workflowId: 'large', args: [LARGE] });
  const { events } = await system.temporal.workflow.getHandle('large').fetchHistory();
  const [input] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  expect([isReference(input ?? {}), await countObjects()]).toEqual([true, 1]);

  const outside = await show();
  expect([SHOWN, LARGE].map((text) => outside.includes(text.slice(0, 64)))).toEqual([false, false]);
  const developer = system.stack.secret('codec-server-developer-key');
  const endpoint = `${system.codecServerUrl}/{namespace}`;
  const shown = await show('--codec-endpoint', endpoint, '--codec-auth', `Bearer ${developer}`);
  expect(shown.includes(SHOWN)).toBe(true);
  const audited = await system.sql`
    select action, subject, namespace, domain, outcome from codec_audit.entries where domain is not null`;
  expect(audited).toContainEqual({
    action: 'decode',
    subject: 'developer',
    namespace: NAMESPACE,
    domain: 'dispatch',
    outcome: 'allowed',
  });

  const collect = client.schedule.getHandle('codec-maintenance-collection');
  const countCollections = async (): Promise<number> =>
    (
      await system.temporal.workflow.count(
        "WorkflowType = 'collectStoredPayloads' AND ExecutionStatus = 'Completed'",
      )
    ).count;
  const collectOnce = async (): Promise<void> => {
    const before = await countCollections();
    await collect.trigger(ScheduleOverlapPolicy.ALLOW_ALL);
    const isOver = async () => (await countCollections()) > before;
    await eventually('a collection', isOver, { timeoutMs: 60_000 });
  };
  await collectOnce();
  expect(await countObjects()).toBe(1);

  await client.workflow.getHandle('large').terminate();
  await system.temporal.workflowService.deleteWorkflowExecution({
    namespace: NAMESPACE,
    workflowExecution: { workflowId: 'large' },
  });
  // The server deletes an execution some time after it was closed.
  const isGone = async () => (await client.workflow.count("WorkflowId = 'large'")).count === 0;
  await eventually('a namespace without it', isGone, { timeoutMs: 120_000 });
  await collectOnce();
  // It is missing since now, and kept for a day.
  expect(await countObjects()).toBe(1);
  await system.sql`update claims.owners set missing_since = missing_since - 86400000`;
  await collectOnce();
  expect(await countObjects()).toBe(0);
}, 300_000);
