import { hkdfSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { Client, ScheduleOverlapPolicy } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { createCodec } from '../codecs/create-codec.ts';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing } from '../keys/key-ring.ts';
import { createCodecPlugin } from '../plugin/codec-plugin.ts';
import type { LargeActivities } from '../testing/claim-workflows.ts';
import { claimsDatabase } from '../testing/claims-database.ts';
import { createClaimCheck } from './claim-check.ts';
import { collectClaims } from './collect-claims.ts';
import { createPostgresRegistry, createPostgresStore } from './postgres/index.ts';
import { createTemporalDirectory, type DirectoryService } from './temporal-directory.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), forward: {} } },
});

const workflowsPath = fileURLToPath(new URL('../testing/claim-workflows.ts', import.meta.url));
const logger = new DefaultLogger('ERROR');
const HOUR = 3_600_000;
const BYTES = 20_000;
const textOf = (seed: string): string =>
  `${seed} ${Buffer.from(hkdfSync('sha256', seed, '', '', 8000)).toString('hex')}`;
const signal = AbortSignal.timeout(600_000);

let ground: FreshNamespace;
let database: Awaited<ReturnType<typeof claimsDatabase>>;
let client: Client;
let worker: Worker;
let running: Promise<void>;
let codec: ReturnType<typeof createCodec>;
/** Looks of the collector are hours apart, by its own clock. */
let now = Date.now();

const activities: LargeActivities = {
  make: async (seed) => textOf(seed),
  measure: async (text) => text.length,
  beat: async (seed) => seed,
};

beforeAll(async () => {
  [ground, database] = await Promise.all([freshNamespace('collect'), claimsDatabase('collect')]);
  const claims = createClaimCheck({
    store: createPostgresStore(database),
    registry: createPostgresRegistry(database),
    thresholdBytes: 5000,
  });
  const keys = createKeyRing({
    test: {
      active: createKey('k1', Buffer.alloc(32, 5)),
      others: [],
      claims: [createKey('c1', Buffer.alloc(32, 6))],
    },
  });
  codec = createCodec({ keys, namespace: ground.namespace, domain: 'test', claims });
  const plugin = createCodecPlugin(codec);
  const { nativeConnection: connection, namespace } = ground;
  client = new Client({ connection, namespace, plugins: [plugin] });
  worker = await Worker.create({
    connection,
    namespace,
    taskQueue: 'collect',
    workflowBundle: await bundleWorkflowCode({ workflowsPath, logger, plugins: [plugin] }),
    activities,
    plugins: [plugin],
  });
  running = worker.run();
});
afterAll(async () => {
  worker.shutdown();
  await running;
  await ground.close();
  await database.close();
  await Runtime.instance().shutdown();
});
beforeEach(async () => {
  await database.sql`truncate claims.names, claims.owners, claims.families, claims.condemned, claims.objects`;
  now = Date.now();
});

const directory = () =>
  createTemporalDirectory({
    workflowService: withoutExpired(ground.connection.workflowService),
    namespace: ground.namespace,
  });
const collect = (options: { readonly releaseUncertain?: boolean } = {}) =>
  collectClaims({
    store: createPostgresStore(database),
    registry: createPostgresRegistry(database),
    directory: directory(),
    namespace: ground.namespace,
    now,
    ...options,
  });
/** Collects every ten hours of the collector's clock, for three days: more than the grace period twice. */
async function collectForDays(): Promise<void> {
  for (let n = 0; n < 7; n++) {
    now += 10 * HOUR;
    await collect();
  }
}
const objects = async (): Promise<number> => (await database.sql`select 1 from claims.objects`).length;
/** Ids whose executions the server would have deleted by now; a server that deletes takes half a minute. */
const expired = new Set<string>();
function withoutExpired(service: DirectoryService): DirectoryService {
  return {
    describeNamespace: (request) => service.describeNamespace(request),
    describeSchedule: (request) => service.describeSchedule(request),
    listSchedules: (request) => service.listSchedules(request),
    describeWorkflowExecution: (request) =>
      expired.has(request.execution?.workflowId ?? '')
        ? Promise.reject(Object.assign(new Error('not found'), { code: 5 }))
        : service.describeWorkflowExecution(request),
    listWorkflowExecutions: async (request) => {
      const page = await service.listWorkflowExecutions(request);
      page.executions = page.executions.filter(({ execution }) => !expired.has(execution?.workflowId ?? ''));
      return page;
    },
  };
}
const isListed = (workflowId: string) =>
  eventually(`${workflowId} to be listed`, async () => {
    const { executions } = await ground.connection.workflowService.listWorkflowExecutions({
      namespace: ground.namespace,
      query: "ExecutionStatus != 'Running'",
    });
    return executions.some(({ execution }) => execution?.workflowId?.startsWith(workflowId) === true);
  });

