import { createTemporalWorker, type TemporalWorkerOptions } from '@heliograph/temporal-worker';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import { DELIVERY_TASK_QUEUE, DISPATCH_TASK_QUEUE } from '../contract/names.ts';

/** What a dispatch worker is made of; see `TemporalWorkerOptions` for the rest. */
export interface DispatchWorkersOptions extends Omit<
  TemporalWorkerOptions,
  'taskQueue' | 'activities' | 'workflowBundle' | 'slots'
> {
  readonly workflowBundle: { readonly code: string };
  readonly activities: DispatchActivities;
  /** Patient deliveries at once; they mostly wait. Default 500. */
  readonly deliverySlots?: number;
}

/** The two workers of dispatching, as one. */
export interface DispatchWorkers {
  /** Runs until `shutdown`, or until one of them fails; then the other is stopped, too. */
  run(): Promise<void>;
  /** Runs while something else does, and stops when that ends. */
  runUntil<T>(task: () => Promise<T>): Promise<T>;
  /** Asks both to stop; `run` ends when they have. */
  shutdown(): void;
  /** Whether both work. */
  isRunning(): boolean;
}

/**
 * Makes the workers of one process: one for workflows, scans and state rows, one with slots of its own for deliveries
 * that take their time, so that a receiver that is down keeps nothing else waiting.
 */
export async function createDispatchWorkers(options: DispatchWorkersOptions): Promise<DispatchWorkers> {
  const { workflowBundle, deliverySlots = 500, activities, ...shared } = options;
  const [main, deliveries] = await Promise.all([
    createTemporalWorker({ ...shared, activities, workflowBundle, taskQueue: DISPATCH_TASK_QUEUE }),
    createTemporalWorker({
      ...shared,
      activities: { deliverPatiently: (order: DeliveryOrder) => activities.deliverPatiently(order) },
      taskQueue: DELIVERY_TASK_QUEUE,
      slots: { kind: 'io', activities: deliverySlots },
    }),
  ]);
  const workers = [main, deliveries];
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const run = async (): Promise<void> => {
    const runs = workers.map(async (worker) => {
      try {
        await worker.run();
      } finally {
        shutdown();
      }
    });
    const failed = (await Promise.allSettled(runs)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
  return {
    run,
    shutdown,
    isRunning: () => workers.every((worker) => worker.getState() === 'RUNNING'),
    async runUntil(task) {
      const running = run();
      try {
        // A worker that fails ends the task's wait, not the other way round.
        return await Promise.race([
          task(),
          running.then(() => Promise.reject(new Error('the workers stopped first'))),
        ]);
      } finally {
        shutdown();
        await running;
      }
    },
  };
}
