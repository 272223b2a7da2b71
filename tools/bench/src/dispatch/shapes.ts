import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  alertWorkflowId,
  DISPATCH_TASK_QUEUE,
  issueSignal,
  MONITOR_INSTANCE_ALERT,
  type IssueSignal,
  type StreamKey,
} from '@heliograph/dispatch-workflows';
import { DEFAULT_SCAN_OPTIONS } from '@heliograph/dispatch-workflows/activities';
import { wakeOrchestrator } from '@heliograph/dispatch-workflows/client';
import type { NewIssue } from '@heliograph/dispatch-workflows/stores';
import { createAlertStorm } from '@heliograph/simulators';
import { searchAttributeKeys } from '@heliograph/temporal-worker/client';
import { awaitArrivals } from './await-arrivals.ts';
import { WEBHOOK_SECRET, type BenchGround } from './bench-ground.ts';
import type { SinkProcess } from './sink-process.ts';

/** One timed block. */
export interface Block {
  /** Workflows ended per second, from the first signal to the end of the last. */
  readonly perSecond: number;
  readonly routeId: string;
  readonly eventIds: readonly string[];
}

/** Senders of the peers: as many as the product's fan-out has. */
const SENDERS = DEFAULT_SCAN_OPTIONS.concurrency;

/** Runs the product: issues lie in ClickHouse, the orchestrator is woken, and everything follows. */
export async function runProduct(
  ground: BenchGround,
  sink: SinkProcess,
  size: number,
  signalsPerStream = 1,
): Promise<Block> {
  const { routeId, issues } = await prepare(ground, sink, size, signalsPerStream, true);
  const startedAt = performance.now();
  await wakeOrchestrator(ground.client);
  await untilEnded(ground, routeId, MONITOR_INSTANCE_ALERT, size);
  const seconds = (performance.now() - startedAt) / 1000;
  const eventIds = issues.map(({ eventId }) => eventId);
  // A stream of several signals may end and begin again: as many runs as streams is not the end of it.
  await untilReceived(sink, eventIds);
  await disableRoute(ground, routeId);
  return { perSecond: size / seconds, routeId, eventIds };
}

/** Runs a peer: a bare loop of senders starts one workflow per issue, with the ids and signals of the product. */
export async function runPeer(
  ground: BenchGround,
  sink: SinkProcess,
  workflowType: 'drainOnly' | 'naiveAlert',
  size: number,
): Promise<Block> {
  const { routeId, appId, issues } = await prepare(ground, sink, size, 1, false);
  const stored = await ground.issues.scan({
    from: '0',
    after: { position: '0', eventId: '' },
    limit: 1_000_000,
  });
  const mine = new Set(issues.map(({ eventId }) => eventId));
  const rows = stored.filter(({ eventId }) => mine.has(eventId));
  const startedAt = performance.now();
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let row = rows[next++]; row !== undefined; row = rows[next++]) {
      const stream: StreamKey = { fingerprint: row.fingerprint, routeId, connectedAppId: appId };
      const {
        labels: _labels,
        annotations: _annotations,
        monitor: _monitor,
        fingerprint: _fingerprint,
        ...signal
      } = row;
      await ground.client.workflow.signalWithStart(workflowType, {
        workflowId: alertWorkflowId(stream),
        taskQueue: DISPATCH_TASK_QUEUE,
        args: [{ stream }],
        signal: issueSignal,
        signalArgs: [signal satisfies IssueSignal],
        typedSearchAttributes: [
          { key: searchAttributeKeys.fingerprint, value: stream.fingerprint },
          { key: searchAttributeKeys.route, value: routeId },
          { key: searchAttributeKeys.connectedApp, value: appId },
        ],
      });
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  await untilEnded(ground, routeId, workflowType, size);
  return { perSecond: size / ((performance.now() - startedAt) / 1000), routeId, eventIds: [...mine] };
}

let blocks = 0;

async function prepare(
  ground: BenchGround,
  sink: SinkProcess,
  size: number,
  signalsPerStream: number,
  enabled: boolean,
) {
  const block = `b${blocks++}`;
  const appId = `app${block}`;
  await ground.connectedApps.create(appId, {
    name: block,
    provider: 'webhook',
    settings: { url: sink.url },
    enabled: true,
    secret: WEBHOOK_SECRET,
  });
  const routeId = `route${block}`;
  await ground.routes.create(routeId, {
    name: block,
    query: `label.block:${block}`,
    enabled,
    connectedAppIds: [appId],
  });
  const subjects = createAlertStorm({ seed: blocks, subjects: size });
  const issues: NewIssue[] = [];
  for (let round = 0; round < signalsPerStream; round++) {
    for (const subject of subjects) {
      // Alternating, so that each one is worth a notification and their order shows.
      const issue = subject.issue(round % 2 === 0 ? 'firing' : 'resolved', Date.now());
      issues.push({
        ...issue,
        eventId: randomUUID(),
        labels: { ...issue.labels, block },
        startsAt: Date.parse(issue.startsAt),
        endsAt: null,
      });
    }
  }
  for (let at = 0; at < issues.length; at += 1000) {
    const part = issues.slice(at, at + 1000);
    await ground.issues.append(part, randomUUID());
  }
  return { routeId, appId, issues };
}

/** Disables a route, so that it no longer matches overlapping issues. */
async function disableRoute(ground: BenchGround, routeId: string): Promise<void> {
  const { version, ...route } = await ground.routes.get(routeId);
  await ground.routes.update(routeId, version, { ...route, enabled: false });
}

async function untilReceived(sink: SinkProcess, eventIds: readonly string[]): Promise<void> {
  const missing = new Set(eventIds);
  const isComplete = (): boolean => {
    for (const { eventId } of sink.received) missing.delete(eventId);
    return missing.size === 0;
  };
  await awaitArrivals(sink, isComplete, { pollMs: 50 });
}

async function untilEnded(
  ground: BenchGround,
  routeId: string,
  workflowType: string,
  size: number,
): Promise<void> {
  const query = `HeliographRoute = '${routeId}' AND WorkflowType = '${workflowType}' AND ExecutionStatus = 'Completed'`;
  const deadline = Date.now() + 120_000;
  for (;;) {
    const { count } = await ground.client.workflow.count(query);
    if (count >= size) return;
    if (Date.now() > deadline)
      throw new Error(`${workflowType}: ${count} of ${size} ended within two minutes`);
    await sleep(50);
  }
}
