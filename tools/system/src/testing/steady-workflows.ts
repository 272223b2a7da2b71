import { proxyActivities, sleep } from '@temporalio/workflow';

/** Activities of the workflow here. */
export interface SteadyActivities {
  note(what: string): Promise<string>;
}

// No failed attempt may be made up for by another one.
const once = proxyActivities<SteadyActivities>({
  startToCloseTimeout: '5 minutes',
  retry: { maximumAttempts: 1 },
});
// An attempt whose answer is lost on the way is made again.
const patient = proxyActivities<SteadyActivities>({
  startToCloseTimeout: '20 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 1 },
});

/** Notes something again and again, with a pause in between, and returns how often. */
export async function steady(
  name: string,
  rounds: number,
  pauseMs: number,
  isPatient = false,
): Promise<number> {
  for (let round = 0; round < rounds; round++) {
    await (isPatient ? patient : once).note(`${name}/${round}`);
    await sleep(pauseMs);
  }
  return rounds;
}
