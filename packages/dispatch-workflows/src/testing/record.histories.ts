import { hostname } from 'node:os';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { trace } from '@opentelemetry/api';
import { eventually, recordHistory } from '@heliograph/testkit';
import { createTemporalClient } from '@heliograph/temporal-worker/client';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { installTemporalRuntime } from '@heliograph/temporal-worker';
import { DISPATCH_TRACE_STARTS, startOrchestrator, wakeOrchestrator } from '../client/index.ts';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import {
  DISPATCH_TASK_QUEUE,
  MONITOR_INSTANCE_ALERT,
  MONITOR_INSTANCES,
  MONITOR_INSTANCES_ID,
} from '../contract/names.ts';
import type { ScanResult } from '../contract/scan-state.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { bundleFromSource } from './dispatch-ground.ts';
import { fixedTraces } from './fixed-traces.ts';
import {
  type FakeActivities,
  fakeActivities,
  signalAt,
  signalStream,
  workflowGround,
} from './workflow-ground.ts';

// Records the histories that `replay.it.test.ts` replays: `npm run histories`. Names of fixtures are permanent, and
// those of code that was replaced stay as `<scenario>@<what it was>`: rename before changing, record afterwards.
const DIRECTORY = new URL('../__histories__/', import.meta.url);

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
trace.setGlobalTracerProvider(fixedTraces);

let bundle: { readonly code: string };
let ground: Awaited<ReturnType<typeof workflowGround>>;
let client: Client;

