import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundleWorkflows, createTemporalWorker, installTemporalRuntime } from '@heliograph/temporal-worker';
import { eventually, freshName, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { ran } from '../testing/canned-api.ts';

type Worker = Awaited<ReturnType<typeof createTemporalWorker>>;

let ground: FreshNamespace;
let bundle: { readonly code: string };
const running: { readonly worker: Worker; readonly ended: Promise<void> }[] = [];
const runtime = installTemporalRuntime({
  logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} },
});

beforeAll(async () => {
  [ground, bundle] = await Promise.all([
    freshNamespace('cli-deploy'),
    bundleWorkflows({
      workflows: new URL('../testing/deploy-workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
  ]);
}, 60_000);
afterAll(async () => {
  for (const { worker } of running) if (worker.getState() === 'RUNNING') worker.shutdown();
  await Promise.all(running.map(({ ended }) => ended));
  await ground.close();
  await runtime.shutdown();
});

const env = () => ({
  HELIOGRAPH_TEMPORAL_ADDRESS: ground.address,
  HELIOGRAPH_TEMPORAL_NAMESPACE: ground.namespace,
});
const deploy = (deployment: string, ...args: readonly string[]) =>
  ran(['deploy', ...args, '--deployment', deployment], { env: env() });
const json = async (deployment: string, ...args: readonly string[]) =>
  JSON.parse((await deploy(deployment, ...args, '--json')).out);
async function work(deployment: string, buildId: string): Promise<Worker> {
  const worker = await createTemporalWorker({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    taskQueue: deployment,
    workflowBundle: bundle,
    activities: { idle: async () => undefined },
    shutdownGraceMs: 500,
    deployment: { name: deployment, buildId },
  });
  running.push({ worker, ended: worker.run() });
  return worker;
}
const newDeployment = (): string => freshName('d').replaceAll('_', '-');
/** Two builds whose workers poll; the first is current. */
async function twoBuilds(): Promise<{ readonly d: string; readonly old: Worker }> {
  const d = newDeployment();
  const old = await work(d, 'one');
  expect((await deploy(d, 'wait', 'one', '--timeout', '30')).exitCode).toBe(0);
  expect((await deploy(d, 'set-current', 'one')).exitCode).toBe(0);
  await work(d, 'two');
  expect((await deploy(d, 'wait', 'two', '--timeout', '30')).exitCode).toBe(0);
  return { d, old };
}

describe('deploy', () => {
  test('takes a build from its registration until the one before it may stop', async () => {
    const d = newDeployment();
    await expect(deploy(d, 'register', 'one')).resolves.toMatchObject({
      exitCode: 0,
      out: `${d}: build one is registered\n`,
    });
    await expect(deploy(d, 'register', 'one')).resolves.toMatchObject({
      exitCode: 0,
      out: `${d}: build one was registered before\n`,
    });
    await expect(deploy(d, 'set-current', 'one')).resolves.toMatchObject({
      exitCode: 4,
      err: 'heliograph: no worker of build one polls any workflow task queue; wait until its workers run, or give them these task queues\n',
    });
    await expect(deploy(d, 'wait', 'one', '--timeout', '0.1')).resolves.toMatchObject({
      exitCode: 1,
      err: 'heliograph: no worker of build one polls any workflow task queue\n',
    });
    const old = await work(d, 'one');
    expect((await deploy(d, 'wait', 'one', '--timeout', '30')).exitCode).toBe(0);
    await expect(deploy(d, 'set-current', 'one')).resolves.toMatchObject({
      exitCode: 0,
      out: `${d}: one gets all new work (before: ${d}: unversioned workers gets all new work)\n`,
    });
    await expect(deploy(d, 'set-current', 'one')).resolves.toMatchObject({
      exitCode: 0,
      out: `Nothing to change: ${d}: one gets all new work\n`,
    });

    const client = new Client({ connection: ground.connection, namespace: ground.namespace });
    const held = await client.workflow.start('pinned', { workflowId: freshName('w'), taskQueue: d });
    await eventually('it is pinned', async () => (await json(d, 'status')).builds[0].pinnedRuns === 1);
    await work(d, 'two');
    expect((await deploy(d, 'wait', 'two', '--timeout', '30')).exitCode).toBe(0);
    await expect(deploy(d, 'ramp', 'two', '--percent', '12.5')).resolves.toMatchObject({
      exitCode: 0,
      out: expect.stringContaining(`${d}: two gets 12.5 % of new work, one the rest`),
    });
    // The server would make one current, as it is, and go on ramping two.
    await expect(deploy(d, 'set-current', 'one')).resolves.toMatchObject({
      exitCode: 4,
      err: 'heliograph: two still ramps with 12.5 %, and would go on; end that ramp first\n',
    });
    await expect(json(d, 'ramp', '--off')).resolves.toMatchObject({
      isChanged: true,
      current: 'one',
      ramp: null,
    });
    await expect(json(d, 'set-current', 'two')).resolves.toMatchObject({
      isChanged: true,
      current: 'two',
      ramp: null,
    });

    const { out } = await deploy(d, 'status');
    expect(out.split('\n')).toEqual([
      `${d}: two gets all new work`,
      '',
      expect.stringMatching(/^ {2}build +status +since +pinned runs +moving runs +worker last seen$/),
      expect.stringMatching(/^ {2}two +current +\S+ +0 +0 +\d+ s ago$/),
      expect.stringMatching(/^ {2}one +draining +\S+ +1 +0 +\d+ s ago$/),
      '',
    ]);
    await expect(deploy(d, 'can-stop', 'two')).resolves.toMatchObject({ exitCode: 4 });
    await expect(deploy(d, 'can-stop', 'one')).resolves.toMatchObject({
      exitCode: 4,
      out: '',
      err: 'heliograph: 1 open runs are pinned to build one\n',
    });
    await expect(deploy(d, 'watch', 'one', '--timeout', '0.1')).resolves.toMatchObject({ exitCode: 1 });
    await held.signal('goOn');
    await held.result();
    await expect(deploy(d, 'watch', 'one', '--timeout', '30')).resolves.toMatchObject({
      exitCode: 0,
      out: `${d}: build one is drained, and no open run is pinned to it\n`,
    });
    await expect(json(d, 'can-stop', 'one')).resolves.toMatchObject({ mayStop: true, status: 'drained' });
    await expect(deploy(d, 'watch', 'two')).resolves.toMatchObject({ exitCode: 4 });
    old.shutdown();
  }, 120_000);

  test('a command that is killed leaves the deployment as it was or as it shall be, and may be repeated', async () => {
    const { d } = await twoBuilds();
    const source = fileURLToPath(new URL('../main.ts', import.meta.url));
    const kill = (afterMs: number, ...args: readonly string[]) =>
      new Promise<void>((resolve) => {
        const child = spawn(
          process.execPath,
          [
            '-C',
            '@heliograph/source',
            '--input-type=module',
            '-e',
            `process.argv.splice(1, 0, 'heliograph'); (await import(${JSON.stringify(source)})).main();`,
            'deploy',
            ...args,
            '-d',
            d,
          ],
          { env: { ...process.env, ...env() }, stdio: ['ignore', 'pipe', 'ignore'] },
        );
        child.on('exit', () => resolve());
        setTimeout(() => child.kill('SIGKILL'), afterMs);
      });
    const seen: string[] = [];
    // From before the first call until after the last answer.
    for (const [index, afterMs] of [300, 800, 1000, 1200, 2500].entries()) {
      const wanted = index % 2 === 0 ? 'two' : 'one';
      await kill(afterMs, 'set-current', wanted);
      const { current, ramp } = await json(d, 'status');
      expect([['one', 'two'].includes(current), ramp]).toEqual([true, null]);
      seen.push(current === wanted ? 'done' : 'not done');
      // It may have to say that the server has not confirmed yet, but not that it failed.
      await expect(deploy(d, 'set-current', wanted)).resolves.toMatchObject({ exitCode: 0 });
      await expect(json(d, 'status')).resolves.toMatchObject({ current: wanted, ramp: null });
    }
    expect(seen[0]).toBe('not done');
    await deploy(d, 'set-current', 'one');
    await kill(900, 'ramp', 'two', '--percent', '30');
    await expect(json(d, 'ramp', 'two', '--percent', '30')).resolves.toMatchObject({
      current: 'one',
      ramp: { buildId: 'two', percent: 30 },
    });
  }, 180_000);

  test('of two operators at once one is refused', async () => {
    const { d } = await twoBuilds();
    await work(d, 'three');
    expect((await deploy(d, 'wait', 'three', '--timeout', '30')).exitCode).toBe(0);
    // Whichever comes first, and however late the other.
    const both = await Promise.all([
      deploy(d, 'ramp', 'two', '--percent', '10'),
      deploy(d, 'ramp', 'three', '--percent', '10'),
    ]);
    const refused = both.filter(({ exitCode }) => exitCode === 4);
    expect(both.filter(({ exitCode }) => exitCode === 0)).toHaveLength(1);
    expect(refused).toEqual([
      {
        exitCode: 4,
        out: '',
        err: expect.stringMatching(/was changed meanwhile, so nothing was changed|(?:two|three) still ramps/),
      },
    ]);
  }, 120_000);

  test('patches says what open runs have recorded, and refuses what it cannot know', async () => {
    const { d } = await twoBuilds();
    const client = new Client({ connection: ground.connection, namespace: ground.namespace });
    const handle = await client.workflow.start('patching', { workflowId: freshName('w'), taskQueue: d });
    const type = ['--type', 'patching'];
    await eventually('it has recorded', async () => (await json(d, 'patches', ...type)).patches.length === 2);
    await expect(json(d, 'patches', ...type)).resolves.toMatchObject({
      runs: 1,
      patches: [
        { patchId: 'gone', recorded: 0, deprecated: 1, without: 0, mayRemove: { answer: 'unknown' } },
        {
          patchId: 'one',
          recorded: 1,
          deprecated: 0,
          mayDeprecate: { answer: 'unknown' },
          mayRemove: { answer: 'no' },
        },
      ],
    });
    const { out } = await deploy(d, 'patches', ...type);
    expect(out).toContain('patching: one\n  1 runs have recorded it, 0 only as deprecated, 0 have not');
    expect(out).toContain('deprecatePatch may be removed: no, 1 open runs have recorded it');

    // It has only run on builds since one, and no other gets work.
    expect((await deploy(d, 'patches', 'one', ...type, '--introduced-in', 'one')).exitCode).toBe(0);
    // The build two, that is to have it first, is younger than the one that runs it.
    await expect(deploy(d, 'patches', 'one', ...type, '--introduced-in', 'two')).resolves.toMatchObject({
      exitCode: 4,
      err: expect.stringMatching(/^heliograph: patch one of patching stays: 1 open runs also ran on .*\n$/),
    });
    await expect(deploy(d, 'patches', 'one', ...type, '--deprecated-in', 'one')).resolves.toMatchObject({
      exitCode: 4,
    });
    expect((await deploy(d, 'patches', 'gone', ...type, '--deprecated-in', 'one')).exitCode).toBe(0);
    await expect(
      deploy(d, 'patches', 'gone', '--type', 'patchnig', '--deprecated-in', 'one'),
    ).resolves.toMatchObject({
      exitCode: 4,
      err: expect.stringContaining('holds no run of type patchnig'),
    });
    await handle.signal('goOn');
    await handle.result();
  }, 120_000);

  test('unknown deployments and builds are named with those that there are', async () => {
    const { d } = await twoBuilds();
    await expect(deploy(d, 'set-current', 'nine')).resolves.toMatchObject({
      exitCode: 4,
      err: `heliograph: deployment ${d} has no build nine; it has two, one\n`,
    });
    await expect(deploy(d, 'can-stop', 'nine')).resolves.toMatchObject({ exitCode: 4 });
    await expect(deploy('nowhere', 'status')).resolves.toMatchObject({
      exitCode: 4,
      err: expect.stringMatching(/has no deployment nowhere; it has .*\n$/),
    });
    await expect(deploy('nowhere', 'set-current', 'one')).resolves.toMatchObject({
      exitCode: 4,
      err: expect.stringMatching(/^heliograph: there is no deployment nowhere .*\n$/),
    });
    await expect(
      ran(['deploy', 'status', '-d', 'd'], {
        env: { ...env(), HELIOGRAPH_TEMPORAL_NAMESPACE: 'no-such-namespace' },
      }),
    ).resolves.toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^heliograph: .*no-such-namespace.*\n$/),
    });
  }, 120_000);
});
