import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createClient } from '@clickhouse/client';
import { createCodec, createCodecPlugin, parseKeyRing } from '@heliograph/codec/codecs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { Client } from '@temporalio/client';
import { providePython } from './provide-python.ts';
import { startSystem, type System } from './start-system.ts';
import { readStoredHistories } from './stored-payloads.ts';

const CLIENT = fileURLToPath(new URL('../python/client.py', import.meta.url));
const NOTE = 'a note from Python';

let python: string;
let system: System;

/** Reports an issue that no scan dispatches until its route matches; resolves to what a signal says of it. */
async function store(eventId: string): Promise<{ eventId: string; position: string; storedAt: number }> {
  await system.client.storeIssues({
    body: { eventId, monitor: 'python', fingerprint: eventId, status: 'firing', labels: { by: eventId } },
  });
  const clickhouse = createClient({
    url: system.stack.env['HELIOGRAPH_CLICKHOUSE_URL'] ?? '',
    database: 'heliograph',
  });
  try {
    const query = `select toString(position) as position, toUnixTimestamp64Milli(stored_at) as at from issues where event_id = {id: String}`;
    const found = await clickhouse.query({ query, query_params: { id: eventId }, format: 'JSONEachRow' });
    const [row] = await found.json<{ position: string; at: string }>();
    if (row === undefined) throw new Error('the issue is not stored');
    return { eventId, position: row.position, storedAt: Number(row.at) };
  } finally {
    await clickhouse.close();
  }
}

/** Gives the client its order, and resolves to what it prints. */
function runClient(order: object): Promise<unknown> {
  const address = system.stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '';
  const child = spawn(python, [CLIENT, address, 'heliograph', system.keyFile], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdin.end(JSON.stringify(order));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve(JSON.parse(output))
        : reject(new Error(`the client ended with ${code}: ${errors}`)),
    );
  });
}

beforeAll(async () => {
  python = await providePython();
  // Nothing but what is encrypted is read here.
  system = await startSystem({ HELIOGRAPH_CODEC_MODE: 'strict' });
  const { client, sink } = system;
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const settings = { url: sink.url };
  const app = await client.createConnectedApp({ body: { name: 'a', provider: 'webhook', settings, secret } });
  const query = 'label.by:ours';
  await client.createRoute({ body: { name: 'a', query, connectedAppIds: [app.body.id] } });
}, 400_000);
afterAll(() => system.stop(), 60_000);

test('a Python client with a codec of its own starts, signals and reads workflows of ours', async () => {
  const { client, sink, temporal, keyFile } = system;
  const {
    body: { stored },
  } = await client.storeIssues({
    body: {
      eventId: 'ours',
      monitor: 'python',
      fingerprint: 'ours',
      status: 'firing',
      labels: { by: 'ours' },
    },
  });
  expect(stored).toHaveLength(1);
  const received = (eventId: string) =>
    eventually(
      `${eventId} is delivered`,
      () => sink.records.find(({ body }) => body.issue.eventId === eventId),
      {
        timeoutMs: 30_000,
      },
    );
  await received('ours');

  // No route matches this one: it reaches its stream by the signal of the client alone.
  const issue = await store('theirs');
  const [ours = ''] = sink.records.map(({ body }) => body.streamId);
  const [, fingerprint = '', route = '', app = ''] = /^alert-(\w+)-(\w+)-(\w+)$/.exec(ours) ?? [];
  const stream = { fingerprint: 'theirs', routeId: route, connectedAppId: app };
  const workflowId = `alert-theirs-${route}-${app}`;
  const read = await runClient({
    workflowId,
    input: { stream },
    signal: { ...issue, status: 'firing' },
    memo: NOTE,
    otherWorkflowId: ours,
  });
  expect(read).toMatchObject({
    result: 'drained',
    otherResult: 'drained',
    otherInput: [{ stream: { fingerprint, routeId: route, connectedAppId: app } }],
  });
  await received('theirs');

  // And the other way round: we read what it wrote.
  const keys = parseKeyRing(readFileSync(keyFile, 'utf8'));
  const plugin = createCodecPlugin(createCodec({ keys, namespace: 'heliograph', domain: 'dispatch' }));
  const reader = new Client({ connection: temporal.connection, namespace: 'heliograph', plugins: [plugin] });
  expect((await reader.workflow.getHandle(workflowId).describe()).memo).toEqual({ note: NOTE });
  const { payloads } = await readStoredHistories(temporal);
  const plain = payloads.filter(
    ({ plainAs, encoding }) => plainAs === null && encoding !== 'binary/encrypted',
  );
  expect(plain).toEqual([]);
});
