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
  IssueSignal,
  StreamKey,
  StreamState,
} from '../contract.ts';
import { AlertStream } from '../decide/alert-stream.ts';
import { issueSignal } from './definitions.ts';

/** A first attempt inside the workflow task; it must end well before the task's own timeout of 10 s. */
const quick = proxyLocalActivities<DispatchActivities>({
  startToCloseTimeout: '3 seconds',
  scheduleToCloseTimeout: '4 seconds',
  retry: { maximumAttempts: 1 },
});

const patient = proxyActivities<DispatchActivities>({
  startToCloseTimeout: '70 minutes',
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

/**
 * One alert stream, as long as it has something to do: collect signals, decide, deliver, record. It ends when its
 * inbox is empty; the next signal starts it again under the same id with the state that it recorded.
 */
export async function monitorInstanceAlert(input: AlertInput): Promise<void> {
  const early: IssueSignal[] = [];
  let stream: AlertStream | undefined;
  let received = 0;
  // Handlers only push. One that awaited would lose signals when the run ends.
  setHandler(issueSignal, (signal) => {
    received++;
    if (stream === undefined) early.push(signal);
    else stream.push(signal);
  });
  const state = input.carried?.state ?? (await readState(input.stream));
  stream = new AlertStream(input.stream, state, [...(input.carried?.inbox ?? []), ...early]);
  const ports = { now: () => Date.now(), deliver, record: store.recordStreamState };
  for (;;) {
    await stream.drain(ports);
    if (stream.inbox.length === 0) return;
    if (received >= MAX_SIGNALS_PER_RUN || workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof monitorInstanceAlert>({
        ...input,
        carried: { state: stream.state, inbox: stream.inbox },
      });
    }
    await sleep(input.batchWindowMs ?? DEFAULT_BATCH_WINDOW_MS);
  }
}

async function readState(key: StreamKey): Promise<StreamState> {
  try {
    return await quick.readStreamState(key);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return store.readStreamState(key);
  }
}

async function deliver(order: DeliveryOrder): Promise<DeliveryResult> {
  let waitMs = 0;
  try {
    const result = await quick.deliverAndRecord(order);
    if (result.kind !== 'pending') return result;
    ({ waitMs } = result);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  return patient.deliverPatiently({ ...order, waitMs });
}
