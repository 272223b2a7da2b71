import type { issueInput } from '@heliograph/dispatch-api';
import { fingerprintOf, toFingerprint, type NewIssue } from '@heliograph/dispatch-workflows/stores';
import type * as v from 'valibot';

/** Completes a checked input: event id, fingerprint and start, where the monitor gave none. */
export function toNewIssue(
  input: v.InferOutput<typeof issueInput>,
  now: number,
  nextId: () => string,
): NewIssue {
  return {
    eventId: input.eventId ?? nextId(),
    monitor: input.monitor,
    fingerprint:
      input.fingerprint === undefined
        ? fingerprintOf(input.monitor, input.labels)
        : toFingerprint(input.fingerprint),
    status: input.status,
    severity: input.severity,
    labels: input.labels,
    annotations: input.annotations,
    startsAt: input.startsAt === undefined ? now : Date.parse(input.startsAt),
    endsAt: input.endsAt === null ? null : Date.parse(input.endsAt),
  };
}
