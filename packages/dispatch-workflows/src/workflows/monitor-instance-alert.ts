import {
  continueAsNew,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  AlertInput,
  DeliveryOrder,
  DeliveryResult,
  DispatchActivities,
  StreamKey,
  StreamState,
} from '../contract.ts';
import { DELIVERY_TASK_QUEUE, MAX_WAIT_IN_SLOT_MS } from '../contract.ts';
import { AlertStream, type StreamPorts } from '../decide/alert-stream.ts';
import { INITIAL_STREAM_STATE } from '../decide/should-notify.ts';
import { issueSignal } from './definitions.ts';

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

/**
 * One alert stream, as long as it has something to do: collect signals, decide, deliver, record. It ends when its
 * inbox is empty; the next signal starts it again under the same id with the state that it recorded.
 */
export async function monitorInstanceAlert(input: AlertInput): Promise<void> {
  const { carried } = input;
  const stream = new AlertStream(input.stream, carried?.state ?? INITIAL_STREAM_STATE, carried?.inbox);
  let received = 0;
  // The handler only pushes. One that awaited would lose signals when the run ends.
  setHandler(issueSignal, (signal) => {
    received++;
    stream.push(signal);
  });
  if (carried === undefined) await open(stream);
  const openedAtLength = carried === undefined ? workflowInfo().historyLength : -1;
  const ports: StreamPorts = {
    now: () => Date.now(),
    deliver: (order) => deliver({ ...order, stateIsFresh: workflowInfo().historyLength === openedAtLength }),
    record,
  };
  for (;;) {
    await stream.drain(ports);
    if (stream.inbox.length === 0) {
      await stream.flush(ports);
      // What came while it was written is handled like the rest.
      if (stream.inbox.length === 0) return;
    }
    // A long inbox is handled first: what is carried on has to fit into one payload.
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

/** Reads the state, and on the way delivers what is due if the stream was never notified, which is the common case. */
async function open(stream: AlertStream): Promise<void> {
  const order = stream.propose(Date.now());
  try {
    const { state, delivery } = await quick.openStream(stream.key, order);
    if (order === null || delivery === null) return stream.begin(state, null);
    return stream.begin(state, { order, result: await settled(order, delivery) });
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  stream.begin(await store.readStreamState(stream.key), null);
}

async function record(key: StreamKey, state: StreamState): Promise<void> {
  try {
    await quick.recordStreamState(key, state);
    return;
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  await store.recordStreamState(key, state);
}

async function deliver(order: DeliveryOrder): Promise<DeliveryResult> {
  let first: DeliveryResult = { kind: 'pending', code: 'FIRST_ATTEMPT_FAILED', waitMs: 0 };
  try {
    first = await quick.deliverAndRecord(order);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  return settled(order, first);
}

/** Goes on where the first, short attempt did not come to an end: attempts by activity, long waits by timer. */
async function settled(order: DeliveryOrder, first: DeliveryResult): Promise<DeliveryResult> {
  let result = first;
  let failures = 0;
  while (result.kind === 'pending') {
    const { waitMs } = result;
    failures = result.failures ?? failures;
    const long = waitMs > MAX_WAIT_IN_SLOT_MS;
    const left = order.timeToLiveMs - (Date.now() - order.decidedAt);
    // The activity tells of what expires, so it is asked even when nothing is left.
    if (long) await sleep(Math.max(0, Math.min(waitMs, left)));
    const timeToLiveMs = Math.max(0, order.timeToLiveMs - (Date.now() - order.decidedAt));
    try {
      result = await patient.deliverPatiently({
        ...order,
        timeToLiveMs,
        failures,
        waitMs: long ? 0 : waitMs,
      });
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { kind: 'dropped', code: 'EXPIRED' };
    }
  }
  return result;
}
