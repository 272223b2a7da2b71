import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '@heliograph/stack';
import {
  bundleWorkflows,
  connectWorker,
  createTemporalWorkers,
  installTemporalRuntime,
} from '@heliograph/temporal-worker';
import { assertNamespace, createTemporalClient } from '@heliograph/temporal-worker/client';
import { priority } from '@heliograph/temporal-worker/policies';
import { activityInfo } from '@temporalio/activity';
import { DefaultLogger } from '@temporalio/worker';
import { median, percentile, rounded } from '../statistics.ts';
import type { holdSlots, PoolActivities, touchOnce, Where } from './workflows.ts';

/** How long critical activities waited beside a saturated background. */
export interface PoolFigures {
  /** From the schedule of an activity to its first line. */
  readonly criticalMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Share of the slots of the background that were in use, the median over samples. */
  readonly backgroundSlotsUsed: number;
}

/** The figures of `bench worker-pools`. */
export interface WorkerPoolsReport {
  readonly name: 'worker-pools';
  /** Of each pool. */
  readonly slots: number;
  /** Critical activities of each shape. */
  readonly activities: number;
  /** Each pool with a task queue and slots of its own. */
  readonly ownQueues: PoolFigures;
  /** The alternative: one task queue with the slots of both, on which critical work only has the higher priority. */
  readonly sharedQueue: PoolFigures;
  /** Critical activities that did not run. */
  readonly lost: number;
}

const NAMESPACE = 'bench-worker-pools';
const SLOTS = 20;
/** Long compared with the wait that is allowed: a slot that the background holds does not come free by chance. */
const HOLD_MS = 3000;
/** Between critical activities: 20 per second, by the clock, whatever became of those before. */
const EVERY_MS = 50;
const CRITICAL = 'critical';
const BACKGROUND = 'background';
const SHARED = 'shared';

interface Block {
  readonly waits: readonly number[];
  readonly slotsUsed: readonly number[];
  readonly lost: number;
}

/** Saturates a background and runs critical activities beside it, on queues of their own and on a shared one, in turns. */
export async function runWorkerPools(options: {
  readonly stack: Stack;
  readonly quick: boolean;
  readonly print: (line: string) => void;
}): Promise<WorkerPoolsReport> {
  const { stack, quick, print } = options;
  const [rounds, seconds] = quick ? [1, 6] : [3, 12];
  installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
  const connection = await connectWorker({ address: stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '' });
  await assertNamespace(connection, NAMESPACE, { create: true });
  const client = createTemporalClient({ connection, namespace: NAMESPACE });
  const holds = { running: 0 };
  const activities: PoolActivities = {
    async hold(ms) {
      holds.running += 1;
      await sleep(ms);
      holds.running -= 1;
    },
    touch: async () => Date.now() - activityInfo().currentAttemptScheduledTimestampMs,
  };
  const slots = (concurrency: number) => ({ kind: 'provider', concurrency }) as const;
  const workers = await createTemporalWorkers({
    connection,
    namespace: NAMESPACE,
    workflowBundle: await bundleWorkflows({
      workflows: new URL('./workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
    workers: [
      // Apart, so that no activity starts eagerly: its wait in the queue is what is measured.
      { taskQueue: 'planner', workflows: true },
      { taskQueue: CRITICAL, activities, slots: slots(SLOTS), pool: 'critical' },
      { taskQueue: BACKGROUND, activities, slots: slots(SLOTS), pool: 'background' },
      { taskQueue: SHARED, activities, slots: slots(2 * SLOTS) },
    ],
  });

  let lastId = 0;
  const where = (type: string) => ({ workflowId: `${type}-${++lastId}`, taskQueue: 'planner' });
  const touch = (at: Where): Promise<number> =>
    client.workflow.execute<typeof touchOnce>('touchOnce', { ...where('touchOnce'), args: [at] });

  const runBlock = async (critical: string, background: string): Promise<Block> => {
    const available = background === SHARED ? 2 * SLOTS : SLOTS;
    const idle: Where = { taskQueue: background, priority: priority({ urgency: 'idle' }) };
    const urgent: Where = { taskQueue: critical, priority: priority({ urgency: 'urgent' }) };
    // Twice as much as fits into the time.
    const count = Math.ceil((2 * available * seconds * 1000) / HOLD_MS);
    const saturation = await client.workflow.start<typeof holdSlots>('holdSlots', {
      ...where('holdSlots'),
      args: [idle, count, HOLD_MS],
    });
    while (holds.running < available) await sleep(10);
    const slotsUsed: number[] = [];
    const results: Promise<number | undefined>[] = [];
    for (let at = 0; at < seconds * 1000; at += EVERY_MS) {
      slotsUsed.push(holds.running / available);
      results.push(touch(urgent).catch(() => undefined));
      await sleep(EVERY_MS);
    }
    const waits = (await Promise.all(results)).filter((wait) => wait !== undefined);
    await saturation.terminate();
    while (holds.running > 0) await sleep(10);
    return { waits, slotsUsed, lost: results.length - waits.length };
  };

  const blocks = { own: [] as Block[], shared: [] as Block[] };
  await workers.runUntil(async () => {
    await touch({ taskQueue: CRITICAL, priority: {} });
    for (let round = 1; round <= rounds; round++) {
      const own = async () => void blocks.own.push(await runBlock(CRITICAL, BACKGROUND));
      const shared = async () => void blocks.shared.push(await runBlock(SHARED, SHARED));
      for (const run of round % 2 === 1 ? [own, shared] : [shared, own]) await run();
      const p95 = (of: readonly Block[]) => percentile(of.at(-1)?.waits ?? [], 0.95);
      print(
        `round ${round}: p95 ${p95(blocks.own)} ms on queues of their own, ${p95(blocks.shared)} ms on a shared one`,
      );
    }
  });
  await connection.close();
  return {
    name: 'worker-pools',
    slots: SLOTS,
    activities: blocks.own.flatMap(({ waits }) => waits).length,
    ownQueues: figuresOf(blocks.own),
    sharedQueue: figuresOf(blocks.shared),
    lost: [...blocks.own, ...blocks.shared].reduce((sum, { lost }) => sum + lost, 0),
  };
}

function figuresOf(blocks: readonly Block[]): PoolFigures {
  const waits = blocks.flatMap((block) => block.waits);
  return {
    criticalMs: {
      p50: Math.round(percentile(waits, 0.5)),
      p95: Math.round(percentile(waits, 0.95)),
      p99: Math.round(percentile(waits, 0.99)),
    },
    backgroundSlotsUsed: rounded(median(blocks.flatMap((block) => block.slotsUsed)), 2),
  };
}
