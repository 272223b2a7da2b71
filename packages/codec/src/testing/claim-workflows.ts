import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  executeChild,
  getExternalWorkflowHandle,
  ParentClosePolicy,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';

/** Activities of the workflows here. */
export interface LargeActivities {
  make(seed: string, bytes: number): Promise<string>;
  measure(text: string): Promise<number>;
  beat(seed: string, bytes: number): Promise<string>;
}

const { make, measure, beat } = proxyActivities<LargeActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '1 minute',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '1 second' },
});

export const doneSignal = defineSignal<[string]>('done');

/** Carries a large text through argument, activity, result, and back. */
export async function carryLarge(text: string): Promise<string> {
  const made = await make(text.slice(0, 8), text.length);
  const length = await measure(made);
  return `${length} ${made.slice(0, 20)} ${text}`;
}

/** Result of an activity that heartbeats large details. */
export async function heartbeatLarge(seed: string, bytes: number): Promise<string> {
  return beat(seed, bytes);
}

/** A parent that takes a large text from a child, and then stays open until it is signalled. */
export async function parentOfLarge(childId: string, seed: string, bytes: number): Promise<number> {
  let done = '';
  setHandler(doneSignal, (given) => {
    done = given;
  });
  const text = await executeChild(makeLarge, {
    workflowId: childId,
    args: [seed, bytes],
    parentClosePolicy: ParentClosePolicy.ABANDON,
  });
  await condition(() => done !== '');
  return text.length + done.length;
}

export async function makeLarge(seed: string, bytes: number): Promise<string> {
  return make(seed, bytes);
}

/** Continues as new with a large text, until there were enough runs; then it waits for a signal. */
export async function continueLarge(text: string, runs: number): Promise<number> {
  let done = '';
  setHandler(doneSignal, (given) => {
    done = given;
  });
  if (runs > 1) return continueAsNew<typeof continueLarge>(text, runs - 1);
  await condition(() => done !== '');
  return text.length;
}

/** Signals another workflow with a large text. */
export async function signalLarge(workflowId: string, text: string): Promise<string> {
  await getExternalWorkflowHandle(workflowId).signal(doneSignal, text);
  return workflowInfo().workflowId;
}

/** Does nothing with a large text. */
export async function receiveLarge(text: string): Promise<number> {
  return text.length;
}

export const textQuery = defineQuery<string>('text');

/** Answers queries with a large text, until it is signalled. */
export async function answerLarge(text: string): Promise<void> {
  let done = '';
  setHandler(textQuery, () => text);
  setHandler(doneSignal, (given) => {
    done = given;
  });
  await condition(() => done !== '');
}
