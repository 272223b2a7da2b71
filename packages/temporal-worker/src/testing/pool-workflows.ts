import type { Priority } from '@temporalio/common';
import { proxyActivities } from '@temporalio/workflow';

/** What the activities of these tests do. */
export interface PoolActivities {
  work(name: string): Promise<void>;
}

/** A job: on which task queue it runs, and before which others. */
export interface Job {
  readonly name: string;
  readonly taskQueue: string;
  readonly priority?: Priority;
}

/** Schedules every job at once and waits for all. */
export async function runJobs(jobs: readonly Job[]): Promise<void> {
  await Promise.all(
    jobs.map(({ name, ...options }) =>
      proxyActivities<PoolActivities>({ startToCloseTimeout: '2 minutes', ...options }).work(name),
    ),
  );
}
