import type { Priority } from '@temporalio/common';
import { proxyActivities } from '@temporalio/workflow';

/** What the two pools of the benchmark run. */
export interface PoolActivities {
  /** Holds its slot for that long. */
  hold(ms: number): Promise<void>;
  /** Returns how long it waited to be started, in milliseconds. */
  touch(): Promise<number>;
}

/** On which task queue an activity runs, and before which others. */
export interface Where {
  readonly taskQueue: string;
  readonly priority: Priority;
}

/** Schedules `count` activities at once, each of which holds a slot. */
export async function holdSlots(where: Where, count: number, ms: number): Promise<void> {
  const { hold } = proxyActivities<PoolActivities>({ startToCloseTimeout: '1 minute', ...where });
  await Promise.all(Array.from({ length: count }, () => hold(ms)));
}

/** Runs one short activity. */
export async function touchOnce(where: Where): Promise<number> {
  return proxyActivities<PoolActivities>({ startToCloseTimeout: '1 minute', ...where }).touch();
}
