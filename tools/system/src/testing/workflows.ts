import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
} from '@temporalio/workflow';

/** A text for each place of a workflow. */
export interface Texts {
  readonly input: string;
  readonly activityInput: string;
  readonly activityResult: string;
  readonly activityFailure: string;
  readonly failureMessage: string;
  readonly failureDetails: string;
  readonly currentDetails: string;
  readonly activitySummary: string;
  readonly timerSummary: string;
  readonly updateResult: string;
}

/** Activities of the workflow here. */
export interface SpeakingActivities {
  answer(input: string, result: string): Promise<string>;
  refuse(message: string): Promise<void>;
}

const options = { startToCloseTimeout: '10 seconds', retry: { maximumAttempts: 1 } } as const;

export const goOn = defineSignal<[string]>('goOn');
export const ask = defineUpdate<string, [string]>('ask');
export const last = defineQuery<string>('last');

/** Puts a text into every place of a history that a workflow can write to, and fails with the last ones. */
export async function speak(texts: Texts): Promise<void> {
  let heard: string | null = null;
  setHandler(goOn, (text) => {
    heard = text;
  });
  setHandler(ask, () => texts.updateResult);
  setHandler(last, () => heard ?? '');
  setCurrentDetails(texts.currentDetails);
  const { answer, refuse } = proxyActivities<SpeakingActivities>({
    ...options,
    summary: texts.activitySummary,
  });
  await answer(texts.activityInput, texts.activityResult);
  await sleep('10 milliseconds', { summary: texts.timerSummary });
  await condition(() => heard !== null);
  try {
    await refuse(texts.activityFailure);
  } catch (error) {
    throw ApplicationFailure.create({
      message: texts.failureMessage,
      type: 'Declined',
      details: [texts.failureDetails],
      nonRetryable: true,
      ...(error instanceof Error ? { cause: error } : {}),
    });
  }
}

/** Gives its input back. */
export async function repeat(text: string): Promise<string> {
  return text;
}
