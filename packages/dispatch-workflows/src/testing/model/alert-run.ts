import type {
  DeliveryOrder,
  DeliveryResult,
  FirstSignal,
  OpenedStream,
  StreamRecord,
} from '../../contract/delivery-order.ts';
import type { IssueSignal } from '../../contract/issue-signal.ts';
import type { StreamKey, StreamState } from '../../contract/stream-state.ts';
import type { AlertInput } from '../../contract/workflow-inputs.ts';
import { AlertStream, type StreamPorts } from '../../stream/alert-stream.ts';
import { settleDelivery, type SettlePorts } from '../../stream/settle-delivery.ts';
import { INITIAL_STREAM_STATE } from '../../stream/should-notify.ts';
import type { WorkflowContext } from './execution.ts';

const PATIENT = {
  startToCloseMs: 300_000,
  scheduleToCloseMs: 4_200_000,
  heartbeatMs: 15_000,
  firstRetryMs: 500,
  maxRetryMs: 10_000,
};
const STORE = { startToCloseMs: 5000, firstRetryMs: 200, maxRetryMs: 5000 };
const BATCH_WINDOW_MS = 100;
/** So few that a schedule reaches it. */
const MAX_SIGNALS_PER_RUN = 6;
const MAX_CARRIED_SIGNALS = 3;

/** The workflow of one alert stream, on the ports of the simulation. */
export async function runAlert(context: WorkflowContext, input: AlertInput): Promise<void> {
  const { carried } = input;
  const stream = new AlertStream(input.stream, carried?.state ?? INITIAL_STREAM_STATE, carried?.inbox);
  let received = 0;
  context.onSignal((_, payload) => {
    received++;
    stream.push(payload as IssueSignal);
  });
  const settlePorts: SettlePorts = {
    now: () => context.now(),
    sleep: (ms) => context.sleep(ms),
    deliverPatiently: (order) => context.remote(PATIENT, 'deliverPatiently', order),
    isCancellation: () => false,
    hasPatch: () => true,
    mustHandOver: () => received >= MAX_SIGNALS_PER_RUN,
  };
  const deliver = async (order: DeliveryOrder): Promise<DeliveryResult> => {
    let first: DeliveryResult = { kind: 'pending', code: 'FIRST_ATTEMPT_FAILED', waitMs: 0 };
    try {
      first = await context.local('deliverAndRecord', order);
    } catch {
      // The patient delivery goes on.
    }
    return settleDelivery(order, first, settlePorts);
  };
  const record = async (key: StreamKey, state: StreamState, more: StreamRecord): Promise<void> => {
    try {
      await context.local('recordStreamState', key, state, more);
    } catch {
      await context.remote(STORE, 'recordStreamState', key, state, more);
    }
  };
  const hasIntent = async (notificationId: string): Promise<boolean> => {
    try {
      return await context.local('wasBegun', notificationId);
    } catch {
      return context.remote(STORE, 'wasBegun', notificationId);
    }
  };
  const openStream = async (key: StreamKey, first: FirstSignal | null): Promise<OpenedStream> => {
    try {
      return await context.local('openStream', key, first);
    } catch {
      return { state: await context.remote<StreamState>(STORE, 'readStreamState', key), delivery: null };
    }
  };
  const ports: StreamPorts = { now: () => context.now(), hasPatch: () => true, deliver, hasIntent, record };
  if (carried === undefined) {
    const first = stream.firstSignal(context.now());
    const opened = await openStream(stream.key, first);
    const order = stream.open(opened, first, ports);
    if (order !== null && opened.delivery !== null)
      stream.settle(order, await settleDelivery(order, opened.delivery, settlePorts));
  }
  if (carried?.delivery !== undefined) {
    const { order, result } = carried.delivery;
    stream.settle(order, await settleDelivery(order, result, settlePorts));
  }
  for (;;) {
    if (stream.underWay === null) await stream.drain(ports);
    if (stream.underWay !== null) {
      const delivery = await stream.handOver(ports, MAX_CARRIED_SIGNALS);
      const { state, inbox } = stream;
      await context.continueAsNew({
        ...input,
        carried: { state, inbox, ...(delivery === null ? {} : { delivery }) },
      });
    }
    if (stream.inbox.length === 0) {
      await stream.flush(ports);
      if (stream.inbox.length === 0) return;
    }
    if (received >= MAX_SIGNALS_PER_RUN) {
      await stream.flush(ports);
      await context.continueAsNew({ ...input, carried: { state: stream.state, inbox: stream.inbox } });
    }
    await context.sleep(input.batchWindowMs ?? BATCH_WINDOW_MS);
  }
}
