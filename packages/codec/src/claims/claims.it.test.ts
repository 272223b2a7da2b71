import { hkdfSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { Context } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { ExternalStorage } from '@temporalio/common';
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
import { isReference } from './claim-reference.ts';
import type { ObjectStore } from './object-store.ts';
import { createPostgresRegistry, createPostgresStore } from './postgres/index.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), forward: {} } },
});

const workflowsPath = fileURLToPath(new URL('../testing/claim-workflows.ts', import.meta.url));
const logger = new DefaultLogger('ERROR');
/** A text that compression makes half as large. */
const textOf = (seed: string, bytes: number): string => {
  const parts: string[] = [];
  for (let at = 0; at < bytes; at += 16_000)
    parts.push(Buffer.from(hkdfSync('sha256', seed, '', String(at), 8000)).toString('hex'));
  return `${seed} ${parts.join('').slice(0, bytes)}`;
};
const LARGE = 800_000;
/** Not taken inline by the server, whose limit is 2 MiB, even when it is compressed. */
const HUGE = 6_000_000;

let ground: FreshNamespace;
let database: Awaited<ReturnType<typeof claimsDatabase>>;
let bundle: { readonly code: string };
let plugin: ReturnType<typeof createCodecPlugin>;
let claims: ReturnType<typeof createClaimCheck>;
let codec: ReturnType<typeof createCodec>;
let isAway = false;
const problems: string[] = [];

beforeAll(async () => {
  [ground, database] = await Promise.all([freshNamespace('claims'), claimsDatabase('claims')]);
  claims = createClaimCheck({
    store: whileThere(createPostgresStore(database)),
    registry: createPostgresRegistry(database),
    uploadTimeoutMs: 500,
    largeUploadTimeoutMs: 3000,
    fetchTimeoutMs: 3000,
    onProblem: ({ message }) => problems.push(message),
  });
  const keys = createKeyRing({
    test: {
      active: createKey('k1', Buffer.alloc(32, 5)),
      others: [],
      claims: [createKey('c1', Buffer.alloc(32, 6))],
    },
  });
  codec = createCodec({ keys, namespace: ground.namespace, domain: 'test', claims });
  plugin = createCodecPlugin(codec);
  bundle = await bundleWorkflowCode({ workflowsPath, logger, plugins: [plugin] });
});
afterAll(async () => {
  await ground.close();
  await database.close();
  await Runtime.instance().shutdown();
});

/** The same store, which fails while it is away. */
function whileThere(store: ObjectStore): ObjectStore {
  const failing = () => Promise.reject(new Error('connect ECONNREFUSED'));
  return {
    ...store,
    put: (...args) => (isAway ? failing() : store.put(...args)),
    get: (...args) => (isAway ? failing() : store.get(...args)),
  };
}

const activities: LargeActivities = {
  make: async (seed, bytes) => textOf(seed, bytes),
  measure: async (text) => text.length,
  beat: async (seed, bytes) => {
    for (let n = 0; n < 3; n++) {
      Context.current().heartbeat(textOf(`${seed}${n}`, bytes));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return seed;
  },
};

let last = 0;
async function whileWorking<T>(
  run: (
    client: Client,
    where: { readonly workflowId: string; readonly taskQueue: string },
    worker: Worker,
  ) => Promise<T>,
): Promise<T> {
  const taskQueue = `q${++last}`;
  const { nativeConnection: connection, namespace } = ground;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: bundle,
    activities,
    plugins: [plugin],
  });
  const client = new Client({ connection, namespace, plugins: [plugin] });
  return worker.runUntil(run(client, { workflowId: `w${last}`, taskQueue }, worker));
}

async function historyOf(workflowId: string) {
  const { history } = await ground.nativeConnection.workflowService.getWorkflowExecutionHistory({
    namespace: ground.namespace,
    execution: { workflowId },
  });
  return history?.events ?? [];
}

describe('with a claim check', () => {
  test('large arguments, results and texts of signals go through the store, and the history stays small', async () => {
    await whileWorking(async (client, where) => {
      const text = textOf('argument', LARGE);
      const result = await client.workflow.execute('carryLarge', { ...where, args: [text] });
      expect(result).toContain(text);
      const events = await historyOf(where.workflowId);
      const size = JSON.stringify(events).length;
      expect(size).toBeLessThan(30_000);
      const input = events[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0] ?? {};
      expect(isReference(input)).toBe(true);
      const [decoded] = await codec.decode([await claims.fetch(input)]);
      expect(JSON.parse(Buffer.from(decoded?.data ?? []).toString())).toBe(text);
    });
  });

  test('a history with references is replayed, and the replay stores nothing', async () => {
    const workflowId = await whileWorking(async (client, where) => {
      await client.workflow.execute('carryLarge', { ...where, args: [textOf('replayed', LARGE)] });
      return where.workflowId;
    });
    const client = new Client({ connection: ground.nativeConnection, namespace: ground.namespace });
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    const before = await database.sql`select sum(uploads) as uploads from claims.owners`;
    await expect(
      Worker.runReplayHistory({ workflowBundle: bundle, plugins: [plugin] }, history, workflowId),
    ).resolves.toBeUndefined();
    const after = await database.sql`select sum(uploads) as uploads from claims.owners`;
    expect([...after]).toEqual([...before]);
  });

  test('what is too large for the server without a claim check goes through, as a heartbeat too', async () => {
    await whileWorking(async (client, where, worker) => {
      const text = textOf('huge', HUGE);
      await expect(client.workflow.execute('carryLarge', { ...where, args: [text] })).resolves.toContain(
        text,
      );
      const beating = { ...where, workflowId: `${where.workflowId}-beat` };
      await expect(
        client.workflow.execute('heartbeatLarge', { ...beating, args: ['huge', HUGE] }),
      ).resolves.toBe('huge');
      expect(worker.getState()).toBe('RUNNING');
    });
  });
});

