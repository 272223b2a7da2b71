import type {
  DeliveryOrder,
  DeliveryResult,
  FirstSignal,
  OpenedStream,
  StreamRecord,
} from '../contract/delivery-order.ts';
import type { DispatchActivities } from '../contract/dispatch-activities.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import type { AlertInput, AlertResult } from '../contract/workflow-inputs.ts';
import { AlertStream, type StreamPorts } from './alert-stream.ts';
import { hasOpenIncident } from './owes-resolve.ts';
import { settleDelivery, type SettlePorts } from './settle-delivery.ts';
import { INITIAL_STREAM_STATE } from './should-notify.ts';

/** Something that was started and can be left early. */
export interface Step<T> {
  /** Rejects with a cancellation if it was left before it ended. */
  readonly result: Promise<T>;
  leave(): void;
  /** Whether `leave` was called, and the run itself was not cancelled. */
  wasLeft(): boolean;
}

/** What a run of an alert stream needs from the workflow that it is. */
export interface RunPorts {
  /** Milliseconds since the epoch, by the clock of the workflow. */
  now(): number;
  /** Calls `take` with every signal of the run, those before the call first. */
  onSignal(take: (signal: IssueSignal) => void): void;
  /** Activities inside the workflow task, which fail soon. */
  readonly quick: Pick<
    DispatchActivities,
    'openStream' | 'wasBegun' | 'deliverAndRecord' | 'recordStreamState'
  >;
  /** Activities that are repeated until they succeed. */
  readonly store: Pick<DispatchActivities, 'readStreamState' | 'wasBegun' | 'recordStreamState'>;
  /** Starts the patient delivery; left early, it says what became of the attempt on its way. */
  startDelivery(order: DeliveryOrder): Step<DeliveryResult>;
  startTimer(ms: number): Step<void>;
  /** Whether an error means that something was cancelled. */
  readonly isCancellation: (error: unknown) => boolean;
  /** Whether this execution has a later behaviour; asked only where the answer makes a difference. */
  readonly hasPatch: (patch: Patch) => boolean;
  /** Whether the history of the run is long enough. */
  isLong(): boolean;
  /** Ends the run and begins the next one. */
  continueAsNew(input: AlertInput): Promise<never>;
  /** Signals after which a run hands over to the next. */
  readonly maxSignals: number;
  /** Signals that it carries on at most. */
  readonly maxCarriedSignals: number;
}

const DEFAULT_BATCH_WINDOW_MS = 100;

/** Behaviour that came after the first executions. */
export type Patch =
  | Parameters<StreamPorts['hasPatch']>[0]
  | Parameters<SettlePorts['hasPatch']>[0]
  | 'resolve-only'
  | 'early-hand-over';

/**
 * One run of an alert stream: collects signals, decides, delivers and records until its inbox is empty, or hands over to the
 * next run. It knows nothing of workflows; the order of its calls is the order of a run's commands, so it is part of what
 * recorded histories hold.
 */
export async function runAlertStream(input: AlertInput, run: RunPorts): Promise<AlertResult> {
  const { carried } = input;
  const { hasPatch } = run;
  const stream = new AlertStream(input.stream, carried?.state ?? INITIAL_STREAM_STATE, carried?.inbox);
  const intake = createIntake(run);
  // The handler only pushes. One that awaited would lose signals when the run ends.
  run.onSignal((signal) => {
    intake.count();
    stream.push(signal);
  });
  const settling = settlePorts(run, intake);
  const ports: StreamPorts = {
    now: () => run.now(),
    hasPatch,
    deliver: (order) => deliver(order, run, settling),
    hasIntent: (notificationId) => hasIntent(notificationId, run),
    record: (...what) => record(what, run),
  };
  const isResolveOnly = carried === undefined && (await open(stream, run, settling));
  if (carried?.delivery !== undefined) {
    const { order, result } = carried.delivery;
    stream.settle(order, await settleDelivery(order, result, settling));
  }
  const { notificationCount } = stream.state;
  for (;;) {
    if (stream.underWay === null) await stream.drain(ports);
    if (stream.underWay !== null) {
      const delivery = await stream.handOver(ports, run.maxCarriedSignals);
      const { state, inbox } = stream;
      await run.continueAsNew({
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
    if (stream.inbox.length > run.maxCarriedSignals) continue;
    if (intake.isFull || run.isLong()) {
      await stream.flush(ports);
      await run.continueAsNew({
        ...input,
        carried: { state: stream.state, inbox: stream.inbox },
      });
    }
    await run.startTimer(input.batchWindowMs ?? DEFAULT_BATCH_WINDOW_MS).result;
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

function createIntake({ hasPatch, maxSignals }: Pick<RunPorts, 'hasPatch' | 'maxSignals'>): Intake {
  let received = 0;
  let tell: () => void = () => undefined;
  const full = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const isFull = (): boolean => received >= maxSignals;
  const mustHandOver = (): boolean => isFull() && hasPatch('early-hand-over');
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
async function open(stream: AlertStream, run: RunPorts, settling: SettlePorts): Promise<boolean> {
  const { hasPatch } = run;
  const first = stream.firstSignal(run.now());
  const opened = await openStream(stream.key, first, run);
  const order = stream.open(opened, first, { hasPatch });
  if (order !== null && opened.delivery !== null)
    stream.settle(order, await settleDelivery(order, opened.delivery, settling));
  const hasNothingToClose = first?.signal.status === 'resolved' && !hasOpenIncident(opened.state);
  return hasNothingToClose && hasPatch('resolve-only');
}

async function openStream(
  key: StreamKey,
  first: FirstSignal | null,
  { quick, store, isCancellation }: RunPorts,
): Promise<OpenedStream> {
  try {
    return await quick.openStream(key, first);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  return { state: await store.readStreamState(key), delivery: null };
}

async function hasIntent(
  notificationId: string,
  { quick, store, isCancellation }: RunPorts,
): Promise<boolean> {
  try {
    return await quick.wasBegun(notificationId);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  return store.wasBegun(notificationId);
}

async function record(
  what: readonly [StreamKey, StreamState, StreamRecord],
  { quick, store, isCancellation }: RunPorts,
): Promise<void> {
  try {
    await quick.recordStreamState(...what);
    return;
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  await store.recordStreamState(...what);
}

async function deliver(
  order: DeliveryOrder,
  { quick, isCancellation }: RunPorts,
  settling: SettlePorts,
): Promise<DeliveryResult> {
  let first: DeliveryResult = { kind: 'pending', code: 'FIRST_ATTEMPT_FAILED', waitMs: 0 };
  try {
    first = await quick.deliverAndRecord(order);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  return settleDelivery(order, first, settling);
}

function settlePorts(run: RunPorts, intake: Intake): SettlePorts {
  return {
    now: () => run.now(),
    async sleep(ms) {
      const timer = run.startTimer(ms);
      if (await intake.race(timer.result)) timer.leave();
      await timer.result.catch(rethrowUnlessLeft(timer));
    },
    async deliverPatiently(order) {
      const delivery = run.startDelivery(order);
      if (await intake.race(delivery.result)) delivery.leave();
      try {
        return await delivery.result;
      } catch (error) {
        rethrowUnlessLeft(delivery)(error);
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
    isCancellation: (error) => run.isCancellation(error),
    hasPatch: (patch) => run.hasPatch(patch),
    mustHandOver: () => intake.mustHandOver(),
  };
}

/** Passes an error on, unless the step was left. */
function rethrowUnlessLeft(step: Step<unknown>): (error: unknown) => void {
  return (error) => {
    if (!step.wasLeft()) throw error;
  };
}
