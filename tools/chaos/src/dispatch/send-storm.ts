import { setTimeout as sleep } from 'node:timers/promises';
import type { DispatchClient } from '@heliograph/dispatch-api';
import { createAlertStorm, type StormIssue } from '@heliograph/simulators';
import type { Acknowledged } from './check-dispatch.ts';
import { planSteps } from './scenario.ts';

/** Requests in flight at once, of different alerts. */
const LANES = 16;
const TICK_MS = 50;
const RETRY_EVERY_MS = 500;
const GIVE_UP_MS = 180_000;

/** What was acknowledged, and how many requests had to be repeated for it. */
export interface StormResult {
  readonly acknowledged: readonly Acknowledged[];
  readonly retries: number;
}

/**
 * Reports every planned issue, spread over the run by `progress` (0 to 1). The issues of one alert are reported one after
 * another, each until it is acknowledged.
 */
export async function sendStorm(options: {
  readonly client: DispatchClient;
  readonly alerts: number;
  readonly seed: number;
  readonly progress: () => number;
  readonly signal: AbortSignal;
}): Promise<StormResult> {
  const { client, alerts, seed, progress, signal } = options;
  const subjects = createAlertStorm({ seed, subjects: alerts });
  const tails = new Map<number, Promise<void>>();
  const acknowledged: Acknowledged[] = [];
  let retries = 0;
  const inFlight = new Set<Promise<void>>();
  let failure: unknown = null;
  for (const { at, subject: index, status } of planSteps({ alerts, seed })) {
    const isDue = (): boolean => progress() >= at && inFlight.size < LANES;
    while (!isDue()) await sleep(TICK_MS, undefined, { signal });
    if (failure !== null) break;
    const subject = subjects[index];
    if (subject === undefined) continue;
    const report = async (): Promise<void> => {
      const issue = subject.issue(status, Date.now());
      retries += await storeUntilAcknowledged(client, issue, signal);
      acknowledged.push({ eventId: issue.eventId, fingerprint: issue.fingerprint });
    };
    const tail = (tails.get(index) ?? Promise.resolve()).then(report).catch((error: unknown) => {
      failure ??= error;
    });
    tails.set(index, tail);
    inFlight.add(tail);
    void tail.then(() => inFlight.delete(tail));
  }
  await Promise.all(tails.values());
  // oxlint-disable-next-line typescript/only-throw-error -- what a request rejected with
  if (failure !== null) throw failure;
  return { acknowledged, retries };
}

/**
 * Stores an issue as a monitor does that does not give up: the same request again after no answer or 5xx, for three
 * minutes. Resolves to the number of repetitions.
 */
async function storeUntilAcknowledged(
  client: DispatchClient,
  body: StormIssue,
  signal: AbortSignal,
): Promise<number> {
  const deadline = performance.now() + GIVE_UP_MS;
  for (let retries = 0; ; retries++) {
    try {
      await client.storeIssues({ body, signal });
      return retries;
    } catch (error) {
      signal.throwIfAborted();
      if (!isRetryable(error) || performance.now() > deadline) throw error;
      await sleep(RETRY_EVERY_MS, undefined, { signal });
    }
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}
