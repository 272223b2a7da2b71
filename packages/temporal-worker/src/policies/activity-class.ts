import * as v from 'valibot';
import { TemporalSetupError } from '../errors.ts';
import type { Limit, NoLimit, Reasoned, Timeout } from './limit.ts';

/** How a failed attempt of an activity is repeated. */
export interface RetryRules {
  readonly initialInterval: Limit;
  /** By what each interval is longer than the one before. */
  readonly coefficient: Reasoned<number>;
  readonly maximumInterval: Limit;
  /** Attempts in all; null: until a timeout or an error that is not retried ends them. */
  readonly attempts: Reasoned<number | null>;
  /** Types of application failures that end the activity at once. */
  readonly nonRetryable: Reasoned<readonly string[]>;
}

interface Common {
  /** Named for its use, such as `delivery`. */
  readonly name: string;
  /** What belongs into this class, in one line. */
  readonly use: string;
  /** `local`: runs inside the workflow task, which allows neither heartbeats nor a task queue. */
  readonly kind: 'regular' | 'local';
  /**
   * One attempt. Always bounded: it is how the server learns that a worker has died with the activity.
   */
  readonly startToClose: Limit;
  readonly retry: RetryRules;
}

/**
 * Whether the server may give the work up, and what is lost then. Both timeouts also count the time in which no worker takes
 * it, and nothing is retried after them. Work that may not be given up has neither: what bounds it is in the activity or
 * in the workflow, which both know of it.
 */
type Queueing =
  | { readonly mayBeGivenUp: true; readonly scheduleToClose: Timeout; readonly scheduleToStart: Timeout }
  | { readonly mayBeGivenUp: false; readonly scheduleToClose: NoLimit; readonly scheduleToStart: NoLimit };

/** A class whose activities send heartbeats. */
export type HeartbeatingClass = Common & Queueing & { readonly heartbeat: Limit };

/** A class whose activities end soon enough without. */
export type BriefClass = Common & Queueing & { readonly heartbeat: NoLimit };

/** Timeouts and retries of activities of one use, each with its reason. */
export type ActivityClass = HeartbeatingClass | BriefClass;

/** An attempt that may take longer has to send heartbeats, in milliseconds. */
export const LONGEST_WITHOUT_HEARTBEAT_MS = 600_000;

const MISSING = 'it is missing; state a value, or none, with the reason';
const because = v.pipe(v.string(), v.trim(), v.minLength(1, 'a reason is missing'));
const positive = v.pipe(v.number(), v.finite(), v.minValue(1, 'expected at least 1 ms'));
const bound = v.object({ ms: positive, because }, MISSING);
const timeout = v.object({ ms: v.nullable(positive), because }, MISSING);
const reasoned = <T>(value: v.GenericSchema<unknown, T>) => v.object({ value, because }, MISSING);

const schema = v.object(
  {
    name: v.pipe(v.string(), v.regex(/^[a-z][A-Za-z0-9]{1,63}$/, 'expected a name such as quickRead')),
    use: because,
    kind: v.picklist(['regular', 'local']),
    mayBeGivenUp: v.boolean(),
    startToClose: bound,
    scheduleToClose: timeout,
    scheduleToStart: timeout,
    heartbeat: timeout,
    retry: v.object(
      {
        initialInterval: bound,
        coefficient: reasoned(v.pipe(v.number(), v.minValue(1))),
        maximumInterval: bound,
        attempts: reasoned(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1)))),
        nonRetryable: reasoned(v.array(v.pipe(v.string(), v.minLength(1)))),
      },
      MISSING,
    ),
  },
  MISSING,
);

/**
 * Declares a class, and checks it where it is declared: a process that loads a class without a timeout does not start.
 * Declare classes in a contract, which worker and workflows both load.
 *
 * @throws {TemporalSetupError} TEMPORAL_POLICY_INVALID, in one line that names the class and the field
 */
export function defineActivityClass<const T extends ActivityClass>(given: T): T {
  const name: unknown = given?.name;
  const refuse = (why: string): TemporalSetupError =>
    new TemporalSetupError('TEMPORAL_POLICY_INVALID', `activity class ${String(name)}: ${why}`);
  const parsed = v.safeParse(schema, given);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw refuse(`${v.getDotPath(issue) ?? 'class'}: ${issue.message}`);
  }
  const contradiction = findContradiction(parsed.output);
  if (contradiction !== null) throw refuse(contradiction);
  return given;
}

function findContradiction(given: v.InferOutput<typeof schema>): string | null {
  const { startToClose, scheduleToClose, scheduleToStart, heartbeat, retry } = given;
  for (const [field, stated] of Object.entries({ scheduleToClose, scheduleToStart }))
    if (!given.mayBeGivenUp && stated.ms !== null)
      return `${field}: work that may not be given up has none, because it counts the time without workers, and nothing is retried after it`;
  if (given.kind === 'local' && heartbeat.ms !== null)
    return 'heartbeat: a local activity has none, because it runs inside the workflow task';
  if (given.kind === 'regular' && heartbeat.ms === null && startToClose.ms > LONGEST_WITHOUT_HEARTBEAT_MS)
    return `heartbeat: an attempt of more than ${LONGEST_WITHOUT_HEARTBEAT_MS / 60_000} min has one, or a dead worker is noticed only when the attempt is over`;
  if (heartbeat.ms !== null && heartbeat.ms >= startToClose.ms)
    return 'heartbeat: it has to be shorter than startToClose';
  if (scheduleToClose.ms !== null && scheduleToClose.ms < startToClose.ms)
    return 'scheduleToClose: it has to be at least startToClose, or the last attempt is cut short';
  const isRepeated = retry.attempts.value !== 1;
  if (
    isRepeated &&
    scheduleToClose.ms !== null &&
    scheduleToClose.ms < startToClose.ms + retry.initialInterval.ms
  )
    return 'scheduleToClose: it leaves no time for another attempt after one that timed out';
  if (retry.maximumInterval.ms < retry.initialInterval.ms)
    return 'retry.maximumInterval: it has to be at least initialInterval';
  return null;
}
