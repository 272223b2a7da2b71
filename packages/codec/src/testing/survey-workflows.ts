import {
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  upsertMemo,
} from '@temporalio/workflow';

/** Activities of the workflow here. */
export interface SurveyActivities {
  repeat(text: string): Promise<string>;
  fail(text: string): Promise<void>;
  wait(text: string): Promise<void>;
}

const { repeat } = proxyLocalActivities<SurveyActivities>({ startToCloseTimeout: '10 seconds' });
const { fail } = proxyActivities<SurveyActivities>({
  startToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
});
const { wait } = proxyActivities<SurveyActivities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '1 minute',
});

export const goSignal = defineSignal<[string]>('go');
export const textUpdate = defineUpdate<string, [string]>('text');

/** Leaves a text in every place of a history that holds payloads, and waits for a signal before it starts anew. */
export async function visitEveryPlace(text: string, isLast = false): Promise<string> {
  let isSignalled = false;
  setHandler(goSignal, () => {
    isSignalled = true;
  });
  setHandler(textUpdate, (given) => `${given} updated`);
  if (patched('places')) upsertMemo({ later: text });
  await repeat(text);
  try {
    await fail(text);
  } catch {
    // Its failure is what is wanted.
  }
  await condition(() => isSignalled);
  if (isLast) await wait(text);
  return continueAsNew<typeof visitEveryPlace>(text, true);
}
