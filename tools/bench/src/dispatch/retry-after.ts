import { setTimeout as sleep } from 'node:timers/promises';
import { createAlertStorm } from '@heliograph/simulators';
import type { Stack } from '@heliograph/stack';
import { percentile } from '../statistics.ts';
import { awaitArrivals } from './await-arrivals.ts';
import { countFaults } from './count-faults.ts';
import { startDispatchCenter } from './dispatch-center.ts';
import { inBlock } from './push-latency.ts';
import { startSinkProcess, type Received } from './sink-process.ts';

/** What happened to alerts whose first notification was answered with 429 and Retry-After. */
export interface RetryAfterRun {
  /** From the 429 to the acceptance of the same notification, in milliseconds. */
  readonly p50Ms: number;
  /** Alerts whose first notification was accepted, although they resolve while it waits. */
  readonly delivered: number;
  readonly of: number;
}

/** What `countFaults` needs to judge the phase. */
export interface RetryAfterArrivals {
  /** Of all issues, firing and resolved, in the order in which they were stored within a stream. */
  readonly eventIds: readonly string[];
  readonly received: readonly Received[];
}

const BLOCK = 'retryafter';
const ALERTS = 500;
/** Alerts per second: firing and resolve together stay below the machine's capacity. */
const PER_SECOND = 12;
/** How long the receiver stays for notifications that nobody expects, in milliseconds. */
const EXTRA_MS = 1000;
/** How long after it fired an alert resolves, in milliseconds: while its notification waits. */
const RESOLVES_AFTER_MS = 500;

/**
 * Answers every alert's first notification with 429 and Retry-After 1 s, resolves every alert in the middle of that wait,
 * and measures when the first notification is accepted. Alertmanager's next flush would find the alerts resolved and
 * notify nobody.
 */
export async function measureRetryAfter(
  root: string,
  stack: Stack,
): Promise<{ readonly run: RetryAfterRun; readonly arrivals: RetryAfterArrivals }> {
  const sink = await startSinkProcess([
    { timesPerStream: 1, fault: { kind: 'status', status: 429, retryAfterSeconds: 1 } },
  ]);
  const center = await startDispatchCenter(root, stack, BLOCK, sink.url);
  try {
    const requests: Promise<unknown>[] = [];
    const firing: string[] = [];
    const eventIds: string[] = [];
    const startedAt = performance.now();
    for (const [index, subject] of createAlertStorm({ seed: 77, subjects: ALERTS }).entries()) {
      await sleep(Math.max(0, startedAt + (index * 1000) / PER_SECOND - performance.now()));
      const issue = inBlock(BLOCK, subject.issue('firing', Date.now()));
      firing.push(issue.eventId);
      eventIds.push(issue.eventId);
      requests.push(
        center.client
          .storeIssues({ body: issue })
          .then(() => sleep(RESOLVES_AFTER_MS))
          .then(() => {
            const resolved = inBlock(BLOCK, subject.issue('resolved', Date.now()));
            eventIds.push(resolved.eventId);
            return center.client.storeIssues({ body: resolved });
          }),
      );
    }
    await Promise.all(requests);
    await awaitArrivals(sink, () => countFaults(eventIds, sink.received).lost === 0, { pollMs: 250 });
    await sleep(EXTRA_MS);
    const { received } = sink;
    const waits = findWaits(firing, received);
    return {
      run: { p50Ms: Math.round(percentile(waits, 0.5)), delivered: waits.length, of: ALERTS },
      arrivals: { eventIds, received },
    };
  } finally {
    await center.stop();
    await sink.stop();
  }
}

/** Finds, for each first notification that was accepted, how long after its 429 that was. */
function findWaits(eventIds: readonly string[], received: readonly Received[]): readonly number[] {
  const wanted = new Set(eventIds);
  const refusedAt = new Map<string, number>();
  const waits = new Map<string, number>();
  for (const { eventId, at, isAccepted } of received) {
    if (!wanted.has(eventId)) continue;
    if (!isAccepted) refusedAt.set(eventId, refusedAt.get(eventId) ?? at);
    else if (!waits.has(eventId)) waits.set(eventId, at - (refusedAt.get(eventId) ?? Number.NaN));
  }
  return [...waits.values()];
}
