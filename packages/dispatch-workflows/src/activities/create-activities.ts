import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure, Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { searchAttributeKeys } from '@heliograph/temporal-worker/client';
import type { ChannelRegistry } from '@heliograph/notifier/channels';
import * as v from 'valibot';
import type { LastAttempt } from '../contract/delivery-order.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import { isStreamRunning, signalAlertStream, signalRunningStream } from '../client/signal-alert-stream.ts';
import { MONITOR_INSTANCE_ALERT } from '../contract/names.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { AppHealthStore } from '../apps/app-health-store.ts';
import type { ConnectedAppStore } from '../apps/connected-app-store.ts';
import type { DebtStore } from '../sweep/debt-store.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RouteStore } from '../routing/route-store.ts';
import { createTargetCache } from '../apps/target-cache.ts';
import type { StreamStore } from '../stream/stream-store.ts';
import { createAppGate } from '../delivery/app-gate.ts';
import type { IntentStore } from '../delivery/intent-store.ts';
import type { DeliveryDependencies } from '../delivery/attempt-delivery.ts';
import { deliverAndRecord } from '../delivery/deliver-and-record.ts';
import { deliverPatiently } from '../delivery/deliver-patiently.ts';
import { openStream } from '../delivery/open-stream.ts';
import { recordRows } from '../delivery/delivery-rows.ts';
import { createDispatchTelemetry } from '../telemetry/dispatch-telemetry.ts';
import {
  createReadAndDispatch,
  DEFAULT_SCAN_OPTIONS,
  type ScanDependencies,
  type ScanOptions,
} from '../scan/read-and-dispatch.ts';
import { beginAdmission } from '../scan/admit-streams.ts';
import type { BacklogStore } from '../scan/backlog-store.ts';
import { createRowDispatcher } from '../scan/dispatch-rows.ts';
import { createRecentStreams } from '../scan/recent-streams.ts';
import { sendOrPark } from '../scan/send-or-park.ts';
import type { StreamLookUp } from '../scan/stream-look-up.ts';
import { createRunningAlerts } from '../scan/running-alerts.ts';
import { DEFAULT_SWEEP_OPTIONS, sweepResolveDebt, type SweepOptions } from '../sweep/sweep-resolve-debt.ts';

/** What the activities of dispatching work with. */
export interface DispatchDependencies {
  /** On the namespace of the workflows; make it with `DISPATCH_TRACE_STARTS`. */
  readonly client: Client;
  readonly issues: IssueStore;
  readonly routes: RouteStore;
  readonly connectedApps: ConnectedAppStore;
  readonly streams: StreamStore;
  readonly streamLookUp: StreamLookUp;
  readonly intents: IntentStore;
  readonly backlog: BacklogStore;
  readonly health: AppHealthStore;
  readonly debts: DebtStore;
  readonly ledger: Pick<Ledger, 'write'>;
  readonly channels: ChannelRegistry;
  readonly scan?: Partial<ScanOptions>;
  readonly sweep?: Partial<SweepOptions>;
  /** Throttled deliveries of one app that may wait in their slots at once; default 125. */
  readonly maxWaitingPerApp?: number;
  /** The longest wait that a provider is granted before it is asked again, in milliseconds; default 5 minutes. */
  readonly maxThrottleMs?: number;
  /** Signals of a stream are collected this long before the next batch, in milliseconds; default 100. */
  readonly batchWindowMs?: number;
  /** Task queue of the alert workflows; default `DISPATCH_TASK_QUEUE`. */
  readonly taskQueue?: string;
  /** Receives what went wrong and will be repeated; ids and errors only. */
  readonly onProblem?: (problem: {
    readonly what: string;
    readonly id?: string;
    readonly error?: unknown;
  }) => void;
}

/** Well within the heartbeat timeout of 5 s. */
const SCAN_HEARTBEAT_EVERY_MS = 1000;
/** Well within the heartbeat timeout of 15 s. */
const HEARTBEAT_EVERY_MS = 4000;
/** How often the backlog is counted, in milliseconds. */
const REPORT_BACKLOG_EVERY_MS = 10_000;
/** How long one count may take, in milliseconds. */
const COUNT_TIMEOUT_MS = 3000;