describe('what was reported of other claim checks', () => {
  test('signal-with-start stores both texts, and a heartbeat has its workflow as owner', async () => {
    await whileWorking(async (client, where) => {
      const handle = await client.workflow.signalWithStart('continueLarge', {
        ...where,
        args: [textOf('started', LARGE), 1],
        signal: 'done',
        signalArgs: [textOf('signalled', LARGE)],
      });
      await expect(handle.result()).resolves.toBe(LARGE + 8);
      const beating = `${where.workflowId}-beat`;
      await client.workflow.execute('heartbeatLarge', { ...where, workflowId: beating, args: ['b', LARGE] });
      const owners = await database.sql<{ workflow_id: string; count: string }[]>`
        select workflow_id, count(*) from claims.owners
        where workflow_id in (${where.workflowId}, ${beating}) group by workflow_id order by workflow_id`;
      // Of three heartbeats, those that the SDK has not thrown away for a newer one.
      expect(owners.map(({ workflow_id: id }) => id)).toEqual([where.workflowId, beating]);
      expect(owners[0]?.count).toBe('2');
      const events = JSON.stringify(await historyOf(where.workflowId));
      expect(events.length).toBeLessThan(30_000);
    });
  });

  test('an answer to a query that is too large for the server goes through (temporalio/sdk-go#2640)', async () => {
    await whileWorking(async (client, where) => {
      const text = textOf('answer', HUGE);
      const handle = await client.workflow.start('answerLarge', { ...where, args: [text] });
      await expect(handle.query('text')).resolves.toBe(text);
      await handle.signal('done', 'end');
      await handle.result();
    });
  });
});

describe('while the store is away', () => {
  test('large payloads stay inline, the worker runs on, and the workflow completes', async () => {
    isAway = true;
    try {
      await whileWorking(async (client, where, worker) => {
        const text = textOf('inline', LARGE);
        await expect(client.workflow.execute('carryLarge', { ...where, args: [text] })).resolves.toContain(
          text,
        );
        const beating = { ...where, workflowId: `${where.workflowId}-beat` };
        await expect(
          client.workflow.execute('heartbeatLarge', { ...beating, args: ['inline', LARGE] }),
        ).resolves.toBe('inline');
        expect(worker.getState()).toBe('RUNNING');
        const events = await historyOf(where.workflowId);
        const input = events[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0] ?? {};
        expect(isReference(input)).toBe(false);
        expect(problems.join()).toContain('stays inline');
      });
    } finally {
      isAway = false;
    }
  });

  test('a result, a heartbeat and a fetch that cannot do without it wait until it is back, and no worker dies', async () => {
    await whileWorking(async (client, where, worker) => {
      const text = textOf('waiting', LARGE);
      const handle = await client.workflow.start('carryLarge', { ...where, args: [text] });
      isAway = true;
      const huge = await client.workflow.start('makeLarge', {
        ...where,
        workflowId: `${where.workflowId}-huge`,
        args: ['waiting', HUGE],
      });
      const beating = await client.workflow.start('heartbeatLarge', {
        ...where,
        workflowId: `${where.workflowId}-beat`,
        args: ['waiting', HUGE],
      });
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      expect(worker.getState()).toBe('RUNNING');
      isAway = false;
      await expect(handle.result()).resolves.toContain(text);
      await expect(huge.result()).resolves.toHaveLength(HUGE + 8);
      await expect(beating.result()).resolves.toBe('waiting');
      expect(worker.getState()).toBe('RUNNING');
      await eventually(
        'the worker to be idle',
        () => worker.getStatus().numInFlightWorkflowActivations === 0,
      );
    });
  });
});

test('SDK 1.24.0 ends a worker whose storage driver fails during a heartbeat, so no driver of ours stores', async () => {
  const driver = {
    name: 'failing',
    type: 'failing',
    store: () => Promise.reject(new Error('away')),
    retrieve: () => Promise.reject(new Error('away')),
  };
  const externalStorage = new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 10_000 });
  const { nativeConnection: connection, namespace } = ground;
  const unprotected = await bundleWorkflowCode({ workflowsPath, logger });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: 'unprotected',
    workflowBundle: unprotected,
    activities,
    dataConverter: { externalStorage },
  });
  const running = worker.run().then(
    () => 'stopped',
    (error: unknown) => String(error),
  );
  const handle = await new Client({ connection, namespace }).workflow.start('heartbeatLarge', {
    workflowId: 'unprotected',
    taskQueue: 'unprotected',
    args: ['x', 50_000],
  });
  await expect(running).resolves.toContain('Error');
  expect(worker.getState()).toBe('FAILED');
  await handle.terminate();
});
