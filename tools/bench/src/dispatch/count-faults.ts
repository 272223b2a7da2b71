import type { Received } from './sink-process.ts';

/** What went wrong on the way from stored issues to the receiver, in notifications. */
export interface FaultCounts {
  readonly lost: number;
  readonly reordered: number;
  readonly duplicates: number;
  /** Notifications nobody expected: of a foreign issue, or one more of an issue under another webhook id. */
  readonly unexpected: number;
}

/**
 * Compares what should have arrived with what the receiver accepted: one notification per expected issue, in the order
 * of the stored issues within a stream. The same webhook id again is a duplicate, another one for the same issue is a
 * notification of its own.
 */
export function countFaults(
  expected: readonly string[],
  received: readonly Pick<Received, 'eventId' | 'streamId' | 'webhookId' | 'isAccepted'>[],
): FaultCounts {
  const place = new Map(expected.map((eventId, index) => [eventId, index]));
  /** The webhook id of the first notification, by issue. */
  const firsts = new Map<string, string>();
  const last = new Map<string, number>();
  let duplicates = 0;
  let reordered = 0;
  let unexpected = 0;
  for (const { eventId, streamId, webhookId, isAccepted } of received) {
    if (!isAccepted) continue;
    const index = place.get(eventId);
    const first = firsts.get(eventId);
    if (index === undefined || (first !== undefined && first !== webhookId)) {
      unexpected++;
      continue;
    }
    if (first !== undefined) {
      duplicates++;
      continue;
    }
    firsts.set(eventId, webhookId);
    const before = last.get(streamId);
    if (before !== undefined && index < before) reordered++;
    last.set(streamId, Math.max(index, before ?? -1));
  }
  const lost = expected.filter((eventId) => !firsts.has(eventId)).length;
  return { lost, reordered, duplicates, unexpected };
}