/** Makes the activities that a dispatch worker runs. */
export function createDispatchActivities(dependencies: DispatchDependencies): DispatchActivities {
  const {
    client,
    issues,
    routes,
    connectedApps,
    streams,
    intents,
    health,
    channels,
    debts,
    ledger,
    backlog,
    streamLookUp,
    onProblem,
  } = dependencies;
  const telemetry = createDispatchTelemetry();
  const startWithSignal = (stream: StreamKey, signal: IssueSignal): Promise<string> =>
    signalAlertStream(client, stream, signal, {
      batchWindowMs: dependencies.batchWindowMs,
      taskQueue: dependencies.taskQueue,
    });
  const scanOptions = { ...DEFAULT_SCAN_OPTIONS, ...dependencies.scan };
  const scanning: ScanDependencies = {
    issues,
    routes,
    ledger: (batch) => ledger.write(batch),
    now: Date.now,
    running: createRunningAlerts({
      now: Date.now,
      count: async (connectedAppId) => {
        const ofApp =
          connectedAppId === undefined
            ? ''
            : ` AND ${searchAttributeKeys.connectedApp.name} = '${connectedAppId}'`;
        const query = `WorkflowType = '${MONITOR_INSTANCE_ALERT}' AND ExecutionStatus = 'Running'${ofApp}`;
        const { count } = await client.connection.withDeadline(Date.now() + COUNT_TIMEOUT_MS, () =>
          client.workflow.count(query),
        );
        return count;
      },
      onError: (error) => onProblem?.({ what: 'alert workflows could not be counted', error }),
    }),
    recent: createRecentStreams({ now: Date.now }),
    backlog,
    streams: streamLookUp,
    signal: (stream, signal) => startWithSignal(stream, signal),
    signalRunning: (stream, signal) => signalRunningStream(client, stream, signal),
    steps: telemetry.scanSteps,
    onFailure: ({ workflowId, error }) =>
      onProblem?.({ what: 'an alert stream could not be signalled', id: workflowId, error }),
    onSlowLookUp: (error) => onProblem?.({ what: 'repeated events could not be recognised in time', error }),
    onUnparked: (error) => onProblem?.({ what: 'alert streams could not be parked in the backlog', error }),
    onBacklogFailure: (error) => onProblem?.({ what: 'the backlog could not be handed over', error }),
    onTooComplex: telemetry.onTooComplex((routeId) =>
      onProblem?.({
        what: 'a route takes too many steps to match, so it does not match some issues',
        id: routeId,
      }),
    ),
    onUnreadableRoute: ({ routeId, error }) =>
      onProblem?.({ what: 'a stored route does not parse and is skipped', id: routeId, error }),
  };
  const dispatchRows = createRowDispatcher(scanning, scanOptions);
  const readAndDispatch = createReadAndDispatch(scanning, scanOptions, dispatchRows);
  const { maxWaitingPerApp } = dependencies;
  const delivery: DeliveryDependencies = {
    issues,
    connectedApps: { deliveryTarget: createTargetCache(connectedApps) },
    streams,
    intents,
    health,
    channels,
    gate: createAppGate(maxWaitingPerApp === undefined ? {} : { maxWaitingPerApp }),
    maxThrottleMs: dependencies.maxThrottleMs,
    now: Date.now,
    onOutcome: (attempt) => telemetry.recordOutcome(attempt),
    onDrop: ({ order, code }) => {
      telemetry.recordDrop({ order, code });
      onProblem?.({ what: `a notification was dropped: ${code}`, id: order.notificationId });
    },
    elapsed: () => performance.now(),
    // Unique among the attempts of one notification.
    nameAttempt: () => randomBytes(6).toString('base64url'),
    sleep: (ms) => sleep(ms),
    onFailure: ({ what, workflowId, error }) => onProblem?.({ what, id: workflowId, error }),
  };
  let backlogReportedAt = -Infinity;
  /** Now and then, for a report is worth no more than a count. */
  const reportBacklog = async (): Promise<void> => {
    if (performance.now() - backlogReportedAt < REPORT_BACKLOG_EVERY_MS) return;
    backlogReportedAt = performance.now();
    try {
      telemetry.recordBacklog(await backlog.summarize());
    } catch (error) {
      onProblem?.({ what: 'the backlog could not be counted', error });
    }
  };
  return {
    async readAndDispatch(scan) {
      const activity = Context.current();
      const beats = setInterval(() => activity.heartbeat(), SCAN_HEARTBEAT_EVERY_MS);
      const result = await readAndDispatch(scan, activity.cancellationSignal).finally(() =>
        clearInterval(beats),
      );
      telemetry.recordScan(result);
      await reportBacklog();
      return result;
    },
    async sweepResolveDebt(scannedUpTo) {
      const activity = Context.current();
      const admission = await beginAdmission(scanning.running, scanOptions.maxRunningAlerts);
      const result = await sweepResolveDebt(
        {
          debts,
          intents,
          issues,
          streams,
          streamLookUp,
          isRunning: (stream) => isStreamRunning(client, stream),
          dispatch: async (rows) => {
            const { taken, failed } = await dispatchRows(rows, {
              maxStreams: rows.length,
              admission,
              recordsLast: true,
              signal: activity.cancellationSignal,
            });
            return taken - failed.size;
          },
          signal: (stream, signal) => sendOrPark(scanning, admission, { stream, signal }),
          now: Date.now,
          random: Math.random,
          onFailure: (failure) => onProblem?.(failure),
        },
        { ...DEFAULT_SWEEP_OPTIONS, ...dependencies.sweep, scannedUpTo },
        { heartbeat: () => activity.heartbeat(), signal: activity.cancellationSignal },
      );
      telemetry.recordSweep(result);
      return result;
    },
    openStream: (stream, first) =>
      telemetry.traceOpenStream(stream, first, () =>
        openStream(delivery, stream, first, Context.current().cancellationSignal),
      ),
    readStreamState: (stream) => streams.read(stream),
    wasBegun: async (notificationId) => (await intents.read([notificationId])).length > 0,
    deliverAndRecord: (order) =>
      telemetry.traceDelivery(order, () =>
        deliverAndRecord(delivery, order, Context.current().cancellationSignal),
      ),
    async deliverPatiently(order) {
      const activity = Context.current();
      let lastAttempt = rememberedIn(activity.info.heartbeatDetails);
      // By the clock, also while a database or a provider keeps an attempt waiting: a second one would send, too.
      const beat = (): void => activity.heartbeat(lastAttempt === undefined ? {} : { lastAttempt });
      beat();
      const beats = setInterval(beat, HEARTBEAT_EVERY_MS);
      return telemetry
        .traceDelivery(order, () =>
          deliverPatiently(delivery, order, {
            scheduledAt: activity.info.scheduledTimestampMs,
            lastAttempt,
            ...endingOf(activity.cancellationSignal),
            remember: (last) => {
              lastAttempt = { token: last.token, outcome: last.outcome };
              beat();
            },
            random: Math.random,
            sleep: (ms, signal) => sleep(ms, undefined, { signal }),
          }),
        )
        .finally(() => clearInterval(beats));
    },
    recordStreamState: (stream, state, more = {}) =>
      telemetry.traceRecord(stream, more, () =>
        streams.write({ stream, state, ...recordRows(stream, more, Date.now()) }),
      ),
  };
}

const rememberedSchema = v.object({
  lastAttempt: v.object({ token: v.string(), outcome: v.picklist(['not-sent', 'refused']) }),
});

/** What an earlier attempt of an activity remembered with its last heartbeat. */
function rememberedIn(details: unknown): LastAttempt | undefined {
  const parsed = v.safeParse(rememberedSchema, details);
  return parsed.success ? parsed.output.lastAttempt : undefined;
}

/**
 * Tells apart why a patient delivery has to end: its workflow asks it to come back, or the worker, the server or a time
 * limit stops it.
 */
function endingOf(cancellation: AbortSignal): {
  readonly signal: AbortSignal;
  readonly comeBack: AbortSignal;
} {
  const stop = new AbortController();
  const comeBack = new AbortController();
  const end = (): void => {
    const reason: unknown = cancellation.reason;
    const isAsked = reason instanceof CancelledFailure && reason.message === 'CANCELLED';
    (isAsked ? comeBack : stop).abort(reason);
  };
  if (cancellation.aborted) end();
  else cancellation.addEventListener('abort', end, { once: true });
  return { signal: stop.signal, comeBack: comeBack.signal };
}
