import { ApplicationFailure, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';

/** Activities of the workflows here. */
export interface OutageActivities {
  repeat(text: string): Promise<string>;
  /** Sends a heartbeat with details every 50 ms, for so long. */
  beat(durationMs: number): Promise<string>;
  fail(text: string): Promise<void>;
}

/** What no attempt may be lost for. */
const once = { startToCloseTimeout: '60 seconds', retry: { maximumAttempts: 1 } } as const;

const here = proxyActivities<OutageActivities>(once);

/** Has one attempt to repeat a text on another task queue. */
export async function delegate(taskQueue: string, text: string): Promise<string> {
  const there = proxyActivities<OutageActivities>({ ...once, taskQueue });
  return there.repeat(text);
}

/** Needs nobody else. */
export async function greet(text: string): Promise<string> {
  return here.repeat(text);
}

/** Makes results, failures and heartbeats, one after the other, for so long. */
export async function toil(durationMs: number): Promise<number> {
  const endsAt = Date.now() + durationMs;
  let rounds = 0;
  while (Date.now() < endsAt) {
    rounds++;
    if ((await here.repeat(`round ${rounds}`)) !== `round ${rounds}`) throw new Error('another result');
    if ((await here.beat(150)) !== 'beaten') throw new Error('another heartbeat');
    const failure: unknown = await here.fail(`round ${rounds}`).catch((error: unknown) => error);
    const cause = failure instanceof Error ? failure.cause : null;
    if (!(cause instanceof Error) || cause.message !== `round ${rounds}`) throw new Error('another failure');
    await sleep(20, { summary: `round ${rounds}` });
  }
  throw ApplicationFailure.nonRetryable(`${workflowInfo().workflowId} made its rounds`, 'Done', rounds);
}
