import {
  createTemporalWorkers,
  type TaskQueueWorker,
  type TemporalWorkers,
  type TemporalWorkersOptions,
} from '@heliograph/temporal-worker';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import { DELIVERY_TASK_QUEUE, DISPATCH_TASK_QUEUE } from '../contract/names.ts';

/** What runs on the task queues of dispatching. */
export interface DispatchWork {
  readonly activities: DispatchActivities;
  /** Patient deliveries at once; they mostly wait. Default 500. */
  readonly deliverySlots?: number;
  /** How long running activities may go on after a stop, in milliseconds; default 10 000. */
  readonly shutdownGraceMs?: number;
}

/** How late a delivery that waits learns that its workflow asks it to come back, in milliseconds. */
const HEARTBEAT_THROTTLE_MS = 3000;

/**
 * Defines the workers of one process: one for workflows, scans and state rows, and one with slots of its own for
 * deliveries that take their time, so that a receiver that is down does not delay anything else. Both are critical: alerts
 * go out on a machine that is short of memory or CPU, too.
 */
export function defineDispatchWorkers(work: DispatchWork): readonly TaskQueueWorker[] {
  const { activities, deliverySlots = 500, ...each } = work;
  return [
    { ...each, taskQueue: DISPATCH_TASK_QUEUE, workflows: true, activities, pool: 'critical' },
    {
      ...each,
      taskQueue: DELIVERY_TASK_QUEUE,
      activities: { deliverPatiently: (order: DeliveryOrder) => activities.deliverPatiently(order) },
      slots: { kind: 'io', maximum: deliverySlots },
      pool: 'critical',
      heartbeatThrottleMs: HEARTBEAT_THROTTLE_MS,
    },
  ];
}

/** Options of {@link createDispatchWorkers}. */
export interface DispatchWorkersOptions extends DispatchWork, Omit<TemporalWorkersOptions, 'workers'> {
  readonly workflowBundle: { readonly code: string };
}

/** Creates the workers that {@link defineDispatchWorkers} defines. */
export function createDispatchWorkers(options: DispatchWorkersOptions): Promise<TemporalWorkers> {
  const { activities, deliverySlots, shutdownGraceMs, ...shared } = options;
  return createTemporalWorkers({
    ...shared,
    workers: defineDispatchWorkers({
      activities,
      ...(deliverySlots === undefined ? {} : { deliverySlots }),
      ...(shutdownGraceMs === undefined ? {} : { shutdownGraceMs }),
    }),
  });
}
