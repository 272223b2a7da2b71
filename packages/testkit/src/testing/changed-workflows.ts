import { proxyActivities } from '@temporalio/workflow';

const { rest } = proxyActivities<{ rest(): Promise<void> }>({ startToCloseTimeout: '1 day' });

/** The same workflow type, changed so that it cannot replay what was recorded. */
export async function sleeper(): Promise<void> {
  await rest();
}
