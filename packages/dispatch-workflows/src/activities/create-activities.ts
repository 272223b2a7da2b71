import { setTimeout as sleep } from 'node:timers/promises';
import { metrics, trace } from '@opentelemetry/api';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { ChannelRegistry } from '@heliograph/notifier/channels';
import { searchAttributeKeys, type TraceStarts } from '@heliograph/temporal-worker/client';
import {
  DISPATCH_TASK_QUEUE,
  MONITOR_INSTANCE_ALERT,
  MONITOR_INSTANCES,
  type DispatchActivities,
} from '../contract.ts';
import type { ConnectedAppStore } from '../stores/connected-app-store.ts';
import type { IssueStore } from '../stores/issue-store.ts';
import type { RouteStore } from '../stores/route-store.ts';
import { createTargetCache } from '../stores/target-cache.ts';
import type { StreamStore } from '../stores/stream-store.ts';
import { issueSignal } from '../workflows/definitions.ts';
import { deliverAndRecord, deliverPatiently, openStream, type DeliveryDependencies } from './deliver.ts';
import { createReadAndDispatch, DEFAULT_SCAN_OPTIONS, type ScanOptions } from './read-and-dispatch.ts';
import { createRunningAlerts } from './running-alerts.ts';

/** What the activities of dispatching work with. */
export interface DispatchDependencies {
  /** On the namespace of the workflows; make it with `DISPATCH_TRACE_STARTS`. */
  readonly client: Client;
  readonly issues: IssueStore;
  readonly routes: RouteStore;
  readonly connectedApps: ConnectedAppStore;
  readonly streams: StreamStore;
  readonly channels: ChannelRegistry;
  readonly scan?: Partial<ScanOptions>;
  /** Signals of a stream are collected this long before the next batch, in milliseconds; default 100. */
  readonly batchWindowMs?: number;
  /** Task queue of the alert workflows; default `DISPATCH_TASK_QUEUE`. */
  readonly taskQueue?: string;
  /** Hears of what went wrong and will be tried again; ids and errors only. */
  readonly onProblem?: (problem: {
    readonly what: string;
    readonly id?: string;
    readonly error?: unknown;
  }) => void;
}

/** Each alert stream has a trace of its own; the endless orchestrator has none, each of its scans has. */
export const DISPATCH_TRACE_STARTS: TraceStarts = {
  [MONITOR_INSTANCE_ALERT]: 'root',
  [MONITOR_INSTANCES]: 'none',
};

/** Well within the heartbeat timeout of 5 s. */
const SCAN_HEARTBEAT_EVERY_MS = 1000;
/** Well within the heartbeat timeout of 15 s. */
const HEARTBEAT_EVERY_MS = 4000;
/** How long one count may take, in milliseconds. */
const COUNT_TIMEOUT_MS = 3000;