beforeAll(async () => {
  [bundle, ground] = await Promise.all([bundleFromSource(), workflowGround('histories')]);
  client = createTemporalClient({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    traceStarts: DISPATCH_TRACE_STARTS,
    identity: 'recorder',
  });
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

async function whileWorking(activities: FakeActivities, run: () => Promise<void>): Promise<void> {
  const worker = await ground.worker(bundle, activities, { identity: 'recorder' });
  await worker.runUntil(run);
}

/** Writes a fixture; gives back what of this machine is in it. */
async function record(
  workflowType: string,
  workflowId: string,
  scenario: string,
): Promise<readonly string[]> {
  const file = await recordHistory(client, { workflowId }, { directory: DIRECTORY, workflowType, scenario });
  const text = await readFile(file, 'utf8');
  const places = [hostname(), fileURLToPath(new URL('../..', import.meta.url)), 'node_modules'];
  return places.filter((place) => text.includes(place));
}

/** A failure without a stack, since a stack names paths. */
function away(): Error {
  const error = new Error('away');
  error.stack = 'Error: away';
  return error;
}

/** Something was notified and is open. */
const OPEN: StreamState = {
  notificationCount: 1,
  lastNotifiedAt: 1_767_225_600_000,
  status: 'firing',
  lastPosition: '0',
  externalIds: {},
};

describe('monitorInstanceAlert', () => {
  const streamOf = (scenario: string): StreamKey => ({
    fingerprint: scenario.replaceAll('-', ''),
    routeId: 'route1',
    connectedAppId: 'app1',
  });
  const ended = async (stream: StreamKey): Promise<void> => {
    await client.workflow.getHandle(alertWorkflowId(stream)).result();
  };
  const save = (stream: StreamKey, scenario: string) =>
    record(MONITOR_INSTANCE_ALERT, alertWorkflowId(stream), scenario);

  test('new-delivered', async () => {
    const stream = streamOf('new-delivered');
    await whileWorking(fakeActivities().activities, async () => {
      await signalStream(client, stream, signalAt(1));
      await ended(stream);
    });
    await expect(save(stream, 'new-delivered')).resolves.toEqual([]);
  });

  test('resolved', async () => {
    const stream = streamOf('resolved');
    await whileWorking(fakeActivities().activities, async () => {
      await signalStream(client, stream, signalAt(1));
      await ended(stream);
      await signalStream(client, stream, signalAt(2, 'resolved'));
      await ended(stream);
    });
    await expect(save(stream, 'resolved')).resolves.toEqual([]);
  });

  test('silent', async () => {
    const stream = streamOf('silent');
    await whileWorking(fakeActivities().activities, async () => {
      await signalStream(client, stream, signalAt(1, 'suppressed'));
      await ended(stream);
    });
    await expect(save(stream, 'silent')).resolves.toEqual([]);
  });

  test('suppressed-then-firing', async () => {
    const stream = streamOf('suppressed-then-firing');
    const fake = fakeActivities();
    fake.states.set(alertWorkflowId(stream), OPEN);
    await signalStream(client, stream, signalAt(2, 'suppressed'));
    await signalStream(client, stream, signalAt(3));
    await whileWorking(fake.activities, () => ended(stream));
    await expect(save(stream, 'suppressed-then-firing')).resolves.toEqual([]);
  });

  test('started-by-resolve', async () => {
    const stream = streamOf('started-by-resolve');
    await whileWorking(fakeActivities().activities, async () => {
      await signalStream(client, stream, signalAt(1, 'resolved'));
      await ended(stream);
    });
    await expect(save(stream, 'started-by-resolve')).resolves.toEqual([]);
  });

  test('only-repeats', async () => {
    const stream = streamOf('only-repeats');
    await whileWorking(fakeActivities().activities, async () => {
      for (const signal of [signalAt(2), signalAt(2), signalAt(1)]) {
        await signalStream(client, stream, signal);
        await ended(stream);
      }
    });
    await expect(save(stream, 'only-repeats')).resolves.toEqual([]);
  });

  test('stale', async () => {
    const stream = streamOf('stale');
    await whileWorking(fakeActivities().activities, async () => {
      const signal = signalAt(1);
      await signalStream(client, stream, { ...signal, storedAt: signal.storedAt - 7_200_000 });
      await ended(stream);
    });
    await expect(save(stream, 'stale')).resolves.toEqual([]);
  });

  test('begun-then-stale', async () => {
    const stream = streamOf('begun-then-stale');
    await whileWorking(fakeActivities({ wasBegun: async () => true }).activities, async () => {
      const signal = signalAt(1);
      await signalStream(client, stream, { ...signal, storedAt: signal.storedAt - 7_200_000 });
      await ended(stream);
    });
    await expect(save(stream, 'begun-then-stale')).resolves.toEqual([]);
  });

  test.each([
    ['may-be-owed', []],
    ['may-be-owed-later', [signalAt(1)]],
  ])('%s', async (scenario, before) => {
    const stream = streamOf(scenario);
    const fake = fakeActivities();
    fake.states.set(alertWorkflowId(stream), { ...INITIAL_STREAM_STATE, mayBeOpen: true, lastPosition: '2' });
    for (const signal of [...before, { ...signalAt(2, 'resolved'), owed: true }])
      await signalStream(client, stream, signal);
    await whileWorking(fake.activities, () => ended(stream));
    await expect(save(stream, scenario)).resolves.toEqual([]);
  });

  test('renotified', async () => {
    const stream = streamOf('renotified');
    const fake = fakeActivities();
    fake.states.set(alertWorkflowId(stream), OPEN);
    const policy = { version: 1, renotifyIntervalMs: 60_000, maxSignalAgeMs: 3_600_000 };
    await signalStream(client, stream, { ...signalAt(1), policy });
    await signalStream(client, stream, { ...signalAt(2), policy });
    await whileWorking(fake.activities, () => ended(stream));
    await expect(save(stream, 'renotified')).resolves.toEqual([]);
  });

  test('handed-back', async () => {
    const stream = streamOf('handed-back');
    let calls = 0;
    const fake = fakeActivities({
      deliverAndRecord: async () => ({ kind: 'pending', code: 'RATE_LIMITED', waitMs: 0, inSlot: true }),
      deliverPatiently: async (order) =>
        calls++ === 0
          ? { kind: 'pending', code: 'RATE_LIMITED', waitMs: 1000, inSlot: false, wasThrottled: true }
          : fake.accept(order),
    });
    await whileWorking(fake.activities, async () => {
      await signalStream(client, stream, signalAt(1));
      await ended(stream);
    });
    await expect(save(stream, 'handed-back')).resolves.toEqual([]);
  });

  test('pending-then-patient', async () => {
    const stream = streamOf('pending-then-patient');
    const { activities } = fakeActivities({
      deliverAndRecord: async () => ({ kind: 'pending', code: 'RATE_LIMITED', waitMs: 1000 }),
    });
    await whileWorking(activities, async () => {
      await signalStream(client, stream, signalAt(1));
      await ended(stream);
    });
    await expect(save(stream, 'pending-then-patient')).resolves.toEqual([]);
  });

  test('everything-fails-at-first', async () => {
    const stream = streamOf('everything-fails-at-first');
    const fake = fakeActivities({
      deliverAndRecord: async () => {
        throw away();
      },
    });
    let reads = 0;
    const activities: FakeActivities = {
      ...fake.activities,
      readStreamState: async (key) => {
        if (reads++ === 0) throw away();
        return fake.activities.readStreamState(key);
      },
    };
    await whileWorking(activities, async () => {
      await signalStream(client, stream, signalAt(1));
      await ended(stream);
    });
    await expect(save(stream, 'everything-fails-at-first')).resolves.toEqual([]);
  });

  test('unrecorded', async () => {
    const stream = streamOf('unrecorded');
    const { activities } = fakeActivities({
      deliverAndRecord: async () => ({
        kind: 'delivered',
        provider: 'webhook',
        externalId: null,
        recorded: false,
      }),
    });
    await whileWorking(activities, async () => {
      await signalStream(client, stream, signalAt(1));
      await ended(stream);
    });
    await expect(save(stream, 'unrecorded')).resolves.toEqual([]);
  });

  /** A stream whose first delivery takes so long that many signals come meanwhile. */
  function busy(stream: StreamKey) {
    const fake = fakeActivities({
      deliverAndRecord: async (order) =>
        order.issue.position === '1' ? { kind: 'pending', code: 'TIMEOUT', waitMs: 0 } : fake.accept(order),
      deliverPatiently: async (order) => {
        for (let position = 2; position <= 20; position++)
          await signalStream(client, stream, signalAt(position, position % 3 === 0 ? 'resolved' : 'firing'));
        return fake.accept(order);
      },
    });
    return fake;
  }

  test('signals-while-opening', async () => {
    const stream = streamOf('signals-while-opening');
    await whileWorking(busy(stream).activities, async () => {
      await signalStream(client, stream, signalAt(1));
      await ended(stream);
    });
    await expect(save(stream, 'signals-while-opening')).resolves.toEqual([]);
  });

  test('batch-of-many', async () => {
    const stream = streamOf('batch-of-many');
    const fake = busy(stream);
    fake.states.set(alertWorkflowId(stream), {
      ...INITIAL_STREAM_STATE,
      status: 'resolved',
      lastPosition: '0',
    });
    await whileWorking(fake.activities, async () => {
      await signalStream(client, stream, signalAt(1));
      await ended(stream);
    });
    await expect(save(stream, 'batch-of-many')).resolves.toEqual([]);
  });

  test('mid-flight', async () => {
    const stream = streamOf('mid-flight');
    let recorded = false;
    const fake = fakeActivities({
      deliverAndRecord: async () => ({ kind: 'pending', code: 'TIMEOUT', waitMs: 0 }),
      deliverPatiently: async (order) => {
        await eventually(
          'it is recorded',
          () => {
            heartbeat();
            return recorded;
          },
          { timeoutMs: 30_000 },
        );
        return fake.accept(order);
      },
    });
    await whileWorking(fake.activities, async () => {
      await signalStream(client, stream, signalAt(1));
      const handle = client.workflow.getHandle(alertWorkflowId(stream));
      await eventually('the patient activity runs', async () => {
        const { raw } = await handle.describe();
        return (raw.pendingActivities ?? []).some(({ attempt }) => attempt === 1);
      });
      await signalStream(client, stream, signalAt(2, 'resolved'));
      await expect(save(stream, 'mid-flight')).resolves.toEqual([]);
      recorded = true;
      await ended(stream);
    });
  });

  test('continued-as-new', async () => {
    const stream = streamOf('continued-as-new');
    const total = 2010;
    let begun = false;
    let sent = false;
    const fake = fakeActivities({
      deliverAndRecord: async (order) =>
        Number(order.issue.position) <= 2
          ? { kind: 'pending', code: 'TIMEOUT', waitMs: 0 }
          : fake.accept(order),
      deliverPatiently: async (order) => {
        begun = true;
        if (order.issue.position === '2') {
          await signalStream(client, stream, signalAt(total + 1, 'suppressed'));
          return fake.accept(order);
        }
        await eventually(
          'all are sent',
          () => {
            heartbeat();
            return sent;
          },
          { timeoutMs: 50_000 },
        );
        return fake.accept(order);
      },
    });
    // Something is open: the first delivery is one of a batch, so that what comes meanwhile is carried on.
    fake.states.set(alertWorkflowId(stream), OPEN);
    await whileWorking(fake.activities, async () => {
      const firstRun = await signalStream(client, stream, signalAt(1, 'resolved'));
      await eventually('the first batch is being handled', () => begun);
      for (let position = 2; position <= total; position += 50)
        await Promise.all(
          Array.from({ length: Math.min(50, total - position + 1) }, (_, index) =>
            signalStream(
              client,
              stream,
              signalAt(position + index, position + index === 2 ? 'firing' : 'suppressed'),
            ),
          ),
        );
      sent = true;
      await ended(stream);
      const { runId } = await client.workflow.getHandle(alertWorkflowId(stream)).describe();
      expect(runId).not.toBe(firstRun);
    });
    await expect(save(stream, 'continued-as-new')).resolves.toEqual([]);
  }, 60_000);

  test('handed-over-while-waiting', async () => {
    const stream = streamOf('handed-over-while-waiting');
    const total = 2010;
    let calls = 0;
    const fake = fakeActivities({
      deliverAndRecord: async () => ({ kind: 'pending', code: 'TIMEOUT', waitMs: 0 }),
      deliverPatiently: async (order) => {
        if (++calls > 1) return fake.accept(order);
        const asked = cancellationSignal();
        await eventually(
          'it is asked back',
          () => {
            heartbeat();
            return asked.aborted;
          },
          { timeoutMs: 50_000 },
        );
        return { kind: 'pending', code: 'CONNECT_FAILED', waitMs: 10, failures: 3, inSlot: false };
      },
    });
    await whileWorking(fake.activities, async () => {
      const firstRun = await signalStream(client, stream, signalAt(1));
      await eventually('it waits', () => calls === 1);
      for (let position = 2; position <= total; position += 50)
        await Promise.all(
          Array.from({ length: Math.min(50, total - position + 1) }, (_, index) =>
            signalStream(client, stream, signalAt(position + index, 'suppressed')),
          ),
        );
      await ended(stream);
      const file = await recordHistory(
        client,
        { workflowId: alertWorkflowId(stream), runId: firstRun },
        { directory: DIRECTORY, workflowType: MONITOR_INSTANCE_ALERT, scenario: 'handed-over-while-waiting' },
      );
      await expect(readFile(file, 'utf8')).resolves.toMatch(/CANCEL_REQUESTED.*CONTINUED_AS_NEW/s);
    });
    await expect(save(stream, 'taken-over-while-waiting')).resolves.toEqual([]);
  }, 60_000);
});

describe('monitorInstances', () => {
  /** Runs the orchestrator on scans that answer so; ends it when `during` has recorded it. */
  async function orchestrate(
    nextScanInMs: (scan: number) => Promise<number> | number,
    during: (scans: () => number) => Promise<void>,
  ): Promise<void> {
    let scans = 0;
    const { activities } = fakeActivities({
      readAndDispatch: async (): Promise<ScanResult> => {
        const scan = ++scans;
        return {
          nextScanInMs: await nextScanInMs(scan),
          scan: { cursor: { position: String(scan), eventId: `e${scan}` }, seen: '' },
          scanned: 1,
          dispatched: 1,
          failed: 0,
          running: 0,
        };
      },
    });
    await whileWorking(activities, async () => {
      await startOrchestrator(client);
      await during(() => scans);
      await client.workflow.getHandle(MONITOR_INSTANCES_ID).terminate('recorded');
    });
  }
  const save = (scenario: string) => record(MONITOR_INSTANCES, MONITOR_INSTANCES_ID, scenario);
  const timers = async (): Promise<number> => {
    const { events } = await client.workflow.getHandle(MONITOR_INSTANCES_ID).fetchHistory();
    return (events ?? []).filter(({ timerStartedEventAttributes: timer }) => timer).length;
  };

  test('several-scans', async () => {
    await orchestrate(
      (scan) => (scan % 3 === 0 ? 0 : scan < 10 ? 20 : 3_600_000),
      async () => {
        await eventually('it sleeps', async () => (await timers()) === 7);
        await expect(save('several-scans')).resolves.toEqual([]);
      },
    );
  });

  test('woken', async () => {
    await orchestrate(
      () => 3_600_000,
      async () => {
        for (let wish = 1; wish <= 3; wish++) {
          await eventually('it sleeps', async () => (await timers()) === wish);
          await wakeOrchestrator(client);
        }
        await eventually('it sleeps', async () => (await timers()) === 4);
        await expect(save('woken')).resolves.toEqual([]);
      },
    );
  });

  test('swept', async () => {
    let scans = 0;
    const { activities } = fakeActivities({
      readAndDispatch: async (): Promise<ScanResult> => ({
        nextScanInMs: ++scans < 4 ? 20 : 3_600_000,
        scan: { cursor: { position: String(scans), eventId: `e${scans}` }, seen: '' },
        scanned: 1,
        dispatched: 1,
        failed: 0,
        running: 0,
      }),
      sweepResolveDebt: async () => ({ owed: 1, signalled: 1, superseded: 0, cleared: 0, nextSweepInMs: 10 }),
    });
    await whileWorking(activities, async () => {
      await client.workflow.start(MONITOR_INSTANCES, {
        workflowId: MONITOR_INSTANCES_ID,
        taskQueue: DISPATCH_TASK_QUEUE,
        args: [{ nextSweepAt: 0 }],
      });
      await eventually('it sleeps', async () => (await timers()) === 4);
      await expect(save('swept')).resolves.toEqual([]);
      await client.workflow.getHandle(MONITOR_INSTANCES_ID).terminate('recorded');
    });
  });

  test('mid-flight', async () => {
    let recorded = false;
    await orchestrate(
      async (scan) => {
        if (scan > 1) await eventually('it is recorded', () => recorded);
        return 10;
      },
      async (scans) => {
        await eventually('the second scan runs', () => scans() === 2);
        await wakeOrchestrator(client);
        await expect(save('mid-flight')).resolves.toEqual([]);
        recorded = true;
      },
    );
  });

  test('handed-over', async () => {
    const runs: string[] = [];
    await orchestrate(
      (scan) => (scan <= 200 ? 0 : 3_600_000),
      async (scans) => {
        const handle = client.workflow.getHandle(MONITOR_INSTANCES_ID);
        runs.push((await handle.describe()).runId);
        await eventually('the next run sleeps', async () => scans() === 201 && (await timers()) === 1, {
          timeoutMs: 30_000,
        });
        const file = await recordHistory(
          client,
          { workflowId: MONITOR_INSTANCES_ID, runId: runs[0] ?? '' },
          { directory: DIRECTORY, workflowType: MONITOR_INSTANCES, scenario: 'handed-over' },
        );
        await expect(readFile(file, 'utf8')).resolves.toContain('ContinuedAsNew');
        await expect(save('taken-over')).resolves.toEqual([]);
      },
    );
  }, 60_000);
});
