import { DatabaseError } from '@heliograph/database';
import type { DeliveryOrder, FirstSignal, LastAttempt, StreamRecord } from '../../contract/delivery-order.ts';
import type { IssueSignal } from '../../contract/issue-signal.ts';
import { alertWorkflowId } from '../../contract/alert-workflow-id.ts';
import type { Position } from '../../contract/position.ts';
import type { ScanState } from '../../contract/scan-state.ts';
import type { StreamKey, StreamState } from '../../contract/stream-state.ts';
import { createTargetCache } from '../../apps/target-cache.ts';
import { createAppGate } from '../../delivery/app-gate.ts';
import type { DeliveryDependencies } from '../../delivery/attempt-delivery.ts';
import { deliverAndRecord } from '../../delivery/deliver-and-record.ts';
import { deliverPatiently } from '../../delivery/deliver-patiently.ts';
import { recordRows } from '../../delivery/delivery-rows.ts';
import { openStream } from '../../delivery/open-stream.ts';
import { beginAdmission } from '../../scan/admit-streams.ts';
import { createRowDispatcher } from '../../scan/dispatch-rows.ts';
import {
  createReadAndDispatch,
  DEFAULT_SCAN_OPTIONS,
  type ScanDependencies,
} from '../../scan/read-and-dispatch.ts';
import { createRecentStreams } from '../../scan/recent-streams.ts';
import { createRunningAlerts } from '../../scan/running-alerts.ts';
import { sendOrPark } from '../../scan/send-or-park.ts';
import { DEFAULT_SWEEP_OPTIONS, sweepResolveDebt } from '../../sweep/sweep-resolve-debt.ts';
import type { MemoryStores } from './create-memory-stores.ts';
import type { Mutant } from './mutant.ts';
import type { Process } from './process.ts';
import { never } from './process.ts';
import type { Simulation } from './simulation.ts';
import type { Activities, ActivityCall } from './tiny-temporal.ts';

const SCAN_INTERVAL_MS = 120_000;

