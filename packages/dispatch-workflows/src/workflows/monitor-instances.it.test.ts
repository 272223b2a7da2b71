import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { installTemporalRuntime } from '@heliograph/temporal-worker';
import { eventually } from '@heliograph/testkit';
import type { Client } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startOrchestrator, wakeOrchestrator } from '../client/index.ts';
import { MONITOR_INSTANCES_ID } from '../contract/names.ts';
import type { ScanResult, ScanState } from '../contract/scan-state.ts';
import { bundleFromSource } from '../testing/dispatch-ground.ts';
import { fakeActivities, workflowGround } from '../testing/workflow-ground.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });

let bundle: { readonly code: string };
let ground: Awaited<ReturnType<typeof workflowGround>>;

beforeAll(async () => {
  bundle = await bundleFromSource();
});
beforeEach(async () => {
  ground = await workflowGround('orchestrator');
});
afterEach(async () => {
  await ground.close();
});
afterAll(() => Runtime.instance().shutdown());

const handle = () => ground.client.workflow.getHandle(MONITOR_INSTANCES_ID);
const at = (scan: number): ScanState => ({ cursor: { position: String(scan), eventId: '' }, seen: '' });
const HOUR_MS = 3_600_000;

/** What scans were given, and how each answers. */
function scans(answer: (scan: number) => Promise<number> | number) {
  const given: (ScanState | null)[] = [];
  const { activities } = fakeActivities({
    readAndDispatch: async (scan): Promise<ScanResult> => {
      given.push(scan);
      const number = given.length;
      return {
        nextScanInMs: await answer(number),
        scan: at(number),
        scanned: 0,
        dispatched: 0,
        failed: 0,
        running: 0,
      };
    },
  });
  return { activities, given };
}

async function whileOrchestrating(
  activities: ReturnType<typeof scans>['activities'],
  run: () => Promise<unknown>,
  client: Client = ground.client,
): Promise<void> {
  const worker = await ground.worker(bundle, activities);
  await worker.runUntil(async () => {
    await startOrchestrator(client);
    await run();
    await handle().terminate('test over');
  });
}

async function timersOf(): Promise<readonly number[]> {
  const { events } = await handle().fetchHistory();
  return (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
    timer
      ? [
          Number(timer.startToFireTimeout?.seconds) * 1000 +
            (timer.startToFireTimeout?.nanos ?? 0) / 1_000_000,
        ]
      : [],
  );
}

