import { createHash } from 'node:crypto';
import type { NewIssue } from './issue.ts';

/** What the content of an event is made of; `startsAt` is null where the report named none. */
export type EventContent = Omit<NewIssue, 'eventId' | 'eventHash' | 'startsAt'> & {
  readonly startsAt: number | null;
};

/**
 * Hashes the content of an event to a decimal number of 64 bits other than 0, whatever the order of its labels and
 * annotations. A default that differs from one request to the next is no part of it.
 */
export function eventHashOf(content: EventContent): string {
  const { monitor, fingerprint, status, severity, labels, annotations, startsAt, endsAt } = content;
  const text = JSON.stringify([
    monitor,
    fingerprint,
    status,
    severity,
    sorted(labels),
    sorted(annotations),
    startsAt,
    endsAt,
  ]);
  const hash = createHash('sha256').update(text).digest().readBigUInt64BE(0);
  return (hash === 0n ? 1n : hash).toString();
}

function sorted(record: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
