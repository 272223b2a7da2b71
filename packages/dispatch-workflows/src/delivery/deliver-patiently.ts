import { type DeliveryOrder, type DeliveryResult, MAX_WAIT_IN_SLOT_MS } from '../contract/delivery-order.ts';
import { attemptDelivery, type DeliveryDependencies, dropNotification } from './attempt-delivery.ts';

/** The longest time that an attempt gives the provider, in milliseconds. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/** What a patient delivery needs from its activity. */
export interface Patience {
  /** Milliseconds that earlier attempts of this activity spent; they count against the time to live. */
  readonly spentMs: number;
  readonly signal: AbortSignal;
  now(): number;
  /** Between 0 and 1. */
  random(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** How long one activity may wait in all, in milliseconds: well within its time limit of five minutes. */
const MAX_IN_SLOT_MS = 240_000;

/**
 * Makes attempts until the provider accepts the notification or refuses it permanently, or until it is too old. A
 * throttled delivery waits at the app gate, which limits how many of one app do. Other retries use exponential backoff
 * with jitter; long waits are handed back to the workflow, so that a receiver that is down does not hold slots.
 */
export async function deliverPatiently(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  patience: Patience,
): Promise<DeliveryResult> {
  const startedAt = patience.now() - patience.spentMs;
  const slotFrom = patience.now();
  let waitMs = patience.spentMs > 0 ? 0 : (order.waitMs ?? 0);
  let code = 'WAITING';
  let wasThrottled = order.wasThrottled ?? false;
  for (let failures = order.failures ?? 0; ;) {
    const leftMs = order.timeToLiveMs - (patience.now() - startedAt);
    // Waiting for longer than it is worth would only hold the slot.
    if (waitMs >= leftMs) return dropNotification(dependencies, order, expiredBy(code));
    const slotMs = MAX_IN_SLOT_MS - (patience.now() - slotFrom);
    if (waitMs > Math.min(slotMs, MAX_WAIT_IN_SLOT_MS))
      return { kind: 'pending', code, waitMs, failures, wasThrottled, inSlot: false };
    if (waitMs > 0) await patience.sleep(waitMs, patience.signal);
    const maxWaitMs = Math.min(leftMs, slotMs) - waitMs;
    const comesFirst = wasThrottled;
    const attempt = await attemptDelivery(dependencies, order, {
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      signal: patience.signal,
      acquirePermit: (target) =>
        dependencies.gate.acquire(target, {
          wasThrottled: comesFirst,
          maxWaitMs: Math.max(0, maxWaitMs),
          signal: patience.signal,
        }),
    });
    if (attempt.kind !== 'again') return attempt;
    patience.signal.throwIfAborted();
    ({ code } = attempt);
    const { throttledMs } = attempt;
    if (attempt.hadNoPermit === true) {
      // Not worth waiting for, or too many wait for this app already: a timer holds no slot.
      const handBacks = (order.handBacks ?? 0) + 1;
      const backOff = Math.min(MAX_BACKOFF_MS, FIRST_HAND_BACK_MS * 2 ** (handBacks - 1));
      const wait = Math.max(throttledMs ?? 0, backOff * (0.5 + patience.random() / 2));
      if (wait >= order.timeToLiveMs - (patience.now() - startedAt))
        return dropNotification(dependencies, order, expiredBy(code));
      return { kind: 'pending', code, waitMs: wait, failures, wasThrottled, handBacks, inSlot: false };
    }
    wasThrottled ||= throttledMs !== null;
    waitMs =
      throttledMs === null
        ? Math.min(FIRST_BACKOFF_MS * 2 ** failures++, MAX_BACKOFF_MS) * (0.5 + patience.random() / 2)
        : 0;
    // A throttle is waited for at the gate, with all other deliveries; here it only counts against the time to live.
    if (throttledMs !== null && throttledMs >= order.timeToLiveMs - (patience.now() - startedAt))
      return dropNotification(dependencies, order, expiredBy(code));
  }
}

/** The first wait that is worth a timer and another activity, in milliseconds; each further one is twice as long. */
const FIRST_HAND_BACK_MS = 2000;

function expiredBy(code: string): 'EXPIRED' | 'EXPIRED_RATE_LIMITED' {
  return code === 'RATE_LIMITED' ? 'EXPIRED_RATE_LIMITED' : 'EXPIRED';
}
