import { setTimeout as wait } from 'node:timers/promises';
import { createCodec, createKeyRing, parseDomainKeys } from '@heliograph/codec/codecs';
import { bundleWorkflows, createTemporalWorker, installTemporalRuntime } from '@heliograph/temporal-worker';
import { defineLongJob } from '@heliograph/temporal-worker/activities';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { ran } from '../testing/canned-api.ts';

let ground: FreshNamespace;
let bundle: { readonly code: string };
let folder: string;
const runtime = installTemporalRuntime({
  logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} },
});
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cli-activity-'));
  [ground, bundle] = await Promise.all([
    freshNamespace('cli-activity'),
    bundleWorkflows({
      workflows: new URL('../testing/job-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
  ]);
}, 60_000);
afterAll(async () => {
  await ground.close();
  rmSync(folder, { recursive: true });
  await runtime.shutdown();
});

const count = defineLongJob({ cursor: v.object({ after: v.number() }) }, async (job) => {
  // The first heartbeat is sent at once, and the next one with 0.8 of the timeout: this one waits for nothing.
  job.save({ percent: 40, records: 400, cursor: { after: 400 }, statusUrl: 'https://jobs.example.com/1' });
  await wait(120_000, undefined, { signal: job.signal });
});

const show = (...args: readonly string[]) =>
  ran(['activity', 'show', ...args, '--namespace', ground.namespace], {
    env: { HELIOGRAPH_TEMPORAL_ADDRESS: ground.address },
  });

/** A worker with a job under way, and its payloads encoded by a codec or plain. */
async function whileCounting(
  workflowId: string,
  codec: PayloadCodec | null,
  run: () => Promise<void>,
): Promise<void> {
  const dataConverter = codec === null ? {} : { payloadCodecs: [codec] };
  const worker = await createTemporalWorker({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    taskQueue: workflowId,
    workflowBundle: bundle,
    activities: { count },
    shutdownGraceMs: 0,
    heartbeatThrottleMs: 50,
    dataConverter,
  });
  const client = new Client({ connection: ground.connection, namespace: ground.namespace, dataConverter });
  await worker.runUntil(async () => {
    const handle = await client.workflow.start('countUp', { workflowId, taskQueue: workflowId });
    await eventually('its checkpoint was sent', async () => {
      const { raw } = await handle.describe();
      // The very first heartbeat holds nothing, which is a payload of its own.
      return (raw.pendingActivities ?? []).some(({ heartbeatDetails }) =>
        (heartbeatDetails?.payloads ?? []).some(({ data }) => (data?.length ?? 0) > 0),
      );
    });
    await run();
    await handle.terminate();
  });
}

test('shows how far a long job is', async () => {
  await whileCounting('plain', null, async () => {
    const { exitCode, out } = await show('plain');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^count \(\d+\), attempt 1: runs on /);
    expect(out).toContain('percent: 40 %');
    expect(out).toContain('records: 400');
    expect(out).toContain('cursor: {"after":400}');
    expect(out).toContain('status: https://jobs.example.com/1');
    const { out: json } = await show('plain', '--json');
    expect(JSON.parse(json)).toMatchObject({
      activities: [{ activityType: 'count', details: 'progress', progress: { percent: 40, records: 400 } }],
    });
  });
});

test('decrypts it with a key file, and says so where it cannot', async () => {
  const keys = join(folder, 'keys.json');
  const text = JSON.stringify({
    domains: {
      jobs: { active: 'k0', keys: [{ id: 'k0', key: Buffer.alloc(32, 7).toString('base64url') }] },
    },
  });
  writeFileSync(keys, text);
  const ring = createKeyRing(parseDomainKeys(text));
  const codec = createCodec({ keys: ring, namespace: ground.namespace, domain: 'jobs' });
  await whileCounting('sealed', codec, async () => {
    const { out: closed } = await show('sealed');
    expect(closed).toContain('progress: encrypted; decode it with --keys or --codec-url');
    expect(closed).not.toContain('400');
    const { out } = await show('sealed', '--keys', keys);
    expect(out).toContain('percent: 40 %');
  });
});

test('a workflow that is unknown is one line', async () => {
  const { exitCode, err } = await show('unknown');
  expect(exitCode).toBe(1);
  expect(err.trim()).not.toContain('\n');
});
