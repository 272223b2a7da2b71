import { freshName, freshNamespace, eventually, type FreshNamespace } from '@heliograph/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, Runtime, type Worker } from '@temporalio/worker';
import { createTemporalWorker, type TemporalWorkerOptions } from '../worker/create-worker.ts';
import { bundleWorkflows } from '../worker/workflow-bundle.ts';
import {
  changeRouting,
  countRuns,
  type DeploymentService,
  findBuild,
  mayStop,
  readDeployment,
  readMissing,
  readQueues,
  registerBuild,
} from './index.ts';

// Workers send heartbeats every minute by themselves.
Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [], workerHeartbeatInterval: 1000 });

let ground: FreshNamespace;
let client: Client;
let service: DeploymentService;
let bundles: Readonly<Record<'one' | 'two', { readonly code: string }>>;
const running: { readonly worker: Worker; readonly ended: Promise<void> }[] = [];

const bundle = (name: string) =>
  bundleWorkflows({
    workflows: new URL(`../testing/build-${name}-workflows.ts`, import.meta.url),
    sourceCondition: '@heliograph/source',
  });

beforeAll(async () => {
  const [fresh, one, two] = await Promise.all([freshNamespace('deploy'), bundle('one'), bundle('two')]);
  ground = fresh;
  bundles = { one, two };
  client = new Client({ connection: ground.connection, namespace: ground.namespace });
  service = { connection: ground.connection, namespace: ground.namespace, identity: 'operator' };
}, 60_000);
const stop = async (worker: Worker): Promise<void> => {
  worker.shutdown();
  await running.find((each) => each.worker === worker)?.ended;
};
afterEach(async () => {
  for (const { worker, ended } of running.splice(0)) {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await ended;
  }
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

/** A worker of a build; without one an unversioned worker. */
async function work(
  deployment: string,
  build: 'one' | 'two',
  buildId: string | null = build,
  options: Partial<TemporalWorkerOptions> = {},
): Promise<Worker> {
  const worker = await createTemporalWorker({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    taskQueue: deployment,
    workflowBundle: bundles[build],
    activities: { idle: async () => undefined },
    shutdownGraceMs: 500,
    ...(buildId === null ? {} : { deployment: { name: deployment, buildId } }),
    ...options,
  });
  running.push({ worker, ended: worker.run() });
  return worker;
}

const newDeployment = (): string => freshName('d').replaceAll('_', '-');
const start = (deployment: string, type: string, workflowId = freshName('w')): Promise<WorkflowHandle> =>
  client.workflow.start(type, { workflowId, taskQueue: deployment });
const goOn = (handle: WorkflowHandle): Promise<void> => handle.signal('goOn');
const isPolled = (deployment: string, buildId: string) =>
  eventually(
    `${buildId} polls`,
    async () => (await readMissing(service, await readDeployment(service, deployment), buildId)).length === 0,
    { timeoutMs: 30_000 },
  );
async function makeCurrent(deployment: string, buildId: string): Promise<void> {
  await eventually(
    `${buildId} is there`,
    () =>
      readDeployment(service, deployment).then(
        ({ builds }) => builds.some((each) => each.buildId === buildId),
        () => false,
      ),
    { timeoutMs: 30_000 },
  );
  await isPolled(deployment, buildId);
  await changeRouting(service, deployment, { kind: 'set-current', buildId });
}
const isCounted = (deployment: string, buildId: string, count: number) =>
  eventually(
    `${count} runs are pinned to ${buildId}`,
    async () => (await countRuns(service, deployment, buildId, 'Pinned')) === count,
    { timeoutMs: 30_000 },
  );

describe('two builds at once', () => {
  test('100 pinned runs end on the old build, new ones start on the new, and the old one stops when it may', async () => {
    const d = newDeployment();
    const old = await work(d, 'one');
    await makeCurrent(d, 'one');
    const first = await Promise.all(Array.from({ length: 100 }, () => start(d, 'pinned')));
    await isCounted(d, 'one', 100);
    await work(d, 'two');
    await eventually('two is there', async () => (await readDeployment(service, d)).builds.length === 2);
    await isPolled(d, 'two');

    const ramped = await changeRouting(service, d, { kind: 'ramp', buildId: 'two', percent: 50 });
    expect(ramped).toMatchObject({
      isChanged: true,
      after: { current: 'one', ramp: { buildId: 'two', percent: 50 } },
    });
    const during = await Promise.all(Array.from({ length: 20 }, () => start(d, 'pinned')));
    const current = await changeRouting(service, d, { kind: 'set-current', buildId: 'two' });
    expect(current.after).toMatchObject({ current: 'two', ramp: null });
    const after = await Promise.all(Array.from({ length: 20 }, () => start(d, 'pinned')));

    await expect(mayStop(service, d, 'two', 0)).resolves.toMatchObject({ mayStop: false, status: 'current' });
    const early = await mayStop(service, d, 'one', 0);
    expect(early).toMatchObject({ mayStop: false, status: 'draining' });
    expect(early.pinnedRuns[0]).toBeGreaterThanOrEqual(100);

    const results = async (handles: readonly WorkflowHandle[]) => {
      await Promise.all(handles.map(goOn));
      return Promise.all(handles.map((handle) => handle.result()));
    };
    expect(new Set(await results(first))).toEqual(new Set(['one']));
    const split = await results(during);
    expect(
      split.filter((each) => each === 'one').length + split.filter((each) => each === 'two').length,
    ).toBe(20);
    expect(new Set(split)).toEqual(new Set(['one', 'two']));
    expect(new Set(await results(after))).toEqual(new Set(['two']));
    await eventually('one may stop', async () => (await mayStop(service, d, 'one', 0)).mayStop, {
      timeoutMs: 30_000,
    });
    await stop(old);
    const last = await start(d, 'pinned');
    await goOn(last);
    await expect(last.result()).resolves.toBe('two');
  }, 90_000);

  test('a run that upgrades moves; a pinned one hands over to the current build only if it asks for it', async () => {
    const d = newDeployment();
    await work(d, 'one');
    await makeCurrent(d, 'one');
    const [moving, handing, staying] = await Promise.all(
      ['upgrading', 'handingOver', 'staying'].map((type) => start(d, type)),
    );
    await isCounted(d, 'one', 2);
    await work(d, 'two');
    await makeCurrent(d, 'two');
    if (moving === undefined || handing === undefined || staying === undefined)
      throw new Error('not started');
    await Promise.all([moving, handing, staying].map(goOn));
    await expect(moving.result()).resolves.toBe('two');
    await expect(handing.result()).resolves.toBe('two');
    await eventually('it has continued', async () => (await staying.describe()).historyLength > 3);
    await goOn(client.workflow.getHandle(staying.workflowId));
    await expect(staying.result()).resolves.toBe('one');
  }, 60_000);
});

describe('a worker that becomes versioned', () => {
  test('takes over the runs of unversioned ones, with the behaviour that they declare, and gives them back', async () => {
    const d = newDeployment();
    const unversioned = await work(d, 'one', null);
    const [moving, pinned] = await Promise.all([start(d, 'upgrading'), start(d, 'pinned')]);
    if (moving === undefined || pinned === undefined) throw new Error('not started');
    const hasBegun = async (handle: WorkflowHandle) => (await handle.describe()).historyLength > 3;
    await eventually('both have begun', async () => (await hasBegun(moving)) && (await hasBegun(pinned)));
    const versioned = await work(d, 'one');
    await makeCurrent(d, 'one');
    await stop(unversioned);
    const other = await start(d, 'upgrading');
    const behaviour = async (handle: WorkflowHandle): Promise<string | undefined> =>
      (await handle.describe()).raw.workflowExecutionInfo?.versioningInfo?.behavior?.toString();
    // Any signal is a task, and with it the run moves.
    await moving.signal('nothing');
    await pinned.signal('nothing');
    await eventually(
      'both have moved',
      async () => (await behaviour(moving)) === '2' && (await behaviour(pinned)) === '1',
      {
        timeoutMs: 20_000,
      },
    );

    await work(d, 'one', null);
    await ground.connection.workflowService.setWorkerDeploymentCurrentVersion({
      namespace: ground.namespace,
      deploymentName: d,
      buildId: '',
      identity: 'operator',
      ignoreMissingTaskQueues: true,
    });
    await stop(versioned);
    for (const handle of [moving, other]) {
      await goOn(handle);
      await expect(handle.result()).resolves.toBe('none');
    }
    await goOn(pinned);
    await work(d, 'one');
    await expect(pinned.result()).resolves.toBe('one');
  }, 60_000);
});

describe('a worker whose only slot is taken', () => {
  test('is seen by its heartbeat, as long as it works', async () => {
    const d = newDeployment();
    const held = Promise.withResolvers<void>();
    let hasBegun = false;
    const worker = await work(d, 'one', 'one', {
      slots: { kind: 'gpu' },
      activities: {
        idle: () => {
          hasBegun = true;
          return held.promise;
        },
      },
    });
    await makeCurrent(d, 'one');
    const handle = await start(d, 'working');
    const seen = async () =>
      Object.fromEntries(
        (await readQueues(service, d, 'one')).map(({ kind, heartbeatAt }) => [kind, heartbeatAt?.getTime()]),
      );
    await eventually('it works', () => hasBegun);
    const begun = Date.now();
    // Two heartbeats later than the activity: by then it has no poll under way.
    await eventually(
      'both task queues are served',
      async () => {
        const { workflow = 0, activity = 0 } = await seen();
        return workflow > begun + 2500 && activity > begun + 2500;
      },
      { timeoutMs: 20_000 },
    );
    held.resolve();
    await handle.result();
    await stop(worker);
    await eventually(
      'it has stopped',
      async () => Object.keys(await seen()).length > 0 && (await seen())['activity'] === undefined,
    );
    expect(Object.values(await seen())).toEqual([undefined, undefined]);
  }, 60_000);
});

describe('what is refused', () => {
  test('a build that is unknown, or has no workers', async () => {
    const d = newDeployment();
    const set = (buildId: string) => changeRouting(service, d, { kind: 'set-current', buildId });
    await expect(set('one')).rejects.toMatchObject({ code: 'DEPLOYMENT_UNKNOWN' });
    await expect(registerBuild(service, d, 'one')).resolves.toBe(true);
    await expect(registerBuild(service, d, 'one')).resolves.toBe(false);
    await eventually('it is registered', async () => (await readDeployment(service, d)).builds.length === 1);
    await expect(readDeployment(service, d)).resolves.toMatchObject({
      current: null,
      builds: [{ buildId: 'one', status: 'created' }],
    });
    await expect(set('one')).rejects.toMatchObject({ code: 'DEPLOYMENT_NO_POLLERS' });
    await expect(set('nine')).rejects.toMatchObject({
      code: 'DEPLOYMENT_BUILD_UNKNOWN',
      message: `deployment ${d} has no build nine; it has one`,
    });
  }, 60_000);

  test('of two operators at once, all but one', async () => {
    const d = newDeployment();
    await work(d, 'one');
    await makeCurrent(d, 'one');
    await work(d, 'two');
    await eventually('two is there', async () => (await readDeployment(service, d)).builds.length === 2);
    await isPolled(d, 'two');
    const outcomes = await Promise.allSettled(
      [10, 20, 30, 40].map((percent, index) =>
        changeRouting({ ...service, identity: `operator ${index}` }, d, {
          kind: 'ramp',
          buildId: 'two',
          percent,
        }),
      ),
    );
    const made = outcomes.filter(({ status }) => status === 'fulfilled');
    const codes = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []));
    expect(made).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set(['DEPLOYMENT_CHANGED_MEANWHILE']));

    // As a controller does that rolls out by itself.
    await ground.connection.workflowService.setWorkerDeploymentManager({
      namespace: ground.namespace,
      deploymentName: d,
      managerIdentity: 'controller',
      identity: 'controller',
    });
    await expect(changeRouting(service, d, { kind: 'end-ramp' })).rejects.toMatchObject({
      code: 'DEPLOYMENT_MANAGED',
    });
    const controller = { ...service, identity: 'controller' };
    await expect(changeRouting(controller, d, { kind: 'end-ramp' })).resolves.toMatchObject({
      isChanged: true,
    });
  }, 60_000);
});

