import type { DeliveryOrder, DeliveryResult, LastAttempt } from '../contract/delivery-order.ts';
import { expiredForMs } from '../stream/should-notify.ts';
import { attemptDelivery, type DeliveryDependencies, dropNotification } from './attempt-delivery.ts';
import { decidedRows } from './delivery-rows.ts';

/** The longest time that the attempt gives the provider, in milliseconds. */
const ATTEMPT_TIMEOUT_MS = 2000;
/** The time for all of it, in milliseconds: with the rows of its outcome it ends well within the activity's 3 s. */
const BUDGET_MS = 2400;
/** The longest wait for a connection, in milliseconds. */
const CONNECTION_WAIT_MS = 300;
/**
 * The first attempt follows its decision at once, also where the notification was begun before it became stale; in
 * milliseconds. What is later than that has waited for a worker.
 */
const AT_ONCE_MS = 10_000;
/**
 * What was begun before it became stale is attempted once more so long after its life at the latest, in milliseconds: a
 * worker that dies costs seconds, and whatever waited for longer is sent to nobody.
 */
const BEGUN_WITHIN_MS = 60_000;

/**
 * Makes one short attempt; a delivery that does not end here continues in `deliverPatiently`. `startedAt` is when its
 * activity began, by `elapsed`: what that did before takes from the time of the attempt.
 */
export async function deliverAndRecord(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  signal?: AbortSignal,
  startedAt = dependencies.elapsed(),
): Promise<DeliveryResult> {
  signal?.throwIfAborted();
  const now = dependencies.now();
  const isLate = now - order.decidedAt > Math.max(order.timeToLiveMs, AT_ONCE_MS);
  if (isLate || expiredForMs(order.issue, order.reason, now) > BEGUN_WITHIN_MS)
    return dropNotification(dependencies, order, 'EXPIRED');
  let { lastAttempt } = order;
  const attempt = await attemptDelivery(dependencies, order, {
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    budgetMs: BUDGET_MS - (dependencies.elapsed() - startedAt),
    connectionWaitMs: CONNECTION_WAIT_MS,
    signal,
    acquirePermit: (target) => dependencies.gate.tryAcquire(target),
    remember: (last: LastAttempt) => (lastAttempt = last),
  });
  if (attempt.kind !== 'again') return attempt;
  // Nothing was claimed, so no other row says that it was decided.
  const isUnclaimed = attempt.isUnsent === true && lastAttempt === order.lastAttempt;
  if (attempt.hadNoPermit === true || isUnclaimed) await dependencies.streams.write(decidedRows(order));
  // The patient delivery waits at the app gate, which has the throttle.
  const wasThrottled = attempt.throttledMs !== null && attempt.hadNoPermit !== true;
  return {
    kind: 'pending',
    code: attempt.code,
    waitMs: 0,
    inSlot: true,
    wasThrottled,
    ...(lastAttempt === undefined ? {} : { lastAttempt }),
  };
}
