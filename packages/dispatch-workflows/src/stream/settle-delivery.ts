import { type DeliveryOrder, type DeliveryResult, MAX_WAIT_IN_SLOT_MS } from '../contract/delivery-order.ts';

/** What the settling of a delivery needs from whoever runs the stream. */
export interface SettlePorts {
  /** Milliseconds since the epoch; in a workflow its own clock. */
  now(): number;
  /** Waits without holding a slot; in a workflow a timer. It may end early once the run has to hand over. */
  sleep(ms: number): Promise<void>;
  /**
   * The patient activity; rejects where it could not even report a failure in time. Once the run has to hand over, it is
   * asked to come back.
   */
  deliverPatiently(order: DeliveryOrder): Promise<DeliveryResult>;
  /** Whether an error means that the run itself was cancelled. */
  isCancellation(error: unknown): boolean;
  /** Whether this execution has a later behaviour; asked only where the answer makes a difference. */
  hasPatch(patch: 'patience' | 'decision-ledger' | 'unknown-is-doubt'): boolean;
  /** Whether the run has taken so many signals that the next one has to go on with this delivery. */
  mustHandOver(): boolean;
}

/** The pause before a delivery that could not even be attempted for over an hour is repeated, in milliseconds. */
const PAUSE_MS = 30_000;

/**
 * Continues where the first, short attempt did not end the delivery: by activity, and by timer for what it hands back.
 * Where the run has to hand over, it returns what is pending, for the next run to go on from. It knows nothing of
 * workflows; the order of its calls is the order of a run's commands, so it is part of what recorded histories hold.
 */
export async function settleDelivery(
  order: DeliveryOrder,
  first: DeliveryResult,
  ports: SettlePorts,
): Promise<DeliveryResult> {
  let result = first;
  let failures = 0;
  let { lastAttempt, wasSent } = order;
  while (result.kind === 'pending') {
    const { waitMs, inSlot = waitMs <= MAX_WAIT_IN_SLOT_MS } = result;
    const { wasThrottled = false, handBacks = 0 } = result;
    failures = result.failures ?? failures;
    lastAttempt = result.lastAttempt ?? lastAttempt;
    ({ wasSent } = result);
    const known = {
      ...(wasSent === undefined ? {} : { wasSent }),
      ...(lastAttempt === undefined ? {} : { lastAttempt }),
    };
    const goesOn = { failures, ...known };
    if (ports.mustHandOver()) return { ...result, ...goesOn };
    const left = order.timeToLiveMs - (ports.now() - order.decidedAt);
    // The activity records the drop, so it runs even when no time is left.
    if (!inSlot) {
      const sleepsFrom = ports.now();
      await ports.sleep(Math.max(0, Math.min(waitMs, left)));
      const restMs = Math.max(0, waitMs - (ports.now() - sleepsFrom));
      if (ports.mustHandOver()) return { ...result, ...goesOn, waitMs: restMs, inSlot: false };
    }
    const timeToLiveMs = Math.max(0, order.timeToLiveMs - (ports.now() - order.decidedAt));
    try {
      result = await ports.deliverPatiently({
        ...order,
        timeToLiveMs,
        failures,
        wasThrottled,
        handBacks,
        code: result.code,
        waitMs: inSlot ? waitMs : 0,
        ...known,
      });
    } catch (error) {
      if (ports.isCancellation(error)) throw error;
      const isWorthwhile = order.timeToLiveMs > ports.now() - order.decidedAt;
      // The activity could not even report a failure for over an hour: a database is unavailable, not the receiver.
      if (isWorthwhile && ports.hasPatch('patience')) {
        result = { kind: 'pending', code: 'UNAVAILABLE', waitMs: PAUSE_MS, failures, inSlot: false };
        continue;
      }
      // That could not be persisted, so the next rows have to include it. Nobody can say whether it was ever sent.
      return {
        kind: 'dropped',
        code: 'EXPIRED',
        ...(ports.hasPatch('decision-ledger') ? { recorded: false } : {}),
        ...(order.kind !== 'update' && ports.hasPatch('unknown-is-doubt') ? { mayBeOpen: true } : {}),
      };
    }
  }
  return result;
}