/** Makes the activities that a dispatch worker runs. */
export function createDispatchActivities(dependencies: DispatchDependencies): DispatchActivities {
  const { client, issues, routes, connectedApps, streams, channels, onProblem } = dependencies;
  const meter = metrics.getMeter('@heliograph/dispatch-workflows');
  const attempts = meter.createHistogram('heliograph_dispatch_delivery_attempt_duration', {
    unit: 'ms',
    description: 'Time that one delivery attempt took, by provider and outcome.',
  });
  const notificationAge = meter.createHistogram('heliograph_dispatch_notification_age', {
    unit: 'ms',
    description: 'From the storing of an issue to the acceptance of its notification.',
  });
  const scanned = meter.createCounter('heliograph_dispatch_scanned_rows', {
    description: 'Rows read for the first time.',
  });
  const signals = meter.createCounter('heliograph_dispatch_signals', {
    description: 'Signals sent, by result.',
  });
  const drops = meter.createCounter('heliograph_dispatch_dropped_notifications', {
    description: 'Decided notifications that were given up, by code.',
  });
  const readAndDispatch = createReadAndDispatch(
    {
      issues,
      routes,
      now: Date.now,
      running: createRunningAlerts({
        now: Date.now,
        count: async () => {
          const query = `WorkflowType = '${MONITOR_INSTANCE_ALERT}' AND ExecutionStatus = 'Running'`;
          const { count } = await client.connection.withDeadline(Date.now() + COUNT_TIMEOUT_MS, () =>
            client.workflow.count(query),
          );
          return count;
        },
        onError: (error) => onProblem?.({ what: 'alert workflows could not be counted', error }),
      }),
      signal: async ({ workflowId, stream }, signal) => {
        const handle = await client.workflow.signalWithStart(MONITOR_INSTANCE_ALERT, {
          workflowId,
          taskQueue: dependencies.taskQueue ?? DISPATCH_TASK_QUEUE,
          args: [
            {
              stream,
              ...(dependencies.batchWindowMs === undefined
                ? {}
                : { batchWindowMs: dependencies.batchWindowMs }),
            },
          ],
          signal: issueSignal,
          signalArgs: [signal],
          typedSearchAttributes: [
            { key: searchAttributeKeys.fingerprint, value: stream.fingerprint },
            { key: searchAttributeKeys.route, value: stream.routeId },
            { key: searchAttributeKeys.connectedApp, value: stream.connectedAppId },
          ],
        });
        return handle.signaledRunId;
      },
      onFailure: ({ workflowId, error }) =>
        onProblem?.({ what: 'an alert stream could not be signalled', id: workflowId, error }),
      onUnreadableRoute: ({ routeId, error }) =>
        onProblem?.({ what: 'a stored route does not parse and is left out', id: routeId, error }),
    },
    { ...DEFAULT_SCAN_OPTIONS, ...dependencies.scan },
  );
  const delivery: DeliveryDependencies = {
    issues,
    connectedApps: { deliveryTarget: createTargetCache(connectedApps) },
    streams,
    channels,
    onOutcome: ({ order, provider, outcome, durationMs }) => {
      attempts.record(durationMs, { provider, outcome: outcome.kind });
      if (outcome.kind === 'delivered')
        notificationAge.record(Date.now() - order.issue.storedAt, { provider });
      trace.getActiveSpan()?.setAttributes({
        'issue.fingerprint': order.stream.fingerprint,
        'route.id': order.stream.routeId,
        'connected_app.id': order.stream.connectedAppId,
        'notification.provider': provider,
        'notification.outcome': outcome.kind,
        'notification.duration_ms': durationMs,
      });
    },
    onDrop: ({ order, code }) => {
      drops.add(1, { code });
      onProblem?.({ what: `a notification is given up: ${code}`, id: order.notificationId });
    },
    onRecordFailure: ({ workflowId, error }) =>
      onProblem?.({ what: 'a delivered notification could not be recorded yet', id: workflowId, error }),
  };
  return {
    async readAndDispatch(scan) {
      const activity = Context.current();
      const beats = setInterval(() => activity.heartbeat(), SCAN_HEARTBEAT_EVERY_MS);
      const result = await readAndDispatch(scan, activity.cancellationSignal).finally(() =>
        clearInterval(beats),
      );
      scanned.add(result.scanned);
      signals.add(result.dispatched, { result: 'sent' });
      if (result.failed > 0) signals.add(result.failed, { result: 'failed' });
      return result;
    },
    openStream: (stream, ifNeverNotified) =>
      openStream(delivery, stream, ifNeverNotified, Context.current().cancellationSignal),
    readStreamState: (stream) => streams.read(stream),
    deliverAndRecord: (order) => deliverAndRecord(delivery, order, Context.current().cancellationSignal),
    async deliverPatiently(order) {
      const activity = Context.current();
      const spentMs = spentBefore(activity.info.heartbeatDetails);
      const startedAt = performance.now();
      // By the clock, also while a database or a provider keeps an attempt waiting: a second one would send, too.
      const beats = setInterval(
        () => activity.heartbeat({ spentMs: spentMs + performance.now() - startedAt }),
        HEARTBEAT_EVERY_MS,
      );
      return deliverPatiently(delivery, order, {
        spentMs,
        heartbeat: (spent) => activity.heartbeat({ spentMs: spent }),
        signal: activity.cancellationSignal,
        now: () => performance.now(),
        random: Math.random,
        sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      }).finally(() => clearInterval(beats));
    },
    recordStreamState: (stream, state) => streams.record(stream, state),
  };
}

/** What earlier attempts of an activity said in their last heartbeat. */
function spentBefore(details: unknown): number {
  const spentMs =
    typeof details === 'object' && details !== null && 'spentMs' in details ? details.spentMs : 0;
  return typeof spentMs === 'number' && Number.isFinite(spentMs) && spentMs > 0 ? spentMs : 0;
}
