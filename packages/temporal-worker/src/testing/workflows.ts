import {
  condition,
  continueAsNew,
  executeChild,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
  defineSignal,
} from '@temporalio/workflow';

/** What the workflows of these tests call. */
export interface Activities {
  greet(name: string): Promise<string>;
}

const regular = proxyActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: { maximumAttempts: 1 },
});
const local = proxyLocalActivities<Activities>({
  startToCloseTimeout: '5 seconds',
  retry: { maximumAttempts: 1 },
});

/** Greets by a regular activity. */
export async function greeting(name: string): Promise<string> {
  return regular.greet(name);
}

/** Greets in every way in which a trace can go on: regular, local, in a child and after a continue-as-new. */
export async function everyWay(again = true): Promise<void> {
  await regular.greet('regular');
  await local.greet('local');
  await executeChild(greeting, { args: ['child'] });
  if (again) await continueAsNew<typeof everyWay>(false);
}

const patient = proxyActivities<Activities>({
  startToCloseTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 1 },
});

/** Greets several times with a pause in between, as often as it takes. */
export async function patientGreetings(name: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await patient.greet(`${name}-${index}`);
    await sleep(400);
  }
}

/** Greets again and again, with a pause in between. */
export async function slowGreetings(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await regular.greet(String(index));
    await sleep(100);
  }
}

/** Ends a `waiting`. */
export const goSignal = defineSignal('go');

/** Waits for a signal. */
export async function waiting(): Promise<void> {
  let gone = false;
  setHandler(goSignal, () => {
    gone = true;
  });
  await condition(() => gone);
}
