import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CLAIMS_MIGRATIONS,
  createPostgresRegistry,
  createPostgresStore,
} from '@heliograph/codec/claims/postgres';
import { readEnvelope } from '@heliograph/codec/codecs';
import { classifyPayload, findPayloads } from '@heliograph/codec/survey';
import { connectPostgres, migratePostgres, type Postgres } from '@heliograph/database';
import { installTemporalRuntime } from '@heliograph/temporal-worker';
import { eventually, freshPostgres, type FreshPostgres } from '@heliograph/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import proto from '@temporalio/proto';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { createMaintenanceActivities } from './activities/index.ts';
import { ensureMaintenanceSchedules } from './client/index.ts';
import {
  COLLECT_STORED_PAYLOADS,
  COLLECTION_SCHEDULE_ID,
  MAINTENANCE_TASK_QUEUE,
  ROTATE_KEYS,
  ROTATION_SCHEDULE_ID,
} from './contract/names.ts';
import { NOTHING_ROTATED, type RotationResult } from './contract/results.ts';
import {
  bundleFromSource,
  maintenanceGround,
  nameOf,
  objectsOf,
  ringOf,
} from './testing/maintenance-ground.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });

let ground: Awaited<ReturnType<typeof maintenanceGround>>;
let database: FreshPostgres;
let pg: Postgres;
let bundle: { readonly code: string };
let folder: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  [ground, database, bundle] = await Promise.all([
    maintenanceGround('maintenance'),
    freshPostgres('maintenance'),
    bundleFromSource(),
  ]);
  pg = connectPostgres({ url: database.url, applicationName: 'maintenance-test' });
  await migratePostgres(pg, CLAIMS_MIGRATIONS);
  folder = mkdtempSync(join(tmpdir(), 'heliograph-maintenance-'));
  writeFileSync(join(folder, 'bundle.js'), bundle.code);
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});
afterAll(async () => {
  await ground.close();
  await pg.close();
  await database.drop();
  rmSync(folder, { recursive: true });
  await Runtime.instance().shutdown();
});

const signal = new AbortController().signal;
const storedPayloads = () => ({
  store: createPostgresStore({ sql: pg.sql }),
  registry: createPostgresRegistry({ sql: pg.sql }),
});
async function putObjects(count: number, from = 0): Promise<void> {
  const { store } = storedPayloads();
  for (const [name, bytes] of await objectsOf(ground.namespace, count, from))
    await store.put(name, bytes, signal);
}
async function keyIdsOfObjects(): Promise<readonly (string | undefined)[]> {
  const { store } = storedPayloads();
  const names = await store.list({ after: null, limit: 1000 }, signal);
  const objects = await Promise.all(names.map((name) => store.get(name, 1_000_000, signal)));
  const { Payload } = proto.temporal.api.common.v1;
  return objects.map((object) => readEnvelope(Payload.decode(object?.bytes ?? new Uint8Array()))?.keyId);
}
const activities = (dependencies: { readonly graceMs?: number } = {}) =>
  createMaintenanceActivities({
    client: ground.client,
    namespace: ground.namespace,
    keys: ringOf('k1'),
    stored: storedPayloads(),
    ...dependencies,
  });

function start(): { readonly child: ChildProcess; names(): readonly string[]; kill(): Promise<void> } {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@heliograph/source',
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(new URL('testing/maintain-forever.ts', import.meta.url)),
      ground.address,
      ground.namespace,
      database.url,
      join(folder, 'bundle.js'),
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  children.add(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => {
      children.delete(child);
      resolve();
    });
  });
  return {
    child,
    names: () =>
      output
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith('c1-')),
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

