import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { eventually } from './eventually.ts';
import { freshNamespace, type FreshNamespace } from './fresh-namespace.ts';
import { readHistories, recordHistory, replayHistory } from './histories.ts';
import { fastForward, reachedLeg, skipTime } from './skip-time.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN' }), forward: {} } },
});

const DAY_MS = 86_400_000;
const bundleOf = (file: string) =>
  bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(file, import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });

let ground: FreshNamespace;
let bundle: { readonly code: string };
let last = 0;
beforeAll(async () => {
  [ground, bundle] = await Promise.all([freshNamespace('testkit'), bundleOf('testing/workflows.ts')]);
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

async function whileWorking(
  run: (where: { readonly workflowId: string; readonly taskQueue: string }) => Promise<void>,
  activities: object = {},
): Promise<void> {
  const taskQueue = `q${++last}`;
  const worker = await Worker.create({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    taskQueue,
    workflowBundle: bundle,
    activities,
  });
  await worker.runUntil(run({ workflowId: `w${last}`, taskQueue }));
}

/** A client on a connection of its own, through which workflows get virtual time. */
async function withSkipping(
  run: (client: Client, connection: Connection) => Promise<void>,
  config?: Parameters<typeof skipTime>[1],
): Promise<void> {
  const connection = skipTime(await Connection.connect({ address: ground.address }), config);
  try {
    await run(new Client({ connection, namespace: ground.namespace }), connection);
  } finally {
    await connection.close();
  }
}

describe('time skipping', () => {
  test.each(['start', 'signalWithStart'] as const)(
    'makes a month of sleep pass in no time (%s)',
    async (how) => {
      await withSkipping(async (client) => {
        await whileWorking(async (where) => {
          const options = { ...where, args: [30] };
          if (how === 'start') await client.workflow.start('sleeper', options);
          else await client.workflow.signalWithStart('sleeper', { ...options, signal: 'nothing' });
          const slept: unknown = await client.workflow.getHandle(where.workflowId).result();
          expect(slept).toBeGreaterThanOrEqual(30 * DAY_MS);
          expect(slept).toBeLessThan(31 * DAY_MS);
        });
      });
    },
  );

  test('makes hours between the retries of an activity pass in no time', async () => {
    let attempts = 0;
    const activities = {
      tryHard: async () => {
        if (++attempts < 20) throw new Error('not yet');
        return 'done';
      },
    };
    await withSkipping(async (client) => {
      await whileWorking(async (where) => {
        await expect(client.workflow.execute('patient', { ...where, args: [] })).resolves.toBe('done');
      }, activities);
    });
    expect(attempts).toBe(20);
  });

  test('goes as far as the end of a leg, and no further', async () => {
    await withSkipping(
      async (client, connection) => {
        await whileWorking(async (where) => {
          const handle = await client.workflow.start('sleeper', { ...where, args: [30] });
          await reachedLeg(connection, {
            namespace: ground.namespace,
            workflowId: where.workflowId,
            legId: 'one',
          });
          await expect(handle.describe()).resolves.toMatchObject({ status: { name: 'RUNNING' } });
          await handle.terminate();
        });
      },
      fastForward('one', DAY_MS),
    );
  });
});

test('a namespace terminates what was left running, and names it', async () => {
  const fresh = await freshNamespace('left');
  const client = new Client({ connection: fresh.connection, namespace: fresh.namespace });
  await client.workflow.start('nobody-runs-this', { workflowId: 'left-over', taskQueue: 'q', args: [] });
  await eventually('it is listed', async () => (await client.workflow.count()).count > 0);
  await expect(fresh.close()).resolves.toEqual(['left-over']);
});

describe('a recorded history', () => {
  test('is named by type and scenario, is never overwritten, and replays on the code that made it and on no other', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'histories-'));
    try {
      const client = new Client({ connection: ground.connection, namespace: ground.namespace });
      await whileWorking(async (where) => {
        const handle = await client.workflow.start('sleeper', { ...where, args: [1] });
        await eventually('it sleeps', async () => {
          const { events } = await handle.fetchHistory();
          return (events ?? []).some(({ timerStartedEventAttributes: timer }) => timer);
        });
        const file = await recordHistory(client, where, {
          directory: join(directory, 'new'),
          workflowType: 'sleeper',
          scenario: 'mid.flight',
        });
        expect(file).toBe(join(directory, 'new', 'sleeper.mid.flight.json'));
        await expect(readFile(file, 'utf8')).resolves.toContain('EVENT_TYPE_TIMER_STARTED');
        const before = await readFile(file, 'utf8');
        await handle.signal('something-more');
        await recordHistory(client, where, {
          directory: join(directory, 'new'),
          workflowType: 'sleeper',
          scenario: 'mid.flight',
        });
        await expect(readFile(file, 'utf8')).resolves.toBe(before);
        await handle.terminate();
      });
      const histories = await readHistories(join(directory, 'new'));
      expect(histories).toMatchObject([
        { file: 'sleeper.mid.flight.json', workflowType: 'sleeper', scenario: 'mid.flight' },
      ]);
      const changed = await bundleOf('testing/changed-workflows.ts');
      for (const history of histories) {
        await expect(replayHistory({ workflowBundle: bundle }, history)).resolves.toBeUndefined();
        await expect(replayHistory({ workflowBundle: changed }, history)).rejects.toMatchObject({
          name: 'DeterminismViolationError',
        });
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
