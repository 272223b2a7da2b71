import { setTimeout as sleep } from 'node:timers/promises';
import { readSagaFailure } from '@heliograph/saga';
import type { Stack } from '@heliograph/stack';
import {
  bundleWorkflows,
  connectWorker,
  createTemporalWorker,
  installTemporalRuntime,
} from '@heliograph/temporal-worker';
import {
  assertNamespace,
  assertServerVersion,
  createTemporalClient,
} from '@heliograph/temporal-worker/client';
import { ApplicationFailure } from '@temporalio/workflow';
import { DefaultLogger } from '@temporalio/worker';
import { median, rounded, spread } from '../statistics.ts';
import type { BenchActivities } from './workflows.ts';

/** What `bench saga` measures. */
export interface SagaReport {
  readonly name: 'saga';
  /** Sagas of five steps per second ÷ workflows of five bare activities per second, the median over rounds. */
  readonly ratioToActivities: number;
  readonly sagasPerSecond: number;
  readonly activitiesPerSecond: number;
  readonly compensation: {
    /** How long one compensating activity takes by itself. */
    readonly activityMs: number;
    /** From the failure to the end of the workflow, the median. */
    readonly oneStepMs: number;
    readonly tenStepsMs: number;
    readonly ratio: number;
  };
  /** Workflows that ended otherwise than they should. */
  readonly wrong: number;
}

const TASK_QUEUE = 'bench-saga';
/** As many workflows at once as keep the server busy. */
const LANES = 16;
/** What a provider takes to answer. */
const UNDO_MS = 100;

/** Compares sagas with bare activities on the same worker and server, in turns (A-B-B-A), then measures compensation. */
export async function runSagaBench(options: {
  readonly stack: Stack;
  readonly quick: boolean;
  readonly print: (line: string) => void;
}): Promise<SagaReport> {
  const { stack, quick, print } = options;
  const size = quick ? 48 : 192;
  const rounds = quick ? 3 : 7;
  installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
  const connection = await connectWorker({ address: stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '' });
  const serverVersion = await assertServerVersion(connection, '1.32');
  const namespace = 'bench-saga';
  await assertNamespace(connection, namespace, { create: true });
  const client = createTemporalClient({ connection, namespace });
  const activities: BenchActivities = {
    step: async (input) => `${input}.`,
    undo: async () => sleep(UNDO_MS),
    refuse: async () => {
      throw ApplicationFailure.nonRetryable('refused', 'REFUSED');
    },
  };
  const worker = await createTemporalWorker({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: await bundleWorkflows({
      workflows: new URL('./workflows.ts', import.meta.url),
      sourceCondition: '@heliograph/source',
    }),
    activities,
    shutdownGraceMs: 1000,
  });
  const running = worker.run();
  let started = 0;
  let wrong = 0;
  const execute = (workflowType: string, args: readonly unknown[] = []) =>
    client.workflow.start(workflowType, {
      workflowId: `${workflowType}-${started++}`,
      taskQueue: TASK_QUEUE,
      args: [...args],
    });
  const block = async (workflowType: 'fiveActivities' | 'fiveSteps'): Promise<number> => {
    let left = size;
    const lane = async (): Promise<void> => {
      while (left-- > 0) {
        const result: unknown = await (await execute(workflowType)).result();
        if (result !== 'start.....') wrong++;
      }
    };
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: LANES }, lane));
    return size / ((performance.now() - startedAt) / 1000);
  };
  /** Milliseconds from the failure of the last step to the end, by the server's own clock. */
  const compensate = async (count: number): Promise<number> => {
    const handle = await execute('compensateAll', [count]);
    try {
      await handle.result();
      wrong++;
    } catch (error) {
      if (readSagaFailure(error)?.compensated.length !== count) wrong++;
    }
    const { events } = await handle.fetchHistory();
    const at = (isWanted: (event: NonNullable<typeof events>[number]) => boolean): number => {
      const time = events?.find(isWanted)?.eventTime;
      return Number(time?.seconds ?? Number.NaN) * 1000 + (time?.nanos ?? 0) / 1e6;
    };
    return (
      at((event) => event.workflowExecutionFailedEventAttributes != null) -
      at((event) => event.activityTaskFailedEventAttributes != null)
    );
  };
  try {
    print(
      `Temporal Server ${serverVersion}, ${size} workflows a block, ${rounds} rounds of activities – saga – saga – activities`,
    );
    await block('fiveActivities');
    await block('fiveSteps');
    const rates = { activities: [] as number[], saga: [] as number[] };
    const ratios: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const before = await block('fiveActivities');
      const ours = [await block('fiveSteps'), await block('fiveSteps')];
      const theirs = [before, await block('fiveActivities')];
      rates.activities.push(...theirs);
      rates.saga.push(...ours);
      ratios.push(harmonicMean(ours) / harmonicMean(theirs));
      print(
        `round ${round}: saga ${spread(ours)}, activities ${spread(theirs)}, ratio ${ratios.at(-1)?.toFixed(3)}`,
      );
    }
    const one: number[] = [];
    const ten: number[] = [];
    await compensate(1);
    for (let round = 0; round < (quick ? 10 : 30); round++) {
      one.push(await compensate(1));
      ten.push(await compensate(10));
    }
    print(`compensation of one step ${spread(one)} ms, of ten ${spread(ten)} ms`);
    return {
      name: 'saga',
      ratioToActivities: rounded(median(ratios), 3),
      sagasPerSecond: rounded(median(rates.saga), 1),
      activitiesPerSecond: rounded(median(rates.activities), 1),
      compensation: {
        activityMs: UNDO_MS,
        oneStepMs: rounded(median(one), 1),
        tenStepsMs: rounded(median(ten), 1),
        ratio: rounded(median(ten) / median(one), 2),
      },
      wrong,
    };
  } finally {
    worker.shutdown();
    await running;
    await connection.close();
  }
}

/** The rate of several blocks of the same size, taken together. */
function harmonicMean(rates: readonly number[]): number {
  return rates.length / rates.reduce((sum, rate) => sum + 1 / rate, 0);
}
