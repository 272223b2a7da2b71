import { proxyActivities, sleep } from '@temporalio/workflow';

const { tryHard } = proxyActivities<{ tryHard(): Promise<string> }>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '1 hour', backoffCoefficient: 1 },
});

/** Sleeps for so long. */
export async function sleeper(days: number): Promise<number> {
  const startedAt = Date.now();
  await sleep(days * 86_400_000);
  return Date.now() - startedAt;
}

/** Calls an activity whose retries are hours apart. */
export async function patient(): Promise<string> {
  return tryHard();
}