describe('a build that is drained', () => {
  test('may not stop while a paused run is pinned to it, nor one that was pinned to it later', async () => {
    const d = newDeployment();
    await work(d, 'one');
    await makeCurrent(d, 'one');
    const paused = await start(d, 'pinned');
    await isCounted(d, 'one', 1);
    await work(d, 'two');
    await makeCurrent(d, 'two');
    const { workflowService } = ground.connection;
    const { namespace } = ground;
    const workflowId = paused.workflowId;
    await workflowService.pauseWorkflowExecution({
      namespace,
      workflowId,
      identity: 'operator',
      reason: 'a test',
    });
    await eventually(
      'the server takes it for drained',
      async () =>
        (await readDeployment(service, d)).builds.find(({ buildId }) => buildId === 'one')?.status ===
        'drained',
      { timeoutMs: 30_000 },
    );
    await expect(mayStop(service, d, 'one', 0)).resolves.toMatchObject({
      status: 'drained',
      mayStop: false,
      pinnedRuns: [1, 1],
    });
    await workflowService.unpauseWorkflowExecution({
      namespace,
      workflowId,
      identity: 'operator',
      reason: 'a test',
    });
    await goOn(paused);
    await expect(paused.result()).resolves.toBe('one');
    await eventually('it may stop', async () => (await mayStop(service, d, 'one', 0)).mayStop);

    const late = await client.workflow.start('pinned', {
      workflowId: freshName('w'),
      taskQueue: d,
      versioningOverride: { pinnedTo: { deploymentName: d, buildId: 'one' } },
    });
    await eventually('it may not', async () => !(await mayStop(service, d, 'one', 0)).mayStop);
    await goOn(late);
    await expect(late.result()).resolves.toBe('one');

    // Rolled back to, and replaced again, it drains again: the server has looked anew.
    const checkedAt = async () =>
      findBuild(await readDeployment(service, d), 'one').drainageCheckedAt ?? new Date(0);
    const before = await checkedAt();
    await makeCurrent(d, 'one');
    await expect(mayStop(service, d, 'one', 0)).resolves.toMatchObject({ mayStop: false, status: 'current' });
    await makeCurrent(d, 'two');
    await eventually('it may stop again', async () => (await mayStop(service, d, 'one', 0)).mayStop);
    expect((await checkedAt()).getTime()).toBeGreaterThan(before.getTime());
  }, 90_000);
});
