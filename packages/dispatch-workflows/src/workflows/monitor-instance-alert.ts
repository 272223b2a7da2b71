import {
  continueAsNew,
  isCancellation,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  DeliveryOrder,
  DeliveryResult,
  FirstSignal,
  OpenedStream,
  StreamRecord,
} from '../contract/delivery-order.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import type { AlertInput, AlertResult } from '../contract/workflow-inputs.ts';
import { DELIVERY_TASK_QUEUE } from '../contract/names.ts';
import { AlertStream, type StreamPorts } from '../stream/alert-stream.ts';
import { hasOpenIncident } from '../stream/owes-resolve.ts';
import { settleDelivery, type SettlePorts } from '../stream/settle-delivery.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import { issueSignal } from '../contract/signals.ts';

/** A first attempt inside the workflow task; it must end well before the task's own timeout of 10 s. */
const quick = proxyLocalActivities<DispatchActivities>({
  startToCloseTimeout: '3 seconds',
  scheduleToCloseTimeout: '4 seconds',
  retry: { maximumAttempts: 1 },
});

/** Waits are short inside, so an attempt ends within minutes; what keeps failing ends with the notification's life. */
const patient = proxyActivities<DispatchActivities>({
  taskQueue: DELIVERY_TASK_QUEUE,
  startToCloseTimeout: '5 minutes',
  scheduleToCloseTimeout: '70 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' },
});

const store = proxyActivities<DispatchActivities>({
  startToCloseTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds' },
});

const DEFAULT_BATCH_WINDOW_MS = 100;
/** Signals after which a run hands over to the next; the server's limit is 10 000. */
const MAX_SIGNALS_PER_RUN = 2000;
const MAX_CARRIED_SIGNALS = 500;

/** Behaviour that came after the first executions. */
type Patch = Parameters<StreamPorts['hasPatch']>[0] | Parameters<SettlePorts['hasPatch']>[0] | 'resolve-only';
type HasPatch = (patch: Patch) => boolean;

/**
 * One alert stream, as long as it has something to do: collect signals, decide, deliver, record. It ends when its
 * inbox is empty; the next signal starts it again under the same id with the state that it recorded.
 */
export function monitorInstanceAlert(input: AlertInput): Promise<AlertResult> {
  // Asked only where the answer makes a difference: each answer costs two events, and most executions never meet one
  // of these cases.
  return runAlertStream(input, (patch) => patched(patch));
}

/** `monitorInstanceAlert`, with the later behaviour that `hasPatch` grants. */
export async function runAlertStream(input: AlertInput, hasPatch: HasPatch): Promise<AlertResult> {
  const { carried } = input;
  const stream = new AlertStream(input.stream, carried?.state ?? INITIAL_STREAM_STATE, carried?.inbox);
  let received = 0;
  // The handler only pushes. One that awaited would lose signals when the run ends.
  setHandler(issueSignal, (signal) => {
    received++;
    stream.push(signal);
  });
  const ports: StreamPorts = {
    now: () => Date.now(),
    hasPatch,
    deliver: (order) => deliver(order, hasPatch),
    hasIntent,
    record,
  };
  const isResolveOnly = carried === undefined && (await open(stream, hasPatch));
  const { notificationCount } = stream.state;
  for (;;) {
    await stream.drain(ports);
    if (stream.inbox.length === 0) {
      await stream.flush(ports);
      // Signals that arrived meanwhile are handled like the rest.
      if (stream.inbox.length === 0) {
        const nothingSent = stream.state.notificationCount === notificationCount;
        return isResolveOnly && nothingSent ? 'resolved_without_notification' : 'drained';
      }
    }
    // A long inbox is handled first: what is carried over has to fit into one payload.
    if (stream.inbox.length > MAX_CARRIED_SIGNALS) continue;
    if (received >= MAX_SIGNALS_PER_RUN || workflowInfo().continueAsNewSuggested) {
      await stream.flush(ports);
      await continueAsNew<typeof monitorInstanceAlert>({
        ...input,
        carried: { state: stream.state, inbox: stream.inbox },
      });
    }
    await sleep(input.batchWindowMs ?? DEFAULT_BATCH_WINDOW_MS);
  }
}

/**
 * Opens the stream, which delivers what the first signal leads to. Returns whether a resolve began the run and nothing is
 * open that it could close.
 */
async function open(stream: AlertStream, hasPatch: HasPatch): Promise<boolean> {
  const first = stream.firstSignal(Date.now());
  const opened = await openStream(stream.key, first);
  const order = stream.open(opened, first, { hasPatch });
  if (order !== null && opened.delivery !== null)
    stream.settle(order, await settleDelivery(order, opened.delivery, settlePorts(hasPatch)));
  const hasNothingToClose = first?.signal.status === 'resolved' && !hasOpenIncident(opened.state);
  return hasNothingToClose && hasPatch('resolve-only');
}

async function openStream(key: StreamKey, first: FirstSignal | null): Promise<OpenedStream> {
  try {
    return await quick.openStream(key, first);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  return { state: await store.readStreamState(key), delivery: null };
}

async function hasIntent(notificationId: string): Promise<boolean> {
  try {
    return await quick.wasBegun(notificationId);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  return store.wasBegun(notificationId);
}

async function record(key: StreamKey, state: StreamState, more: StreamRecord): Promise<void> {
  try {
    await quick.recordStreamState(key, state, more);
    return;
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  await store.recordStreamState(key, state, more);
}

async function deliver(order: DeliveryOrder, hasPatch: HasPatch): Promise<DeliveryResult> {
  let first: DeliveryResult = { kind: 'pending', code: 'FIRST_ATTEMPT_FAILED', waitMs: 0 };
  try {
    first = await quick.deliverAndRecord(order);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  return settleDelivery(order, first, settlePorts(hasPatch));
}

function settlePorts(hasPatch: HasPatch): SettlePorts {
  return {
    now: () => Date.now(),
    sleep: (ms) => sleep(ms),
    deliverPatiently: (order) => patient.deliverPatiently(order),
    isCancellation,
    hasPatch,
  };
}
