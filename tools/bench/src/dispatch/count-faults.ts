import type { Received } from './sink-process.ts';

/** What went wrong on the way from stored issues to the receiver, in notifications. */
export interface FaultCounts {
  readonly lost: number;
  readonly reordered: number;
  readonly duplicates: number;
  /** Notifications of issues for which none was expected. */
  readonly unexpected: number;
}

/** Compares what should have arrived with what did; the order is that of the stored issues within a stream. */
export function countFaults(
  expected: readonly string[],
  received: readonly Pick<Received, 'eventId' | 'streamId' | 'webhookId'>[],
): FaultCounts {
  const place = new Map(expected.map((eventId, index) => [eventId, index]));
  const seen = new Set<string>();
  const last = new Map<string, number>();
  let duplicates = 0;
  let reordered = 0;
  let unexpected = 0;
  for (const { eventId, streamId, webhookId } of received) {
    const index = place.get(eventId);
    if (index === undefined) {
      unexpected++;
      continue;
    }
    if (seen.has(webhookId)) {
      duplicates++;
      continue;
    }
    seen.add(webhookId);
    const before = last.get(streamId);
    if (before !== undefined && index < before) reordered++;
    last.set(streamId, Math.max(index, before ?? -1));
  }
  const arrived = new Set(received.map(({ eventId }) => eventId));
  const lost = expected.filter((eventId) => !arrived.has(eventId)).length;
  return { lost, reordered, duplicates, unexpected };
}
