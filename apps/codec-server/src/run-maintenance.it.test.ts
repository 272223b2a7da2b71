import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COLLECTION_SCHEDULE_ID, ROTATE_KEYS, ROTATION_SCHEDULE_ID } from '@heliograph/codec-maintenance';
import { findUnusedPort } from '@heliograph/simulators';
import {
  eventually,
  freshNamespace,
  freshPostgres,
  type FreshNamespace,
  type FreshPostgres,
} from '@heliograph/testkit';
import { ScheduleClient } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnServer } from './testing/start-server.ts';

let ground: FreshNamespace;
let database: FreshPostgres;
let folder: string;
beforeAll(async () => {
  [ground, database, folder] = await Promise.all([
    freshNamespace('codec-maintenance'),
    freshPostgres('codec-maintenance'),
    mkdtemp(join(tmpdir(), 'heliograph-maintenance-')),
  ]);
  const ring = (byte: number) => ({
    active: 'k1',
    keys: [{ id: 'k1', key: Buffer.alloc(32, byte).toString('base64url') }],
  });
  const domains = { dispatch: ring(1), maintenance: ring(2) };
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ domains }));
});
afterAll(async () => {
  await ground.close();
  await database.drop();
  await rm(folder, { recursive: true });
});

test('the role maintenance creates its schedules, rotates, reports, and stops gracefully', async () => {
  const server = spawnServer(['maintenance'], {
    HELIOGRAPH_HTTP_PORT: '0',
    HELIOGRAPH_WORKER_METRICS_PORT: String(await findUnusedPort()),
    HELIOGRAPH_POSTGRES_URL: database.url,
    HELIOGRAPH_TEMPORAL_ADDRESS: ground.address,
    HELIOGRAPH_TEMPORAL_NAMESPACE: ground.namespace,
    HELIOGRAPH_TEMPORAL_SETUP: 'true',
    HELIOGRAPH_CODEC_KEYS_FILE: join(folder, 'keys.json'),
    HELIOGRAPH_CODEC_CLAIMS: 'postgres',
  });
  try {
    await server.logged('working');
    const schedules = new ScheduleClient({ connection: ground.connection, namespace: ground.namespace });
    await schedules.getHandle(COLLECTION_SCHEDULE_ID).trigger();
    await schedules.getHandle(ROTATION_SCHEDULE_ID).trigger();
    await server.logged('stored payloads that no history names were deleted');
    await server.logged('runs and schedules were counted by the keys that their payloads name');
    await eventually('a rotation that has ended', async () => {
      const { executions } = await ground.connection.workflowService.listWorkflowExecutions({
        namespace: ground.namespace,
        query: `WorkflowType = '${ROTATE_KEYS}' AND ExecutionStatus = 'Completed'`,
      });
      return executions.length > 0;
    });
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  } finally {
    await server.stop();
  }
}, 180_000);

test('without keys of its own domain it does not start, and says which one it lacks', async () => {
  const keys = Buffer.alloc(32, 1).toString('base64url');
  const server = spawnServer(['maintenance'], {
    HELIOGRAPH_WORKER_METRICS_PORT: String(await findUnusedPort()),
    HELIOGRAPH_POSTGRES_URL: database.url,
    HELIOGRAPH_TEMPORAL_ADDRESS: ground.address,
    HELIOGRAPH_CODEC_KEYS: JSON.stringify({
      domains: { dispatch: { active: 'k1', keys: [{ id: 'k1', key: keys }] } },
    }),
  });
  expect(await server.ended).toBe(1);
  expect(server.output()).toMatch(/domain maintenance/);
  expect(server.output()).not.toContain(keys);
});
