import { createHash } from 'node:crypto';
import type { issueInput } from '@heliograph/dispatch-api';
import {
  eventHashOf,
  fingerprintOf,
  toFingerprint,
  type ReportedIssue,
} from '@heliograph/dispatch-workflows/stores';
import type * as v from 'valibot';

/** The event id for an issue that names none, and whether a repetition of the request makes the same one. */
export interface EventIdentity {
  readonly eventId: string;
  readonly mayRepeat: boolean;
}

/** Completes a checked input: event id, fingerprint and start, where the monitor gave none. */
export function toReportedIssue(
  input: v.InferOutput<typeof issueInput>,
  now: number,
  identify: () => EventIdentity,
): ReportedIssue {
  const startsAt = input.startsAt === undefined ? null : Date.parse(input.startsAt);
  const content = {
    monitor: input.monitor,
    fingerprint:
      input.fingerprint === undefined
        ? fingerprintOf(input.monitor, input.labels)
        : toFingerprint(input.fingerprint),
    status: input.status,
    severity: input.severity,
    labels: input.labels,
    annotations: input.annotations,
    endsAt: input.endsAt === null ? null : Date.parse(input.endsAt),
  };
  return {
    ...content,
    ...(input.eventId === undefined ? identify() : { eventId: input.eventId, mayRepeat: true }),
    startsAt: startsAt ?? now,
    startsAtGiven: startsAt !== null,
    eventHash: eventHashOf({ ...content, startsAt }),
  };
}

/**
 * The event id of the issue at `index` of a request with an idempotency key: the same in every process and after every
 * restart, another for another caller.
 */
export function eventIdOfRequest(principalId: string, idempotencyKey: string, index: number): string {
  return createHash('sha256')
    .update(JSON.stringify(['POST /api/v1/issues', principalId, idempotencyKey, index]))
    .digest('hex')
    .slice(0, 32);
}
