import {
  condition,
  defineSignal,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';

/** Activities of the workflow here. */
export interface KeepingActivities {
  repeat(text: string): Promise<string>;
}

/** How an activity is run: by a task of its own, or within that of its workflow. */
export type Place = 'remote' | 'local';

/** Lets an activity repeat a text, keeps it, and returns it. */
export const add = defineUpdate<string, [string, Place]>('add');
export const end = defineSignal('end');

// No failed attempt may be made up for by another one.
const once = { startToCloseTimeout: '5 minutes', retry: { maximumAttempts: 1 } } as const;
const activities = {
  remote: proxyActivities<KeepingActivities>(once),
  local: proxyLocalActivities<KeepingActivities>(once),
};

/** Runs until it is told to end, and returns every text that it was given. */
export async function keep(first: string): Promise<readonly string[]> {
  const texts = [first];
  let isOver = false;
  setHandler(add, async (text, place) => {
    const repeated = await activities[place].repeat(text);
    texts.push(repeated);
    return repeated;
  });
  setHandler(end, () => {
    isOver = true;
  });
  await condition(() => isOver);
  return texts;
}
