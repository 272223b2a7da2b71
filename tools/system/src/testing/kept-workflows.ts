import { condition, defineSignal, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';

/** Activities of the workflow here. */
export interface KeepingActivities {
  repeat(text: string): Promise<string>;
}

/** Lets an activity repeat a text, keeps it, and returns it. */
export const add = defineUpdate<string, [string]>('add');
export const end = defineSignal('end');

// No failed attempt may be made up for by another one.
const { repeat } = proxyActivities<KeepingActivities>({
  startToCloseTimeout: '5 minutes',
  retry: { maximumAttempts: 1 },
});

/** Runs until it is told to end, and returns every text that it was given. */
export async function keep(first: string): Promise<readonly string[]> {
  const texts = [first];
  let isOver = false;
  setHandler(add, async (text) => {
    const repeated = await repeat(text);
    texts.push(repeated);
    return repeated;
  });
  setHandler(end, () => {
    isOver = true;
  });
  await condition(() => isOver);
  return texts;
}
