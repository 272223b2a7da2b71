import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  executeChild,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';

/** Activities of the workflows here. */
export interface FaultActivities {
  /** Fails with details, and with a cause that has details too. */
  fail(text: string): Promise<void>;
  /** Fails so often, then gives its text back. */
  succeedLate(text: string, failures: number): Promise<string>;
  repeat(text: string): Promise<string>;
  /** Is completed by a client. */
  later(text: string): Promise<string>;
}

const { fail, later, repeat } = proxyActivities<FaultActivities>({
  startToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
});

/** What a workflow sees of a failure of its activity. */
export interface SeenFailure {
  readonly message: string;
  readonly details: unknown;
  readonly causeMessage: string;
  readonly causeDetails: unknown;
}

/** Reads the details of a failure, and of its cause, where both have to be decoded before the workflow runs. */
export function readFailure(text: string): Promise<SeenFailure | null> {
  return failureOf(fail(text));
}

/** The same for a local activity, whose failure is in a marker. */
export function readLocalFailure(text: string): Promise<SeenFailure | null> {
  return failureOf(impatient.fail(text));
}

/** The same for an activity that a client completes. */
export function readLaterFailure(text: string): Promise<SeenFailure | null> {
  return failureOf(later(text));
}

async function failureOf(activity: Promise<unknown>): Promise<SeenFailure | null> {
  try {
    await activity;
    return null;
  } catch (error) {
    // That of a local activity comes as it is.
    const failure = error instanceof ActivityFailure ? error.cause : error;
    const cause = failure instanceof Error ? failure.cause : null;
    if (!(failure instanceof ApplicationFailure) || !(cause instanceof ApplicationFailure)) throw error;
    return {
      message: failure.message,
      details: failure.details,
      causeMessage: cause.message,
      causeDetails: cause.details,
    };
  }
}

const impatient = proxyLocalActivities<FaultActivities>({
  startToCloseTimeout: '5 seconds',
  retry: { maximumAttempts: 1 },
});

const patient = proxyLocalActivities<FaultActivities>({
  startToCloseTimeout: '5 seconds',
  // Above it, the SDK waits on a timer of the workflow and starts the activity anew from its markers.
  localRetryThreshold: '10 milliseconds',
  retry: { initialInterval: '50 milliseconds', backoffCoefficient: 1 },
});

/** Waits between the attempts of a local activity on a timer. */
export async function retryLocally(text: string): Promise<string> {
  return patient.succeedLate(text, 2);
}

export const next = defineSignal<[string]>('next');

/** Gives back what it was signalled; it stays in the cache of its worker meanwhile. */
export async function collect(wanted: number): Promise<readonly string[]> {
  const texts: string[] = [];
  setHandler(next, (text) => void texts.push(text));
  await condition(() => texts.length >= wanted);
  return texts;
}

/** Writes a memo while it runs. */
export async function note(text: string): Promise<string> {
  upsertMemo({ later: text });
  return repeat(text);
}

export const refuse = defineUpdate<void, [string]>('refuse');

/** Fails each update, until it is signalled. */
export async function refusing(): Promise<void> {
  let isOver = false;
  setHandler(refuse, async (text) => {
    await repeat(text);
    const cause = ApplicationFailure.nonRetryable(`inner ${text}`, 'Inner', `inner detail ${text}`);
    throw ApplicationFailure.create({ message: `outer ${text}`, details: [`outer detail ${text}`], cause });
  });
  setHandler(next, () => {
    isOver = true;
  });
  await condition(() => isOver);
}

/** A search attribute of the workflows here, of type Keyword. */
export const TAG = defineSearchAttributeKey('FaultTag', 'KEYWORD');

/** Starts a child with a search attribute and a memo; the child gives both back from a second run. */
export function parentOfTagged(text: string): Promise<unknown> {
  return executeChild(tagged, {
    workflowId: `${workflowInfo().workflowId}-child`,
    args: [text, 2],
    typedSearchAttributes: [{ key: TAG, value: 'tagged' }],
    memo: { of: text },
  });
}

/** Continues as new until it is the last run, then gives back what it carries. */
export async function tagged(text: string, runs: number): Promise<unknown> {
  if (runs > 1) return continueAsNew<typeof tagged>(text, runs - 1);
  const { memo, typedSearchAttributes } = workflowInfo();
  return { memo, tag: typedSearchAttributes.get(TAG), text };
}
