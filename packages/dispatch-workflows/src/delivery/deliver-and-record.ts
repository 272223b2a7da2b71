import type { DeliveryOrder, DeliveryResult } from '../contract/delivery-order.ts';
import { attemptDelivery, type DeliveryDependencies } from './attempt-delivery.ts';
import { decidedRows } from './delivery-rows.ts';

/** The longest time that the attempt gives the provider, in milliseconds; with both databases it fits into 3 s. */
const ATTEMPT_TIMEOUT_MS = 2000;

/** Makes one short attempt; a delivery that does not end here continues in `deliverPatiently`. */
export async function deliverAndRecord(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  signal?: AbortSignal,
): Promise<DeliveryResult> {
  const attempt = await attemptDelivery(dependencies, order, {
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    signal,
    acquirePermit: (target) => dependencies.gate.tryAcquire(target),
  });
  if (attempt.kind !== 'again') return attempt;
  // Nothing was sent, so no other row says that it was decided.
  if (attempt.hadNoPermit === true) await dependencies.streams.write(decidedRows(order));
  // The patient delivery waits at the app gate, which has the throttle.
  const wasThrottled = attempt.throttledMs !== null && attempt.hadNoPermit !== true;
  return { kind: 'pending', code: attempt.code, waitMs: 0, inSlot: true, wasThrottled };
}
