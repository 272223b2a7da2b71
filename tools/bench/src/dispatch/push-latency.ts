import { setTimeout as sleep } from 'node:timers/promises';
import { createAlertStorm, type StormIssue } from '@heliograph/simulators';
import type { Stack } from '@heliograph/stack';
import { awaitArrivals } from './await-arrivals.ts';
import { type DispatchCenter, startDispatchCenter } from './dispatch-center.ts';
import type { SinkProcess } from './sink-process.ts';

/** An open loop: issues arrive on schedule whatever the system does, so that stalls are counted. */
export interface LatencyRun {
  /** From just before the request to the arrival at the sink, in milliseconds, one per issue that arrived. */
  readonly latenciesMs: readonly number[];
  readonly eventIds: readonly string[];
  /** Issues sent beforehand as a warm-up. */
  readonly warmEventIds: readonly string[];
}

/** Starts the real API and worker, sends issues at a steady rate, and measures until each notification arrives. */
export async function measurePushLatency(
  root: string,
  stack: Stack,
  sink: SinkProcess,
  options: { readonly perSecond: number; readonly seconds: number },
): Promise<LatencyRun> {
  const center = await startDispatchCenter(root, stack, 'latency', sink.url);
  try {
    const warmEventIds: string[] = [];
    for (const subject of createAlertStorm({ seed: 5, subjects: 20 })) {
      const issue = inBlock('latency', subject.issue('firing', Date.now()));
      warmEventIds.push(issue.eventId);
      await center.client.storeIssues({ body: issue });
    }
    await sleep(2000);
    return { ...(await openLoop(center, sink, options)), warmEventIds };
  } finally {
    await center.stop();
  }
}

/** Gives an issue the label that the route of a run asks for: routes of other runs are in the same database. */
export function inBlock(block: string, issue: StormIssue): StormIssue {
  return { ...issue, labels: { ...issue.labels, block } };
}

async function openLoop(
  center: DispatchCenter,
  sink: SinkProcess,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Omit<LatencyRun, 'warmEventIds'>> {
  const sentAt = new Map<string, number>();
  const requests: Promise<unknown>[] = [];
  const startedAt = performance.now();
  for (const [index, subject] of createAlertStorm({ seed: 9, subjects: perSecond * seconds }).entries()) {
    await sleep(Math.max(0, startedAt + (index * 1000) / perSecond - performance.now()));
    const issue = inBlock('latency', subject.issue('firing', Date.now()));
    sentAt.set(issue.eventId, Date.now());
    requests.push(center.client.storeIssues({ body: issue }));
  }
  await Promise.all(requests);
  const arrived = new Map<string, number>();
  const isComplete = (): boolean => {
    for (const { eventId, at } of sink.received) {
      if (sentAt.has(eventId) && !arrived.has(eventId)) arrived.set(eventId, at);
    }
    return arrived.size === sentAt.size;
  };
  await awaitArrivals(sink, isComplete, { pollMs: 100 });
  return {
    eventIds: [...sentAt.keys()],
    latenciesMs: [...arrived].map(([eventId, at]) => at - (sentAt.get(eventId) ?? at)),
  };
}
