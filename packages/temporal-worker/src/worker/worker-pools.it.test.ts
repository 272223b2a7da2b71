import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findUnusedPort } from '@heliograph/simulators';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { createTemporalClient } from '../client/create-client.ts';
import { priority } from '../policies/priority.ts';
import type { Job } from '../testing/pool-workflows.ts';
import { createTemporalWorkers, type TaskQueueWorker } from './create-workers.ts';
import { installTemporalRuntime } from './runtime.ts';
import { bundleWorkflows } from './workflow-bundle.ts';

let ground: FreshNamespace;
let client: Client;
let workflowBundle: { readonly code: string };
let metricsUrl: string;

beforeAll(async () => {
  const metricsBindAddress = `127.0.0.1:${await findUnusedPort()}`;
  metricsUrl = `http://${metricsBindAddress}/metrics`;
  installTemporalRuntime({ logger: new DefaultLogger('ERROR'), metricsBindAddress });
  [ground, workflowBundle] = await Promise.all([
    freshNamespace('pools'),
    bundleWorkflows({
      workflows: new URL('../testing/pool-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
  ]);
  client = createTemporalClient({ connection: ground.nativeConnection, namespace: ground.namespace });
}, 60_000);
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

/** Records which jobs began and which ended; a job whose name starts with `held` waits until `release`. */
function createWork() {
  const began: string[] = [];
  const ended: string[] = [];
  const changes: { readonly name: string; readonly by: number }[] = [];
  const gate = Promise.withResolvers<void>();
  const work = async (name: string): Promise<void> => {
    began.push(name);
    changes.push({ name, by: 1 });
    if (name.startsWith('held')) await gate.promise;
    ended.push(name);
    changes.push({ name, by: -1 });
  };
  /** The most jobs of that name that ran at once. */
  const peakOf = (start: string): number => {
    let running = 0;
    return Math.max(...changes.map(({ name, by }) => (name.startsWith(start) ? (running += by) : 0)));
  };
  return { began, ended, peakOf, release: () => gate.resolve(), activities: { work } };
}

const jobs = (count: number, name: string, job: Omit<Job, 'name'>): Job[] =>
  Array.from({ length: count }, (_, index) => ({ ...job, name: `${name}-${index}` }));

const workersOf = (workers: readonly TaskQueueWorker[]) =>
  createTemporalWorkers({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    ...(workers.some(({ workflows }) => workflows) ? { workflowBundle } : {}),
    workers,
  });

/** Until the server has stored that many tasks that nobody takes. */
const backlogOf = (taskQueue: string, count: number) =>
  eventually(`${count} tasks wait in ${taskQueue}`, async () => {
    const { stats } = await ground.connection.workflowService.describeTaskQueue({
      namespace: ground.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
      reportStats: true,
    });
    return Number(stats?.approximateBacklogCount ?? 0) === count;
  });

/** Runs jobs one at a time, all of which wait before the first begins; returns their order. */
async function orderOf(taskQueue: string, waiting: readonly Job[]): Promise<readonly string[]> {
  const { began, activities } = createWork();
  const planner = await workersOf([{ taskQueue: `${taskQueue}-planner`, workflows: true }]);
  await planner.runUntil(async () => {
    const run = await client.workflow.start('runJobs', {
      workflowId: taskQueue,
      taskQueue: `${taskQueue}-planner`,
      args: [waiting],
    });
    await backlogOf(taskQueue, waiting.length);
    const worker = await workersOf([{ taskQueue, activities, slots: { kind: 'provider', concurrency: 1 } }]);
    await worker.runUntil(() => run.result());
  });
  return began;
}

describe('pools', () => {
  test('critical work goes on while the background has no slot left', async () => {
    const { began, ended, release, activities } = createWork();
    const workers = await workersOf([
      {
        taskQueue: 'orders',
        workflows: true,
        activities,
        slots: { kind: 'io', maximum: 5 },
        pool: 'critical',
      },
      {
        taskQueue: 'orders-background',
        activities,
        slots: { kind: 'provider', concurrency: 4 },
        pool: 'background',
      },
    ]);
    const start = (workflowId: string, args: readonly Job[]) =>
      client.workflow.start('runJobs', { workflowId, taskQueue: 'orders', args: [args] });
    await workers.runUntil(async () => {
      const background = await start('imports', jobs(40, 'held', { taskQueue: 'orders-background' }));
      await eventually('the background is saturated', () => began.length === 4);
      await Promise.all(
        Array.from({ length: 10 }, async (_, index) =>
          (await start(`order-${index}`, jobs(10, `critical-${index}`, { taskQueue: 'orders' }))).result(),
        ),
      );
      expect(ended).toHaveLength(100);
      expect(ended.every((name) => name.startsWith('critical'))).toBe(true);
      expect(began.filter((name) => name.startsWith('held'))).toHaveLength(4);
      release();
      await background.result();
    });
    expect(ended).toHaveLength(140);
  });

  test('workers whose slots depend on resources share a controller, and never exceed their maximum', async () => {
    const { began, ended, peakOf, release, activities } = createWork();
    const slots = { kind: 'io', maximum: 12 } as const;
    const workers = await workersOf([
      { taskQueue: 'first', workflows: true, activities, slots },
      { taskQueue: 'second', activities, slots, pool: 'background' },
    ]);
    await workers.runUntil(async () => {
      const run = await client.workflow.start('runJobs', {
        workflowId: 'shared',
        taskQueue: 'first',
        args: [
          [
            ...jobs(40, 'held-first', { taskQueue: 'first' }),
            ...jobs(40, 'held-second', { taskQueue: 'second' }),
          ],
        ],
      });
      const running = (of: string) => began.filter((name) => name.startsWith(`held-${of}`)).length;
      await eventually(
        'both have what they are guaranteed',
        () => running('first') >= 5 && running('second') >= 1,
      );
      release();
      await run.result();
    });
    expect(ended).toHaveLength(80);
    for (const name of ['held-first', 'held-second']) expect(peakOf(name)).toBeLessThanOrEqual(12);
  });
});

describe('a backlog', () => {
  const fair = (key: string, weight = 1) => priority({ fairness: { key, weight } });
  let [byPriority, byFairness, byWeight]: (readonly string[])[] = [];
  /** The share of pairs in which one of `first` went before one of `then`: 0 is the order in which they were scheduled. */
  const shareBefore = (order: readonly string[] = [], first: string, then: string): number => {
    const pairs = order.flatMap((name, at) =>
      name.startsWith(first)
        ? order.flatMap((other, place) => (other.startsWith(then) ? [place > at] : []))
        : [],
    );
    return pairs.filter(Boolean).length / pairs.length;
  };

  beforeAll(async () => {
    // In the order in which they are scheduled, what should go first comes last.
    [byPriority, byFairness, byWeight] = await Promise.all([
      orderOf('by-priority', [
        ...jobs(40, 'idle', { taskQueue: 'by-priority', priority: priority({ urgency: 'idle' }) }),
        ...jobs(10, 'unnamed', { taskQueue: 'by-priority' }),
        ...jobs(10, 'urgent', { taskQueue: 'by-priority', priority: priority({ urgency: 'urgent' }) }),
      ]),
      orderOf('by-fairness', [
        ...jobs(60, 'large', { taskQueue: 'by-fairness', priority: fair('large') }),
        ...jobs(10, 'small', { taskQueue: 'by-fairness', priority: fair('small') }),
      ]),
      orderOf('by-weight', [
        ...jobs(40, 'light', { taskQueue: 'by-weight', priority: fair('light') }),
        ...jobs(40, 'heavy', { taskQueue: 'by-weight', priority: fair('heavy', 10) }),
      ]),
    ]);
  }, 60_000);

  // The server orders each partition of a task queue by itself; the profile `test` has one.
  test('is worked off by priority: lower keys first, and none is the middle', () => {
    expect(byPriority).toHaveLength(60);
    expect(shareBefore(byPriority, 'urgent', 'idle')).toBeGreaterThan(0.6);
    expect(shareBefore(byPriority, 'unnamed', 'idle')).toBeGreaterThan(0.6);
  });

  test('is shared between fairness keys, whoever waits with more', () => {
    expect(byFairness).toHaveLength(70);
    expect(shareBefore(byFairness, 'small', 'large')).toBeGreaterThan(0.6);
  });

  test('is shared by weight', () => {
    expect(byWeight).toHaveLength(80);
    expect(shareBefore(byWeight, 'heavy', 'light')).toBeGreaterThan(0.6);
  });
});

test('the rate of a provider holds for activities that its own workflows schedule, too', async () => {
  const times: number[] = [];
  const taskQueue = 'provider';
  const slots = { kind: 'provider', concurrency: 5, perSecond: 4 } as const;
  const activities = { work: async () => void times.push(Date.now()) };
  const workers = await workersOf([{ taskQueue, workflows: true, activities, slots }]);
  const args = [jobs(12, 'call', { taskQueue })];
  await workers.runUntil(() =>
    client.workflow.execute('runJobs', { workflowId: taskQueue, taskQueue, args }),
  );
  expect(times).toHaveLength(12);
  // Four may begin at once, and the other eight take two seconds.
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(1500);
});

test('a cache of two workflows does not keep new ones from starting', async () => {
  const { ended, activities } = createWork();
  const taskQueue = 'small-cache';
  const workers = await workersOf([{ taskQueue, workflows: true, activities, cachedWorkflows: 2 }]);
  await workers.runUntil(() =>
    Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        client.workflow.execute('runJobs', {
          workflowId: `small-cache-${index}`,
          taskQueue,
          args: [jobs(2, `job-${index}`, { taskQueue })],
        }),
      ),
    ),
  );
  expect(ended).toHaveLength(60);
});

test('sizes are what the SDK works with, by its metrics', async () => {
  const { release, activities } = createWork();
  const taskQueue = 'sized';
  const workers = await workersOf([
    {
      taskQueue,
      workflows: true,
      activities,
      slots: { kind: 'gpu', concurrency: 2 },
      workflowTasks: 30,
      workflowTaskPollers: 6,
    },
  ]);
  const read = async (name: string, labels: Record<string, string>) => {
    const lines = (await (await fetch(metricsUrl)).text()).split('\n');
    const line = lines.find(
      (each) =>
        each.startsWith(`${name}{`) &&
        Object.entries({ task_queue: taskQueue, ...labels }).every(([key, value]) =>
          each.includes(`${key}="${value}"`),
        ),
    );
    return Number(line?.split(' ').at(-1));
  };
  await workers.runUntil(async () => {
    const run = await client.workflow.start('runJobs', {
      workflowId: taskQueue,
      taskQueue,
      args: [jobs(5, 'held', { taskQueue })],
    });
    const slots = (state: string, worker_type: string) =>
      read(`temporal_worker_task_slots_${state}`, { worker_type });
    await eventually('both slots are used', async () => (await slots('used', 'ActivityWorker')) === 2);
    expect(await slots('available', 'ActivityWorker')).toBe(0);
    const workflows = (await slots('used', 'WorkflowWorker')) + (await slots('available', 'WorkflowWorker'));
    expect(workflows).toBe(30);
    const pollers = async () =>
      (await read('temporal_num_pollers', { poller_type: 'workflow_task' })) +
      (await read('temporal_num_pollers', { poller_type: 'sticky_workflow_task' }));
    await eventually('six poll for workflow tasks', async () => (await pollers()) === 6);
    release();
    await run.result();
  });
});
