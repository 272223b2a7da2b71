import { CancellationScope, proxyActivities, proxyLocalActivities, sleep } from '@temporalio/workflow';
import type { ActivityClass } from '../policies/activity-class.ts';
import { ACTIVITY_CLASSES } from '../policies/activity-classes.ts';
import { activityOptions, localActivityOptions } from '../policies/options.ts';
import { runWithDeadline } from '../workflows/run-with-deadline.ts';

/** What these workflows call. */
export interface PolicyActivities {
  work(): Promise<string>;
  undo(): Promise<void>;
}

/** Calls one activity with the timeouts and retries of a class, on a queue of its own where one is named. */
export async function callOnce(policy: ActivityClass, taskQueue?: string): Promise<string> {
  const { work } =
    policy.kind === 'local'
      ? proxyLocalActivities<PolicyActivities>(localActivityOptions(policy))
      : proxyActivities<PolicyActivities>(
          activityOptions(policy, taskQueue === undefined ? {} : { taskQueue }),
        );
  return work();
}

/** What the workflow of the guide did: it gave up after `seconds`, whatever the gateway does. */
export async function naivePayment(bound: 'scheduleToClose' | 'startToClose', ms: number): Promise<string> {
  const { work } = proxyActivities<PolicyActivities>({
    [`${bound}Timeout`]: ms,
    retry: { initialInterval: ms / 30, maximumAttempts: 4 },
  });
  return work();
}

/** Works for a month, unless a deadline passes, and then compensates, which takes another week. */
export async function workUntil(afterMs: number): Promise<string> {
  return runWithDeadline(Date.now() + afterMs, workAndUndo);
}

/** Works for a month, and compensates when it is cancelled. */
export async function workAndUndo(): Promise<string> {
  try {
    await sleep('30 days');
    return 'done';
  } catch (error) {
    await CancellationScope.nonCancellable(async () => {
      await sleep('7 days');
      await proxyActivities<PolicyActivities>(activityOptions(ACTIVITY_CLASSES.compensation)).undo();
    });
    throw error;
  }
}