describe('the collector keeps what is named', () => {
  test('by a workflow that is retained, whatever its id looks like, and deletes it at the end of the retention', async () => {
    for (const workflowId of ["it's", 'a\\b', '%_"x"', 'w1', 'ünï ✓']) {
      await client.workflow.execute('receiveLarge', {
        workflowId,
        taskQueue: 'collect',
        args: [textOf(workflowId)],
      });
      await isListed(workflowId);
    }
    expect(await objects()).toBe(5);
    await collectForDays();
    expect(await objects()).toBe(5);
    for (const workflowId of ["it's", 'a\\b', '%_"x"', 'w1', 'ünï ✓']) expired.add(workflowId);
    await collectForDays();
    expect(await objects()).toBe(0);
  });

  test('by a parent that is open, although the child that made it is gone', async () => {
    const parent = await client.workflow.start('parentOfLarge', {
      workflowId: 'parent',
      taskQueue: 'collect',
      args: ['child', 'text of a child', BYTES],
    });
    await isListed('child');
    await eventually('two results', async () => (await objects()) > 0);
    await collect();
    expired.add('child');
    await collectForDays();
    expect(await objects()).toBe(1);
    await parent.signal('done', 'x');
    await expect(parent.result()).resolves.toBeGreaterThan(10_000);
    await isListed('parent');
    await collectForDays();
    expect(await objects()).toBe(1);
    expired.add('parent');
    await collectForDays();
    expect(await objects()).toBe(0);
  });

  test('by a workflow that continues as new, and by the run of a reset', async () => {
    const handle = await client.workflow.start('continueLarge', {
      workflowId: 'continued',
      taskQueue: 'collect',
      args: [textOf('continued'), 3],
    });
    await isListed('continued');
    await collectForDays();
    expect(await objects()).toBe(1);
    await eventually('the last run', async () => (await handle.describe()).historyLength >= 4);
    const { workflowService } = ground.connection;
    const { history } = await workflowService.getWorkflowExecutionHistory({
      namespace: ground.namespace,
      execution: { workflowId: 'continued' },
    });
    const taskEnded = history?.events?.find((event) => event.workflowTaskCompletedEventAttributes != null);
    await workflowService.resetWorkflowExecution({
      namespace: ground.namespace,
      workflowExecution: { workflowId: 'continued', runId: (await handle.describe()).runId },
      reason: 'test',
      workflowTaskFinishEventId: taskEnded?.eventId ?? null,
      requestId: 'reset',
    });
    await collectForDays();
    expect(await objects()).toBe(1);
    const after = client.workflow.getHandle('continued');
    await after.signal('done', 'x');
    await expect(after.result()).resolves.toBe(textOf('continued').length);
    await isListed('continued');
    expired.add('continued');
    await collectForDays();
    expect(await objects()).toBe(0);
  });

  test('by a schedule that has started nothing, and by its executions when it is gone', async () => {
    const schedule = await client.schedule.create({
      scheduleId: 'nightly',
      spec: {},
      policies: { overlap: ScheduleOverlapPolicy.ALLOW_ALL },
      action: {
        type: 'startWorkflow',
        workflowType: 'receiveLarge',
        workflowId: 'scheduled',
        taskQueue: 'collect',
        args: [textOf('scheduled')],
      },
    });
    await eventually('the schedule to be listed', async () =>
      (await directory().findFamilies(['scheduled'], signal)).has('scheduled'),
    );
    await collectForDays();
    expect(await objects()).toBe(1);
    await schedule.trigger();
    await isListed('scheduled-');
    await collect();
    await schedule.delete();
    await collectForDays();
    expect(await objects()).toBe(1);
    const { executions } = await ground.connection.workflowService.listWorkflowExecutions({
      namespace: ground.namespace,
      query: "WorkflowId STARTS_WITH 'scheduled-'",
    });
    for (const { execution } of executions) expired.add(execution?.workflowId ?? '');
    await eventually(
      'nothing to be left of it',
      async () => !(await directory().findFamilies(['scheduled'], signal)).has('scheduled'),
    );
    await collectForDays();
    expect(await objects()).toBe(0);
  });
});

describe('the collector deletes', () => {
  const upload = () =>
    codec.encode(
      [{ metadata: { encoding: Buffer.from('binary/plain') }, data: Buffer.from(textOf('lost')) }],
      { type: 'workflow', namespace: ground.namespace, workflowId: 'never-started' },
    );

  test('an upload without history after the grace period, not before', async () => {
    await upload();
    for (const [hours, left] of [
      [1, 1],
      [20, 1],
      [3, 1],
      [1, 0],
    ] as const) {
      now += hours * HOUR;
      const { deleted } = await collect();
      expect([await objects(), deleted]).toEqual([left, 1 - left]);
    }
  });

  test('nothing that it looked at too late, unless an operator says so', async () => {
    await upload();
    now += 25 * HOUR;
    expect(await collect()).toMatchObject({ uncertain: 1 });
    await collectForDays();
    expect(await objects()).toBe(1);
    now += HOUR;
    expect(await collect({ releaseUncertain: true })).toMatchObject({ disowned: 1, deleted: 1 });
  });

  test('what a process left in the store that no name leads to', async () => {
    const store = createPostgresStore(database);
    await store.put(`c1-${'0'.repeat(64)}.${'0'.repeat(16)}`, Buffer.from('x'), signal);
    await upload();
    expect(await collect()).toMatchObject({ deleted: 1, orphans: 1 });
    expect(await objects()).toBe(1);
  });
});
