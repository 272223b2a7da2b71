import { createTemporalClient } from '@heliograph/temporal-worker/client';
import { skipTime } from '@heliograph/testkit';
import type { Client } from '@temporalio/client';
import { DISPATCH_TRACE_STARTS } from '../client/index.ts';
import type { Decision } from '../contract/decision.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryOrder, DeliveryResult, FirstSignal } from '../contract/delivery-order.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import type { IssueSignal, IssueStatus } from '../contract/issue-signal.ts';
import { DISPATCH_TASK_QUEUE, MONITOR_INSTANCE_ALERT } from '../contract/names.ts';
import type { SilentRun, StreamKey, StreamState } from '../contract/stream-state.ts';
import { orderFor } from '../stream/order-for.ts';
import {
  INITIAL_STREAM_STATE,
  applyDelivery,
  shouldNotify,
  shouldNotifyAtAnyAge,
} from '../stream/should-notify.ts';
import { issueSignal } from '../contract/signals.ts';
import { createDispatchWorkers } from '../worker/index.ts';
import { dispatchNamespace } from './dispatch-ground.ts';

/** A namespace with the workflows in it and nothing else: the activities are given to each worker. */
export async function workflowGround(label: string) {
  const temporal = await dispatchNamespace(label);
  return {
    ...temporal,
    /** Starts workflows in virtual time. */
    skippingClient: createTemporalClient({
      connection: skipTime(temporal.connection),
      namespace: temporal.namespace,
      traceStarts: DISPATCH_TRACE_STARTS,
    }),
    /** With activities that are whole: nothing of them is faked. */
    realWorker: (workflowBundle: { readonly code: string }, activities: DispatchActivities) =>
      createDispatchWorkers({
        connection: temporal.nativeConnection,
        namespace: temporal.namespace,
        workflowBundle,
        activities,
        shutdownGraceMs: 1000,
      }),
    worker: (
      workflowBundle: { readonly code: string },
      activities: FakeActivities,
      options: { readonly identity?: string } = {},
    ) =>
      createDispatchWorkers({
        connection: temporal.nativeConnection,
        namespace: temporal.namespace,
        workflowBundle,
        activities: opening(activities),
        shutdownGraceMs: 1000,
        ...options,
      }),
  };
}

/** The signal of an issue at a position, stored just now. */
export function signalAt(position: number, status: IssueStatus = 'firing'): IssueSignal {
  return {
    eventId: `e${position}`,
    position: String(position),
    status,
    storedAt: Date.now(),
  };
}

/** Signals an alert stream, starting it where it does not run. */
export async function signalStream(
  client: Client,
  stream: StreamKey,
  signal: IssueSignal,
  batchWindowMs?: number,
): Promise<string> {
  const handle = await client.workflow.signalWithStart(MONITOR_INSTANCE_ALERT, {
    workflowId: alertWorkflowId(stream),
    taskQueue: DISPATCH_TASK_QUEUE,
    args: [{ stream, ...(batchWindowMs === undefined ? {} : { batchWindowMs }) }],
    signal: issueSignal,
    signalArgs: [signal],
  });
  return handle.signaledRunId;
}

/** What a test fakes; `openStream` is made of these as the real one is. */
export type FakeActivities = Omit<DispatchActivities, 'openStream'>;

/** Adds `openStream`: it reads the state and delivers what the first signal leads to on it. */
function opening(activities: FakeActivities): DispatchActivities {
  return {
    ...activities,
    openStream: async (stream, first) => {
      const state = await activities.readStreamState(stream);
      const decision = first === null ? null : await decideFirst(activities, stream, state, first);
      if (first === null || decision?.notify !== true) return { state, decision, delivery: null };
      const order = orderFor(stream, state, first.signal, decision, first.now);
      return { state, decision, delivery: await activities.deliverAndRecord(order) };
    },
  };
}

async function decideFirst(
  { wasBegun }: FakeActivities,
  stream: StreamKey,
  state: StreamState,
  { signal, now }: FirstSignal,
): Promise<Decision> {
  const decision = shouldNotify(state, signal, now);
  return decision.reason === 'stale' && (await wasBegun(notificationIdOf(stream, signal.position)))
    ? shouldNotifyAtAnyAge(state, signal, now)
    : decision;
}

/** Activities on a memory instead of databases and providers; give the ones that behave otherwise. */
export function fakeActivities(others: Partial<FakeActivities> = {}) {
  const states = new Map<string, StreamState>();
  const delivered: DeliveryOrder[] = [];
  const silent: SilentRun[] = [];
  const accept = (order: DeliveryOrder): DeliveryResult => {
    delivered.push(order);
    silent.push(...(order.unwritten?.silent ?? []));
    const result = { provider: 'webhook', externalId: `ext-${order.issue.position}` };
    states.set(
      alertWorkflowId(order.stream),
      applyDelivery(order.state, order.issue, { now: order.decidedAt, ...result }),
    );
    return { kind: 'delivered', ...result, recorded: true };
  };
  const activities: FakeActivities = {
    readAndDispatch: async () => {
      throw new Error('this worker scans nothing');
    },
    sweepResolveDebt: async () => ({
      owed: 0,
      signalled: 0,
      superseded: 0,
      cleared: 0,
      nextSweepInMs: 60_000,
    }),
    wasBegun: async () => false,
    readStreamState: async (stream) => states.get(alertWorkflowId(stream)) ?? INITIAL_STREAM_STATE,
    deliverAndRecord: async (order) => accept(order),
    deliverPatiently: async (order) => accept(order),
    recordStreamState: async (stream, state, more) => {
      states.set(alertWorkflowId(stream), state);
      silent.push(...(more?.silent ?? []));
    },
    ...others,
  };
  return { activities, states, delivered, silent, accept };
}
