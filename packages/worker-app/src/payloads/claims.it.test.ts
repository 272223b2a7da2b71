import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createClaimCheck, isReference } from '@heliograph/codec/claims';
import { createFileStore } from '@heliograph/codec/claims/file';
import { createPostgresRegistry, createPostgresStore } from '@heliograph/codec/claims/postgres';
import {
  createCodec,
  createCodecPlugin,
  FAILURE_CONVERTER_PATH,
  parseKeyRing,
} from '@heliograph/codec/codecs';
import { connectPostgres, type Postgres } from '@heliograph/database';
import { findUnusedPort } from '@heliograph/simulators';
import { writeWorkflowBundle } from '@heliograph/temporal-worker';
import {
  eventually,
  freshNamespace,
  freshPostgres,
  type FreshNamespace,
  type FreshPostgres,
} from '@heliograph/testkit';
import { Client } from '@temporalio/client';
import { runTiny, type TinyProcess } from '../testing/run-tiny.ts';

const key = (id: string, byte: number) => ({ id, key: Buffer.alloc(32, byte).toString('base64url') });
const RING = JSON.stringify({
  domains: { tiny: { active: 'k1', keys: [key('k1', 1), { ...key('c1', 2), use: 'claims' }] } },
});
/** Nothing that compression could make smaller than the threshold. */
const LARGE = randomBytes(300_000).toString('base64');

let directory: string;
let bundle: string;
let database: FreshPostgres;
let temporal: FreshNamespace;
let postgres: Postgres;
let folder: string;
let running: TinyProcess | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'claims-'));
  bundle = join(directory, 'workflows.js');
  await writeWorkflowBundle(
    {
      workflows: new URL('../testing/tiny-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
      failureConverter: FAILURE_CONVERTER_PATH,
    },
    bundle,
  );
}, 180_000);
afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  [database, temporal, folder] = await Promise.all([
    freshPostgres('claims'),
    freshNamespace('claims'),
    mkdtemp(join(directory, 'store-')),
  ]);
  postgres = connectPostgres({ url: database.url, applicationName: 'test' });
});
afterEach(async () => {
  await kill();
  await temporal.close();
  await postgres.close();
  await database.drop();
});

async function kill(): Promise<void> {
  running?.kill('SIGKILL');
  await running?.ended;
  running = undefined;
}

async function startKeeper(claims: string): Promise<TinyProcess> {
  running = runTiny(['keeper'], {
    HELIOGRAPH_POSTGRES_URL: database.url,
    HELIOGRAPH_TEMPORAL_ADDRESS: temporal.address,
    HELIOGRAPH_TEMPORAL_NAMESPACE: temporal.namespace,
    HELIOGRAPH_TEMPORAL_SETUP: 'true',
    HELIOGRAPH_WORKER_METRICS_PORT: String(await findUnusedPort()),
    HELIOGRAPH_CODEC_KEYS: RING,
    HELIOGRAPH_CODEC_CLAIMS: claims,
    TINY_BUNDLE: bundle,
  });
  return running;
}

/** A client of this process, with a codec of its own over the same store. */
function connectClient(store: Parameters<typeof createClaimCheck>[0]['store']): Client {
  const claims = createClaimCheck({ store, registry: createPostgresRegistry(postgres) });
  const keys = parseKeyRing(RING);
  const codec = createCodec({ keys, namespace: temporal.namespace, domain: 'tiny', claims });
  return new Client({ ...temporal, plugins: [createCodecPlugin(codec)] });
}

async function readHistory() {
  const { events } = await new Client(temporal).workflow.getHandle('kept').fetchHistory();
  return events ?? [];
}

test.each(['postgres', 'file'])(
  'a large payload is stored outside, in %s, and read by another process and after a restart',
  async (kind) => {
    const claims = kind === 'file' ? `file:${folder}` : kind;
    await (await startKeeper(claims)).url();
    const client = connectClient(
      kind === 'file' ? await createFileStore({ folder }) : createPostgresStore(postgres),
    );
    const handle = await client.workflow.start('keeping', {
      taskQueue: 'keeper',
      workflowId: 'kept',
      args: [LARGE],
    });
    const isReversed = async () =>
      (await readHistory()).some(({ activityTaskCompletedEventAttributes: completed }) => completed);
    await eventually('it is reversed', async () => (await isReversed()) || undefined, { timeoutMs: 20_000 });
    await kill();
    await (await startKeeper(claims)).url();
    await handle.signal('release');
    await expect(handle.result()).resolves.toBe(LARGE);

    const events = await readHistory();
    const [input] = events[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    expect(isReference(input ?? {})).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(events))).toBeLessThan(50_000);
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    const rows = await postgres.sql`select name from claims.objects`;
    // The text and the reversed one, however often they are named.
    expect([files.length, rows.length]).toEqual(kind === 'file' ? [2, 0] : [0, 2]);
    expect(await postgres.sql`select workflow_id from claims.owners`).toEqual([
      { workflow_id: 'kept' },
      { workflow_id: 'kept' },
    ]);
  },
  180_000,
);

test('a store that cannot be opened ends the start, by one line that names the variable', async () => {
  const app = await startKeeper(`file:${folder}/none`);
  expect(await app.ended).toBe(1);
  expect(app.stderr()).toMatch(/HELIOGRAPH_CODEC_CLAIMS: The folder of a file store has to exist/);
  expect(app.stderr().trim().split('\n')).toHaveLength(1);
});
