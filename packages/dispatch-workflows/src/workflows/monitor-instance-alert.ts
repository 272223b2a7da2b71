import {
  ActivityCancellationType,
  CancellationScope,
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
  // Asked to come back, it says what became of the attempt on its way.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
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
type Patch =
  | Parameters<StreamPorts['hasPatch']>[0]
  | Parameters<SettlePorts['hasPatch']>[0]
  | 'resolve-only'
  | 'early-hand-over';
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
  const intake = createIntake(() => hasPatch('early-hand-over'));
  // The handler only pushes. One that awaited would lose signals when the run ends.
  setHandler(issueSignal, (signal) => {
    intake.count();
    stream.push(signal);
  });
  const settling = settlePorts(hasPatch, intake);
  const ports: StreamPorts = {
    now: () => Date.now(),
    hasPatch,
    deliver: (order) => deliver(order, settling),
    hasIntent,
    record,
  };
  const isResolveOnly = carried === undefined && (await open(stream, settling, hasPatch));
  if (carried?.delivery !== undefined) {
    const { order, result } = carried.delivery;
    stream.settle(order, await settleDelivery(order, result, settling));
  }
  const { notificationCount } = stream.state;
  for (;;) {
    if (stream.underWay === null) await stream.drain(ports);
    if (stream.underWay !== null) {
      const delivery = await stream.handOver(ports, MAX_CARRIED_SIGNALS);
      const { state, inbox } = stream;
      await continueAsNew<typeof monitorInstanceAlert>({
        ...input,
        carried: { state, inbox, ...(delivery === null ? {} : { delivery }) },
      });
    }
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
    if (intake.isFull || workflowInfo().continueAsNewSuggested) {
      await stream.flush(ports);
      await continueAsNew<typeof monitorInstanceAlert>({
        ...input,
        carried: { state: stream.state, inbox: stream.inbox },
      });
    }
    await sleep(input.batchWindowMs ?? DEFAULT_BATCH_WINDOW_MS);
  }
}

/** Counts the signals of a run. */
interface Intake {
  count(): void;
  /** Whether the run has taken as many signals as it should. */
  readonly isFull: boolean;
  /** Whether a delivery that waits has to be left to the next run. */
  mustHandOver(): boolean;
  /** Waits for a step; true if it is left early, because a delivery that waits has to be left to the next run. */
  race(step: Promise<unknown>): Promise<boolean>;
}

function createIntake(hasPatch: () => boolean): Intake {
  let received = 0;
  let tell: () => void = () => undefined;
  const full = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const isFull = (): boolean => received >= MAX_SIGNALS_PER_RUN;
  const mustHandOver = (): boolean => isFull() && hasPatch();
  return {
    count() {
      received++;
      if (isFull()) tell();
    },
    get isFull() {
      return isFull();
    },
    mustHandOver,
    async race(step) {
      let isOver = false;
      const end = (): boolean => (isOver = true);
      const over = step.then(end, end);
      await Promise.race([over, full]);
      if (!isOver && mustHandOver()) return true;
      await over;
      return false;
    },
  };
}

/**
 * Opens the stream, which delivers what the first signal leads to. Returns whether a resolve began the run and nothing is
 * open that it could close.
 */
async function open(stream: AlertStream, settling: SettlePorts, hasPatch: HasPatch): Promise<boolean> {
  const first = stream.firstSignal(Date.now());
  const opened = await openStream(stream.key, first);
  const order = stream.open(opened, first, { hasPatch });
  if (order !== null && opened.delivery !== null)
    stream.settle(order, await settleDelivery(order, opened.delivery, settling));
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

async function deliver(order: DeliveryOrder, settling: SettlePorts): Promise<DeliveryResult> {
  let first: DeliveryResult = { kind: 'pending', code: 'FIRST_ATTEMPT_FAILED', waitMs: 0 };
  try {
    first = await quick.deliverAndRecord(order);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  return settleDelivery(order, first, settling);
}

function settlePorts(hasPatch: HasPatch, intake: Intake): SettlePorts {
  return {
    now: () => Date.now(),
    async sleep(ms) {
      const scope = new CancellationScope();
      const timer = scope.run(() => sleep(ms));
      if (await intake.race(timer)) scope.cancel();
      await timer.catch(rethrowUnless(scope));
    },
    async deliverPatiently(order) {
      const scope = new CancellationScope();
      const delivery = scope.run(() => patient.deliverPatiently(order));
      if (await intake.race(delivery)) scope.cancel();
      try {
        return await delivery;
      } catch (error) {
        rethrowUnless(scope)(error);
        // It ended without a word; the next attempt finds out what became of the last one.
        const { failures = 0, wasThrottled = false, handBacks = 0 } = order;
        return {
          kind: 'pending',
          code: 'UNAVAILABLE',
          waitMs: 0,
          failures,
          wasThrottled,
          handBacks,
          inSlot: false,
        };
      }
    },
    isCancellation,
    hasPatch,
    mustHandOver: () => intake.mustHandOver(),
  };
}

/** Passes an error on, unless the scope, and not the run itself, was cancelled. */
function rethrowUnless(scope: CancellationScope): (error: unknown) => void {
  return (error) => {
    if (!scope.consideredCancelled || CancellationScope.current().consideredCancelled) throw error;
  };
}
