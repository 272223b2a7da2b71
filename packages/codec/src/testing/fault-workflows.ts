import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  upsertMemo,
} from '@temporalio/workflow';

/** Activities of the workflows here. */
export interface FaultActivities {
  /** Fails with details, and with a cause that has details too. */
  fail(text: string): Promise<void>;
  /** Fails so often, then gives its text back. */
  succeedLate(text: string, failures: number): Promise<string>;
  repeat(text: string): Promise<string>;
}

const { fail, repeat } = proxyActivities<FaultActivities>({
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
export async function readFailure(text: string): Promise<SeenFailure | null> {
  try {
    await fail(text);
    return null;
  } catch (error) {
    const failure = error instanceof ActivityFailure ? error.cause : null;
    const cause = failure?.cause;
    if (!(failure instanceof ApplicationFailure) || !(cause instanceof ApplicationFailure)) throw error;
    return {
      message: failure.message,
      details: failure.details,
      causeMessage: cause.message,
      causeDetails: cause.details,
    };
  }
}

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