describe('the orchestrator', () => {
  test('scans, sleeps for as long as the scan says, and hands each scan what the one before left', async () => {
    const { activities, given } = scans((scan) => (scan === 1 ? 15_000 : scan === 2 ? 0 : 24 * HOUR_MS));
    await whileOrchestrating(
      activities,
      () => eventually('it scans four times', () => given.length >= 4).then(() => undefined),
      ground.skippingClient,
    );
    expect(given.slice(0, 4)).toEqual([null, at(1), at(2), at(3)]);
    expect((await timersOf()).slice(0, 2)).toEqual([15_000, 24 * HOUR_MS]);
  });

  test('wakes early when an issue was stored', async () => {
    const { activities, given } = scans(() => HOUR_MS);
    await whileOrchestrating(activities, async () => {
      await eventually('it scans', () => given.length === 1);
      await wakeOrchestrator(ground.client);
      await eventually('it scans again', () => given.length === 2);
    });
    expect(given).toEqual([null, at(1)]);
  });

  test('scans again at once when it is woken while it scans', async () => {
    let woken = false;
    const { activities, given } = scans(async (scan) => {
      if (scan === 1) {
        await wakeOrchestrator(ground.client);
        woken = true;
      }
      return HOUR_MS;
    });
    await whileOrchestrating(activities, async () => {
      await eventually('it scans again', () => given.length === 2);
      expect(woken).toBe(true);
    });
    expect(given).toEqual([null, at(1)]);
  });

  test('makes one scan of many wishes that come while it scans', async () => {
    const { activities, given } = scans(async (scan) => {
      if (scan === 1) for (let wish = 0; wish < 20; wish++) await wakeOrchestrator(ground.client);
      return HOUR_MS;
    });
    await whileOrchestrating(activities, async () => {
      await eventually('it sleeps after the second scan', async () => (await timersOf()).length === 1);
    });
    expect(given).toHaveLength(2);
  });

  test('outlives a scan that fails for hours, and continues where it was', async () => {
    const { activities, given } = scans((scan) => {
      if (scan > 1 && scan <= 400) throw new Error('away');
      return HOUR_MS;
    });
    await whileOrchestrating(
      activities,
      () => eventually('it scans', () => given.length > 401, { timeoutMs: 30_000 }).then(() => undefined),
      ground.skippingClient,
    );
    expect(given[0]).toBeNull();
    expect(given.slice(1, 401).every((scan) => scan?.cursor.position === '1')).toBe(true);
    expect(given[401]).toEqual(at(401));
  }, 180_000);

  test('hands over to a new run after 200 scans, with the cursor', async () => {
    const { activities, given } = scans((scan) => (scan <= 205 ? 0 : HOUR_MS));
    let first = '';
    await whileOrchestrating(activities, async () => {
      first = (await handle().describe()).runId;
      await eventually('it scans 206 times', () => given.length === 206, { timeoutMs: 40_000 });
      expect((await handle().describe()).runId).not.toBe(first);
    });
    expect(given.map((scan) => scan?.cursor.position ?? null)).toEqual([
      null,
      ...Array.from({ length: 205 }, (_, index) => String(index + 1)),
    ]);
    const { events } = await ground.client.workflow.getHandle(MONITOR_INSTANCES_ID, first).fetchHistory();
    const scheduled = (events ?? []).filter(({ activityTaskScheduledEventAttributes: each }) => each);
    expect(scheduled).toHaveLength(200);
  }, 180_000);

  test('is started once, however many start or wake it', async () => {
    const { activities, given } = scans(() => HOUR_MS);
    await whileOrchestrating(activities, async () => {
      await Promise.all([
        ...Array.from({ length: 5 }, () => startOrchestrator(ground.client)),
        ...Array.from({ length: 5 }, () => wakeOrchestrator(ground.client)),
      ]);
      await eventually('it scans', () => given.length >= 1);
      const { count } = await eventually('it is listed', async () => {
        const found = await ground.client.workflow.count(`ExecutionStatus = 'Running'`);
        return found.count > 0 && found;
      });
      expect(count).toBe(1);
    });
  });

  test('is started by the wish of an API that comes first', async () => {
    const { activities, given } = scans(() => HOUR_MS);
    const worker = await ground.worker(bundle, activities);
    await worker.runUntil(async () => {
      await wakeOrchestrator(ground.client);
      await eventually('it scans', () => given.length === 1);
      await handle().terminate('test over');
    });
    expect(given[0]).toBeNull();
  });
});

describe('the sweep of resolve debt', () => {
  test('comes a minute after the start and then as often as it says, beside the scans', async () => {
    const times: number[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { activities, given } = scans((scan) => (scan < 12 ? 30_000 : 24 * HOUR_MS));
    const sweeping = {
      ...activities,
      sweepResolveDebt: async () => {
        times.push(given.length);
        // The first takes so long that scans go on meanwhile.
        if (times.length === 1) await held;
        return { owed: 0, signalled: 0, superseded: 0, cleared: 0, nextSweepInMs: 120_000 };
      },
    };
    await whileOrchestrating(
      sweeping,
      async () => {
        await eventually('it sweeps', () => times.length === 1);
        const scansBefore = given.length;
        await wakeOrchestrator(ground.client);
        await eventually('it scans beside the sweep', () => given.length > scansBefore);
        release();
        await eventually('it sweeps again', () => times.length >= 2);
      },
      ground.skippingClient,
    );
    expect(times[0]).toBe(3);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(4);
  });

  test('that fails comes again, and scans go on', async () => {
    let sweeps = 0;
    const { activities, given } = scans((scan) => (scan < 20 ? 30_000 : 24 * HOUR_MS));
    const failing = {
      ...activities,
      sweepResolveDebt: async () => {
        sweeps++;
        throw new Error('away');
      },
    };
    await whileOrchestrating(
      failing,
      () => eventually('it sweeps three times', () => sweeps >= 3),
      ground.skippingClient,
    );
    expect(given.length).toBeGreaterThan(5);
  });
});
