import { executeChild, proxyActivities, proxyLocalActivities, sleep } from '@temporalio/workflow';
import { type ReplayedActivities, unchanged } from './replayed-workflows.ts';

export { unchanged } from './replayed-workflows.ts';

const { charge, ship } = proxyActivities<ReplayedActivities>({ startToCloseTimeout: '10 seconds' });
const local = proxyLocalActivities<ReplayedActivities>({ startToCloseTimeout: '5 seconds' });

export async function oneActivityMore(): Promise<void> {
  await charge();
  await sleep(1);
}

export async function oneTimerLess(): Promise<void> {
  await charge();
}

export async function otherActivity(): Promise<void> {
  await charge();
  await charge();
  await ship();
}

export async function otherLocalActivity(): Promise<void> {
  await local.ship();
}

export async function otherChild(): Promise<void> {
  await executeChild(otherActivity);
}

export async function patchLess(): Promise<void> {
  await charge();
  await ship();
}

export async function mistaken(): Promise<void> {
  await charge();
  const nothing: { readonly rows?: readonly string[] } = JSON.parse('{}');
  nothing.rows!.map(String);
}

export async function endless(): Promise<void> {
  await charge();
  for (;;);
}

export async function failing(): Promise<void> {
  await charge();
}

/** Keeps the import of a type that is used as a value only here. */
export async function another(): Promise<void> {
  await executeChild(unchanged, { args: ['again'] });
}
