import type { Decision } from '../contract/decision.ts';
import type { FirstSignal, OpenedStream } from '../contract/delivery-order.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import { orderFor } from '../stream/order-for.ts';
import { shouldNotify, shouldNotifyAtAnyAge } from '../stream/should-notify.ts';
import type { DeliveryDependencies } from './attempt-delivery.ts';
import { deliverAndRecord } from './deliver-and-record.ts';

/**
 * Reads a stream's state, decides about the first signal on it, and makes the first delivery attempt where the decision
 * is to notify. The decision travels in the result, so that it is made only once.
 */
export async function openStream(
  dependencies: DeliveryDependencies,
  stream: StreamKey,
  first: FirstSignal | null,
  signal?: AbortSignal,
): Promise<OpenedStream> {
  const startedAt = dependencies.elapsed();
  const state = await dependencies.streams.read(stream);
  if (first === null) return { state, decision: null, delivery: null };
  const decision = await decideFirst(dependencies, stream, state, first);
  if (!decision.notify) return { state, decision, delivery: null };
  const order = orderFor(stream, state, first.signal, decision, first.now);
  return { state, decision, delivery: await deliverAndRecord(dependencies, order, signal, startedAt) };
}

/** What was begun before it became stale is not dropped because a workflow task was repeated. */
async function decideFirst(
  { intents }: DeliveryDependencies,
  stream: StreamKey,
  state: StreamState,
  { signal, now }: FirstSignal,
): Promise<Decision> {
  const decision = shouldNotify(state, signal, now);
  if (decision.reason !== 'stale') return decision;
  const begun = await intents.read([notificationIdOf(stream, signal.position)]);
  return begun.length === 0 ? decision : shouldNotifyAtAnyAge(state, signal, now);
}
