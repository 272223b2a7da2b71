import {
  type DeliveryOrder,
  type DeliveryResult,
  type LastAttempt,
  MAX_WAIT_IN_SLOT_MS,
} from '../contract/delivery-order.ts';
import type { DropCode } from '../contract/reasons.ts';
import { attemptDelivery, type DeliveryDependencies, dropNotification } from './attempt-delivery.ts';

/** The longest time that an attempt gives the provider, in milliseconds. */
const ATTEMPT_TIMEOUT_MS = 10_000;
/** The longest wait for a connection to the receiver, in milliseconds: a receiver that hangs must not hold slots. */
const CONNECTION_WAIT_MS = 1000;

/** What a patient delivery needs from its activity. */
export interface Patience {
  /** When the activity was scheduled, in milliseconds since the epoch: the notification ages from then on. */
  readonly scheduledAt: number;
  /** What an earlier attempt of this activity remembered; default that of the order. */
  readonly lastAttempt?: LastAttempt | undefined;
  readonly signal: AbortSignal;
  /** Keeps what became of an attempt for an attempt of this activity in another process. */
  remember?(last: LastAttempt): void;
  /**
   * The workflow asks the delivery to come back: it ends the attempt that is on its way, begins no further one, and
   * returns what is pending.
   */
  readonly comeBack?: AbortSignal;
  /** Between 0 and 1. */
  random(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** How long one activity may wait in all, in milliseconds: well within its time limit of five minutes. */
const MAX_IN_SLOT_MS = 240_000;

/**
 * Makes attempts until the provider accepts the notification or refuses it permanently, or until it is too old: by wall
 * time, so that what waited for a worker is not sent when it is worth nothing any more. A throttled delivery waits at the
 * app gate, which limits how many of one app do; one that was never sent and expires before the throttle ends may be sent as
 * a probe, and otherwise waits until it expires. Other retries use exponential backoff with jitter; long waits are handed
 * back to the workflow, so that a receiver that is down does not hold slots.
 *
 * Rejects where a database is unavailable, so that the server repeats it. What it has learnt is handed back first.
 */
export async function deliverPatiently(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  patience: Patience,
): Promise<DeliveryResult> {
  const { now, elapsed } = dependencies;
  const expiresAt = patience.scheduledAt + order.timeToLiveMs;
  const slotFrom = elapsed();
  const known = patience.lastAttempt ?? order.lastAttempt;
  let lastAttempt = known;
  const current = (): DeliveryOrder => (lastAttempt === undefined ? order : { ...order, lastAttempt });
  const handBack = (rest: Omit<Extract<DeliveryResult, { kind: 'pending' }>, 'kind'>): DeliveryResult => ({
    kind: 'pending',
    ...rest,
    inSlot: false,
    ...(!wasSent && (rest.failures ?? 0) > 0 ? { wasSent } : {}),
    ...(lastAttempt === undefined ? {} : { lastAttempt }),
  });
  const drop = (code: string): Promise<DeliveryResult> =>
    dropNotification(dependencies, current(), expiredBy(code));
  // What was waited for by an earlier attempt of the activity, or for a worker, is over.
  let waitMs = Math.max(0, patience.scheduledAt + (order.waitMs ?? 0) - now());
  let code = order.code ?? 'WAITING';
  let wasThrottled = order.wasThrottled ?? false;
  let wasSent = order.wasSent ?? (wasThrottled || (order.failures ?? 0) > 0);
  const { signal, comeBack } = patience;
  const waiting = comeBack === undefined ? signal : AbortSignal.any([signal, comeBack]);
  const isAskedBack = (): boolean => comeBack?.aborted === true && !signal.aborted;
  for (let failures = order.failures ?? 0; ;) {
    patience.signal.throwIfAborted();
    const leftMs = expiresAt - now();
    const soFar = { code, failures, wasThrottled, handBacks: order.handBacks ?? 0 };
    const comesBack = (restMs: number): DeliveryResult => handBack({ ...soFar, waitMs: restMs });
    // Waiting for longer than it is worth would only hold the slot.
    if (waitMs >= leftMs) return drop(code);
    if (isAskedBack()) return comesBack(waitMs);
    const slotMs = MAX_IN_SLOT_MS - (elapsed() - slotFrom);
    if (waitMs > Math.min(slotMs, MAX_WAIT_IN_SLOT_MS))
      return handBack({ code, waitMs, failures, wasThrottled });
    const waitsUntil = elapsed() + waitMs;
    try {
      if (waitMs > 0) await patience.sleep(waitMs, waiting);
    } catch (error) {
      if (!isAskedBack()) throw error;
      const restMs = Math.max(0, waitsUntil - elapsed());
      return comesBack(restMs);
    }
    const maxWaitMs = Math.min(leftMs, slotMs) - waitMs;
    const comesFirst = wasThrottled;
    let attempt: Awaited<ReturnType<typeof attemptDelivery>>;
    try {
      attempt = await attemptDelivery(dependencies, current(), {
        timeoutMs: ATTEMPT_TIMEOUT_MS,
        connectionWaitMs: CONNECTION_WAIT_MS,
        signal: patience.signal,
        acquirePermit: (target) =>
          dependencies.gate.acquire(target, {
            wasThrottled: comesFirst,
            maxWaitMs: Math.max(0, maxWaitMs),
            probeWithinMs: wasSent ? undefined : Math.max(0, expiresAt - now()),
            signal: waiting,
          }),
        remember: (last) => {
          lastAttempt = last;
          patience.remember?.(last);
        },
      });
    } catch (error) {
      // No permit came before it was asked back, or a database is unavailable: the next attempt finds out.
      if (isAskedBack()) return comesBack(0);
      // The server repeats the activity with the order as it is, so what was learnt here goes back first.
      if (patience.signal.aborted || lastAttempt === known) throw error;
      return handBack({ code: 'UNAVAILABLE', waitMs: FIRST_BACKOFF_MS, failures, wasThrottled });
    }
    if (attempt.kind !== 'again') return attempt;
    patience.signal.throwIfAborted();
    ({ code } = attempt);
    const { throttledMs } = attempt;
    if (attempt.hadNoPermit === true) {
      // Not worth waiting for, or too many wait for this app already: a timer holds no slot.
      const handBacks = (order.handBacks ?? 0) + 1;
      const backOff = Math.min(MAX_BACKOFF_MS, FIRST_HAND_BACK_MS * 2 ** (handBacks - 1));
      const shortWait = backOff * (0.5 + patience.random() / 2);
      const wait = Math.max(throttledMs ?? 0, shortWait);
      const left = expiresAt - now();
      if (wait < left) return handBack({ code, waitMs: wait, failures, wasThrottled, handBacks });
      // It may still be sent as a probe, or another one may end the throttle.
      if (left <= 0 || wasSent) return drop(code);
      return handBack({ code, waitMs: Math.min(left, shortWait), failures, wasThrottled, handBacks });
    }
    wasThrottled ||= throttledMs !== null;
    // What failed before anything was sent is still worth a probe.
    wasSent ||= attempt.isUnsent !== true && !UNSENT_CODES.has(code);
    waitMs =
      throttledMs === null
        ? Math.min(FIRST_BACKOFF_MS * 2 ** failures++, MAX_BACKOFF_MS) * (0.5 + patience.random() / 2)
        : 0;
    // A throttle is waited for at the gate, with all other deliveries; here it only counts against the time to live.
    if (throttledMs !== null && throttledMs >= expiresAt - now()) return drop(code);
  }
}

/** Outcomes of attempts whose request was never written. */
const UNSENT_CODES: ReadonlySet<string> = new Set(['NOT_SENT', 'CONNECT_FAILED']);

/** The first wait that is worth a timer and another activity, in milliseconds; each further one is twice as long. */
const FIRST_HAND_BACK_MS = 2000;

/** Why a notification expired: what the latest attempt waited for. */
function expiredBy(code: string): DropCode {
  switch (code) {
    case 'RATE_LIMITED':
      return 'EXPIRED_RATE_LIMITED';
    case 'SECRET_UNREADABLE':
      return 'SECRET_UNREADABLE';
    default:
      return 'EXPIRED';
  }
}
