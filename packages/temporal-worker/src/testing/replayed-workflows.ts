import {
  ApplicationFailure,
  executeChild,
  patched,
  proxyActivities,
  proxyLocalActivities,
  sleep,
} from '@temporalio/workflow';

/** What the workflows whose histories are replayed call. */
export interface ReplayedActivities {
  charge(): Promise<string>;
  ship(): Promise<string>;
}

const { charge, ship } = proxyActivities<ReplayedActivities>({ startToCloseTimeout: '10 seconds' });
const local = proxyLocalActivities<ReplayedActivities>({ startToCloseTimeout: '5 seconds' });

/** Stays as it is. */
export async function unchanged(secret: string): Promise<string> {
  await charge();
  return secret;
}

/** Is going to charge before it sleeps. */
export async function oneActivityMore(): Promise<void> {
  await sleep(1);
}

/** Is going to sleep no more. */
export async function oneTimerLess(): Promise<void> {
  await sleep(1);
  await charge();
}

/** Is going to call another activity, in the third of its workflow tasks. */
export async function otherActivity(): Promise<void> {
  await charge();
  await charge();
  await charge();
}

/** Is going to call another local activity. */
export async function otherLocalActivity(): Promise<void> {
  await local.charge();
}

/** Is going to start another child. */
export async function otherChild(): Promise<void> {
  await executeChild(unchanged, { args: ['child'] });
}

/** Is going to lose its patch. */
export async function patchLess(): Promise<void> {
  if (patched('charge-first')) await charge();
  await ship();
}

/** Is going to throw what no workflow throws on purpose. */
export async function mistaken(): Promise<void> {
  await charge();
}

/** Is going to run in circles. */
export async function endless(): Promise<void> {
  await charge();
}

/** Is going to be gone. */
export async function gone(): Promise<void> {
  await charge();
}

/** Fails; is going to succeed. */
export async function failing(): Promise<void> {
  await charge();
  throw ApplicationFailure.nonRetryable('no money', 'NoMoney');
}