describe('rotation', () => {
  test('goes on after kill -9, encrypts everything anew, and counts what still names which key', async () => {
    await putObjects(400);
    const handle = await ground.client.workflow.start(ROTATE_KEYS, {
      workflowId: 'rotation',
      taskQueue: MAINTENANCE_TASK_QUEUE,
    });
    const first = start();
    await eventually('some objects', () => first.names().length > 120, { timeoutMs: 30_000 });
    await first.kill();
    const before = first.names();
    expect(before.length).toBeLessThan(400);
    const second = start();
    const result = (await handle.result()) as RotationResult;
    await second.kill();
    const { current, reencrypted, ...others } = result.stored;
    expect(others).toEqual({ rewrapped: 0, gone: 0, foreign: 0, failed: {} });
    expect(current + reencrypted).toBeGreaterThanOrEqual(400);
    // Only the page of the last heartbeat is looked at again, and what it had done is left as it is.
    const again = before.filter((name) => second.names().includes(name));
    expect(again.length).toBeLessThanOrEqual(1);
    await expect(keyIdsOfObjects()).resolves.toEqual(Array.from({ length: 400 }, () => 'k1'));
    expect(result.keys.map(({ keyId }) => keyId)).toEqual(['m1']);
    expect(result.plain).toBe(0);
  }, 90_000);

  test('a second one finds everything current', async () => {
    const worker = await ground.worker(bundle, activities());
    const result = await worker.runUntil<RotationResult>(() =>
      ground.client.workflow.execute(ROTATE_KEYS, {
        workflowId: 'rotation-again',
        taskQueue: MAINTENANCE_TASK_QUEUE,
      }),
    );
    expect(result.stored).toEqual({ ...NOTHING_ROTATED, current: 400 });
  });

  test('without stored payloads it counts all the same', async () => {
    const none = createMaintenanceActivities({
      client: ground.client,
      namespace: ground.namespace,
      keys: ringOf('k1'),
      stored: null,
    });
    const worker = await ground.worker(bundle, none);
    const result = await worker.runUntil<RotationResult>(() =>
      ground.client.workflow.execute(ROTATE_KEYS, {
        workflowId: 'rotation-none',
        taskQueue: MAINTENANCE_TASK_QUEUE,
      }),
    );
    expect(result.stored).toEqual(NOTHING_ROTATED);
    expect(result.keys[0]).toMatchObject({ domain: 'maintenance', keyId: 'm1' });
  });
});

describe('collection', () => {
  test('deletes what no register knows, and leaves the rest', async () => {
    const kept = await storedPayloads().registry.claim(
      `c1-${'f'.repeat(64)}`,
      { namespace: ground.namespace, workflowId: 'rotation' },
      signal,
    );
    await storedPayloads().store.put(kept, new Uint8Array([1]), signal);
    const worker = await ground.worker(bundle, activities());
    const result = await worker.runUntil(() =>
      ground.client.workflow.execute(COLLECT_STORED_PAYLOADS, {
        workflowId: 'collection',
        taskQueue: MAINTENANCE_TASK_QUEUE,
      }),
    );
    expect(result).toEqual({ owners: 1, disowned: 0, uncertain: 0, deleted: 400, orphans: 400 });
    await expect(storedPayloads().store.list({ after: null, limit: 10 }, signal)).resolves.toEqual([kept]);
    expect(nameOf(0)).not.toBe(kept);
  });
});

describe('schedules', () => {
  test('are created once by any number of processes, follow new settings, and stay paused', async () => {
    const { client } = ground;
    await Promise.all([1, 2, 3].map(() => ensureMaintenanceSchedules(client)));
    const rotation = client.schedule.getHandle(ROTATION_SCHEDULE_ID);
    const before = await rotation.describe();
    expect(before).toMatchObject({
      spec: { intervals: [{ every: 86_400_000 }] },
      action: { workflowType: ROTATE_KEYS, taskQueue: MAINTENANCE_TASK_QUEUE },
      policies: { overlap: 'SKIP' },
    });
    await rotation.pause('an incident');
    await ensureMaintenanceSchedules(client, { rotateEveryMs: 3_600_000 });
    const after = await rotation.describe();
    expect(after.spec.intervals).toMatchObject([{ every: 3_600_000 }]);
    expect(after.state).toMatchObject({ paused: true, note: 'an incident' });
    await eventually('both in the list', async () => {
      const listed: string[] = [];
      for await (const { scheduleId } of client.schedule.list()) listed.push(scheduleId);
      return listed.length === 2;
    });
  });

  test('start the maintenance, whose payloads are encrypted', async () => {
    const { client, connection, namespace } = ground;
    const worker = await ground.worker(bundle, activities());
    await worker.runUntil(async () => {
      await client.schedule.getHandle(COLLECTION_SCHEDULE_ID).trigger();
      const workflowId = await eventually('a collection that has ended', async () => {
        for await (const run of client.workflow.list({
          query: `WorkflowType = '${COLLECT_STORED_PAYLOADS}' AND ExecutionStatus = 'Completed'`,
        }))
          if (run.workflowId.startsWith(COLLECTION_SCHEDULE_ID)) return run.workflowId;
        return undefined;
      });
      const { history } = await connection.workflowService.getWorkflowExecutionHistory({
        namespace,
        execution: { workflowId },
      });
      const found = [...findPayloads(history)].map((each) =>
        each.kind === 'payload' ? classifyPayload(each.payload).kind : each.kind,
      );
      expect(new Set(found)).toEqual(new Set(['encrypted']));
    });
  });
});