/** The activities of one process, wired as `createDispatchActivities` wires them, on what the simulation gives. */
export function createModelActivities({
  simulation,
  process,
  stores: given,
  mutant,
}: {
  readonly simulation: Simulation;
  readonly process: Process;
  readonly stores: MemoryStores;
  readonly mutant: Mutant;
}): Activities {
  const { time, random, temporal, fates, plan, provider, tables } = simulation;
  const stores = mutant.stores?.(given, tables) ?? given;
  const { issues, routes, connectedApps, streams, streamLookUp, intents, backlog, health, debts, ledger } =
    stores;
  const now = (): number => Math.floor(time.now + process.skewMs);
  const note = (line: string): void => simulation.note(`${process.name}: ${line}`);
  /** Calls the server of Temporal. */
  const callServer = <T>(workflowId: string, run: () => T): Promise<T> => {
    if (!process.isAlive) return never();
    const isRefused = fates.isSignalRefused(workflowId);
    const isLost = fates.isSignalAnswerLost();
    return new Promise((resolve, reject) => {
      const later = (act: () => void): void => {
        time.after(0.5 + 2 * random(), () => {
          if (process.isAlive) act();
        });
      };
      time.after(0.5 + 2 * random(), () => {
        if (isRefused) {
          later(() => reject(new Error(`${workflowId} cannot be signalled`)));
          return;
        }
        const value = run();
        later(() => (isLost ? reject(new Error('the answer is lost')) : resolve(value)));
      });
    });
  };
  const running = createRunningAlerts({
    now,
    count: (appId) =>
      callServer('count', () => {
        const alerts = temporal.running().filter((id) => id.startsWith('alert-'));
        return appId === undefined ? alerts.length : alerts.filter((id) => id.endsWith(`-${appId}`)).length;
      }),
  });
  const scanning: ScanDependencies = {
    issues,
    routes,
    ledger: (batch) => ledger.write(batch),
    now,
    running,
    recent: createRecentStreams({ now }),
    backlog,
    streams: streamLookUp,
    signal: (stream, signal) =>
      callServer(alertWorkflowId(stream), () => simulation.startWithSignal(stream, signal)),
    signalRunning: (stream, signal) =>
      callServer(alertWorkflowId(stream), () =>
        temporal.signal(alertWorkflowId(stream), 'issue', signal satisfies IssueSignal),
      ),
    onFailure: ({ workflowId, error }) => note(`${workflowId} could not be signalled: ${textOf(error)}`),
    onUnparked: (error) => note(`not parked: ${textOf(error)}`),
  };
  const scanOptions = {
    ...DEFAULT_SCAN_OPTIONS,
    intervalMs: SCAN_INTERVAL_MS,
    maxRunningAlerts: plan.maxRunningAlerts,
    maxSeenRows: plan.maxSeenRows,
    maxRowsPerScan: plan.maxRowsPerScan,
    ...mutant.scan,
  };
  const dispatchRows = createRowDispatcher(scanning, scanOptions);
  const readAndDispatch = createReadAndDispatch(scanning, scanOptions, dispatchRows);
  const delivery: DeliveryDependencies = mutated(mutant, {
    issues,
    connectedApps: { deliveryTarget: createTargetCache(connectedApps) },
    streams,
    intents,
    health,
    channels: {
      bodySettings: () => ({}),
      reserve: async () => ({ release: () => undefined }),
      deliver: (request) => provider.deliver(process, request),
      lookUp: async () => 'unknown',
    },
    gate: createAppGate(),
    now,
    onDrop: ({ order, code }) => note(`${order.notificationId} is dropped: ${code}`),
    elapsed: () => performance.now(),
    nameAttempt: () => simulation.nameAttempt(),
    sleep: (ms) => new Promise((resolve) => void time.after(ms, resolve)),
    onFailure: ({ what, error }) => note(`${what}: ${textOf(error)}`),
  });
  const activities: Activities = {
    readAndDispatch: (call: ActivityCall, scan: ScanState | null) => readAndDispatch(scan, call.signal),
    async sweepResolveDebt(call: ActivityCall, scannedUpTo: Position | null) {
      const admission = await beginAdmission(running, scanOptions.maxRunningAlerts);
      return sweepResolveDebt(
        {
          debts,
          intents,
          issues,
          streams,
          streamLookUp,
          isRunning: (stream) => {
            const workflowId = alertWorkflowId(stream);
            return callServer(workflowId, () => temporal.running().includes(workflowId));
          },
          dispatch: async (rows) => {
            const how = { maxStreams: rows.length, admission, recordsLast: true, signal: call.signal };
            const { taken, failed } = await dispatchRows(rows, how);
            return taken - failed.size;
          },
          signal: (stream, signal) => sendOrPark(scanning, admission, { stream, signal }),
          now,
          random,
          onFailure: ({ what, error }) => note(`${what}: ${textOf(error)}`),
        },
        { ...DEFAULT_SWEEP_OPTIONS, scannedUpTo },
        { heartbeat: () => undefined, signal: call.signal },
      );
    },
    openStream: (call: ActivityCall, stream: StreamKey, first: FirstSignal | null) =>
      openStream(delivery, stream, first, call.signal),
    readStreamState: (_: ActivityCall, stream: StreamKey) => streams.read(stream),
    wasBegun: async (_: ActivityCall, notificationId: string) =>
      (await intents.read([notificationId])).length > 0,
    deliverAndRecord: (call: ActivityCall, order: DeliveryOrder) =>
      deliverAndRecord(delivery, order, call.signal),
    deliverPatiently: (call: ActivityCall, order: DeliveryOrder) =>
      deliverPatiently(delivery, order, {
        scheduledAt: call.scheduledAt,
        lastAttempt: call.heartbeatDetails as LastAttempt | undefined,
        signal: call.signal,
        comeBack: call.comeBack,
        remember: ({ token, outcome }) => call.heartbeat({ token, outcome } satisfies LastAttempt),
        random,
        sleep: (ms, signal) =>
          new Promise((resolve, reject) => {
            const timer = time.after(ms, resolve);
            signal.addEventListener(
              'abort',
              () => {
                timer.cancel();
                reject(signal.reason as unknown);
              },
              { once: true },
            );
          }),
      }),
    recordStreamState: (_: ActivityCall, stream: StreamKey, state: StreamState, more: StreamRecord = {}) =>
      streams.write({ stream, state, ...recordRows(stream, more, now()) }),
  };
  return mutant.activities?.(activities, simulation) ?? activities;
}

function mutated(mutant: Mutant, dependencies: DeliveryDependencies): DeliveryDependencies {
  return mutant.delivery?.(dependencies) ?? dependencies;
}

function textOf(error: unknown): string {
  return error instanceof DatabaseError ? `${error.code} ${error.message}` : String(error);
}
