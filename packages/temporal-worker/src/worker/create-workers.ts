import type { NativeConnection, Worker } from '@temporalio/worker';
import { TemporalSetupError } from '../errors.ts';
import { assertWorkerSizes } from './assert-worker-sizes.ts';
import { createTemporalWorker, type TemporalWorkerOptions } from './create-worker.ts';
import { sizeWorkflowTasks } from './size-workflow-tasks.ts';

/** What the workers of one process share. */
type SharedOptions =
  'connection' | 'namespace' | 'workflowBundle' | 'identity' | 'deployment' | 'dataConverter';

/** One worker of a process: its task queue, what runs there, and how much of it at once. */
export interface TaskQueueWorker extends Omit<TemporalWorkerOptions, SharedOptions> {
  /** Whether this worker runs the workflows of the bundle; default false: activities only. */
  readonly workflows?: boolean;
}

/** Options of {@link createTemporalWorkers}. */
export interface TemporalWorkersOptions extends Pick<TemporalWorkerOptions, SharedOptions> {
  readonly workers: readonly TaskQueueWorker[];
}

/** The workers of one process, handled as one. */
export interface TemporalWorkers {
  /** Runs until `shutdown`, or until one worker fails: then `run` rejects at once, and the others are asked to stop. */
  run(): Promise<void>;
  /** Runs while the task does, and stops when it ends; a worker that fails ends the wait for the task. */
  runUntil<T>(task: () => Promise<T>): Promise<T>;
  /** Asks every worker to stop, and resolves when all have stopped. It never rejects: `run` does. */
  shutdown(): Promise<void>;
  /** Whether every worker polls its task queue. */
  isRunning(): boolean;
  /**
   * Lets every worker that has not stopped continue over another connection, for example one with a newer certificate:
   * polls that are waiting end on the old one, everything else begins on the new one.
   */
  useConnection(connection: NativeConnection): void;
}

/**
 * Creates one worker per task queue over one connection. They share one resource controller and the memory for cached
 * workflows. If one cannot be created, those before it release the connection again.
 *
 * @throws {TypeError} when no worker runs the workflows of the bundle, or one wants to and there is no bundle.
 * @throws {TemporalSetupError} TEMPORAL_WORKER_OPTIONS, before any is created.
 */
export async function createTemporalWorkers(options: TemporalWorkersOptions): Promise<TemporalWorkers> {
  const { workers: definitions, workflowBundle, ...shared } = options;
  assertWorkflows(definitions, workflowBundle !== undefined);
  for (const definition of definitions) assertWorkerSizes(definition);
  assertPools(definitions);
  const caches = definitions.filter(({ workflows = false }) => workflows).length;
  const workers: Worker[] = [];
  try {
    for (const { workflows = false, ...definition } of definitions) {
      workers.push(
        await createTemporalWorker({
          ...shared,
          ...definition,
          ...(workflows && workflowBundle !== undefined
            ? { workflowBundle, ...sizeWorkflowTasks(definition, { workers: caches }) }
            : {}),
        }),
      );
    }
  } catch (error) {
    // A worker holds its connection until it has run, even for no time at all.
    await Promise.allSettled(workers.map((worker) => worker.runUntil(Promise.resolve())));
    throw error;
  }
  return handleAsOne(workers);
}

function assertWorkflows(definitions: readonly TaskQueueWorker[], hasBundle: boolean): void {
  const first = definitions.find(({ workflows = false }) => workflows);
  if (hasBundle && first === undefined) {
    throw new TypeError(
      'there is a workflow bundle, but no worker has `workflows: true`: nothing would run it',
    );
  }
  if (!hasBundle && first !== undefined) {
    throw new TypeError(`the worker of task queue ${first.taskQueue} runs workflows, but there is no bundle`);
  }
}

/** States in which a worker no longer has a connection. */
const ENDED: ReadonlySet<string> = new Set(['STOPPED', 'FAILED']);

function assertPools(definitions: readonly TaskQueueWorker[]): void {
  const pools = new Map<string, TaskQueueWorker['pool']>();
  for (const { taskQueue, pool } of definitions) {
    if (pools.has(taskQueue) && pools.get(taskQueue) !== pool) {
      throw new TemporalSetupError(
        'TEMPORAL_WORKER_OPTIONS',
        `task queue ${taskQueue} has workers of different pools, and each takes whatever is next in it: give each pool a task queue of its own`,
      );
    }
    pools.set(taskQueue, pool);
  }
}

/** Handles workers as one; of each, only these methods are used. */
export function handleAsOne(
  workers: readonly (Pick<Worker, 'run' | 'shutdown' | 'getState'> & Partial<Pick<Worker, 'connection'>>)[],
): TemporalWorkers {
  let runs: readonly Promise<void>[] = [];
  const askToStop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const shutdown = async (): Promise<void> => {
    askToStop();
    await Promise.allSettled(runs);
  };
  const run = async (): Promise<void> => {
    runs = workers.map(async (worker) => {
      try {
        await worker.run();
      } finally {
        askToStop();
      }
    });
    await Promise.all(runs);
  };
  return {
    run,
    shutdown,
    isRunning: () => workers.every((worker) => worker.getState() === 'RUNNING'),
    useConnection(connection) {
      for (const worker of workers) if (!ENDED.has(worker.getState())) worker.connection = connection;
    },
    async runUntil(task) {
      const running = run();
      try {
        return await Promise.race([
          task(),
          running.then(() => Promise.reject(new Error('the workers stopped first'))),
        ]);
      } finally {
        await shutdown();
        await running;
      }
    },
  };
}
