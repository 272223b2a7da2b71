import { fingerprintOf, toFingerprint, type NewIssue } from '@heliograph/dispatch-workflows/stores';
import * as v from 'valibot';

const MAX_LABELS = 100;
/** JSON can carry half of a surrogate pair, which no database takes: it would fail the whole batch. */
const text = (maxLength: number) =>
  v.pipe(
    v.string(),
    v.maxLength(maxLength),
    v.check((given) => !/\p{Surrogate}/u.test(given), 'Expected well-formed Unicode.'),
  );
const name = (maxLength: number) => v.pipe(text(maxLength), v.minLength(1));
const texts = (maxLength: number) =>
  v.pipe(
    v.record(name(256), text(maxLength)),
    v.check((record) => Object.keys(record).length <= MAX_LABELS, `Expected at most ${MAX_LABELS} entries.`),
  );
const instant = v.pipe(
  v.string(),
  v.isoTimestamp('Expected an instant such as 2026-01-31T12:00:00Z.'),
  v.check(isInstant, 'Expected an instant that exists.'),
);

/** `Date.parse` takes the 31st of February for the 3rd of March. */
function isInstant(given: string): boolean {
  const [year = 0, month = 0, day = 0] = given.slice(0, 10).split('-').map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCDate() === day && !Number.isNaN(Date.parse(given));
}

/** An issue as a monitor sends it. */
export const issueInput = v.strictObject({
  /** Names this report; repeat it when you repeat the request. Default: a new one. */
  eventId: v.optional(
    v.pipe(v.string(), v.regex(/^[\w.:-]{1,128}$/, 'Expected 1 to 128 of letters, digits, _ . : -')),
  ),
  monitor: name(256),
  /** Names what the issue is about. Default: a hash of monitor and labels. */
  fingerprint: v.optional(name(1024)),
  status: v.picklist(['firing', 'resolved', 'suppressed']),
  severity: v.optional(name(64), 'none'),
  labels: v.optional(texts(4096), {}),
  annotations: v.optional(texts(32_768), {}),
  /** Default: when it was received. */
  startsAt: v.optional(instant),
  endsAt: v.optional(v.nullable(instant), null),
});

/** Completes a checked input. */
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
