import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  executeChild,
  proxyActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';

/** Activities of the workflows here. */
export interface CanaryActivities {
  repeat(text: string): Promise<string>;
  fail(text: string): Promise<void>;
}

const { repeat, fail } = proxyActivities<CanaryActivities>({
  startToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
});

export const textSignal = defineSignal<[string]>('text');
export const textQuery = defineQuery<string, [string]>('last');

/** Carries a text through every kind of payload: argument, activity, signal, query, child, timer summary, result. */
export async function carry(text: string): Promise<string> {
  let signalled: string | null = null;
  setHandler(textSignal, (given) => {
    signalled = given;
  });
  setHandler(textQuery, (prefix) => `${prefix} ${signalled ?? 'nothing'}`);
  const repeated = await repeat(text);
  await sleep('1 millisecond', { summary: text });
  await condition(() => signalled !== null);
  return executeChild(echo, { args: [repeated], memo: { text } });
}

export async function echo(text: string): Promise<string> {
  return text;
}

/** Fails with a text in the message, in the details, and in the failure of an activity as its cause. */
export async function failWith(text: string): Promise<void> {
  try {
    await fail(text);
  } catch (error) {
    throw ApplicationFailure.create({
      message: `failed: ${text}`,
      type: 'Declined',
      details: [text],
      nonRetryable: true,
      ...(error instanceof Error ? { cause: error } : {}),
    });
  }
}
