import * as v from 'valibot';
import { TemporalSetupError } from '../errors.ts';
import type { Limit, NoLimit, Timeout } from './limit.ts';

interface Common {
  /** Named for its use, such as `moneyMovement`. */
  readonly name: string;
  /** What belongs into this class, in one line. */
  readonly use: string;
  /** One workflow task. It is how the server learns that a worker has died with the task. */
  readonly task: Limit;
  /** Workflows are not retried as a whole: what has an effect is retried where it happens, in an activity. */
  readonly retry: NoLimit;
}

/** Timeouts of workflows of one use, each with its reason. */
export type WorkflowClass = Common &
  (
    | {
        /** Whether something has to be undone when a run ends early. The server's timeouts end it without a chance to. */
        readonly hasCompensation: false;
        /** From the first start, over every continue-as-new and retry. */
        readonly execution: Timeout;
        /** One run. */
        readonly run: Timeout;
      }
    | { readonly hasCompensation: true; readonly execution: NoLimit; readonly run: NoLimit }
  );

const MISSING = 'it is missing; state a value, or none, with the reason';
const because = v.pipe(v.string(), v.trim(), v.minLength(1, 'a reason is missing'));
const positive = v.pipe(v.number(), v.finite(), v.minValue(1, 'expected at least 1 ms'));
const timeout = v.object({ ms: v.nullable(positive), because }, MISSING);

const schema = v.object(
  {
    name: v.pipe(v.string(), v.regex(/^[a-z][A-Za-z0-9]{1,63}$/, 'expected a name such as moneyMovement')),
    use: because,
    hasCompensation: v.boolean(),
    execution: timeout,
    run: timeout,
    task: v.object({ ms: positive, because }, MISSING),
    retry: v.object({ ms: v.null(), because }, 'only none(reason) is allowed here'),
  },
  MISSING,
);

/**
 * Declares a class, and checks it where it is declared.
 *
 * @throws {TemporalSetupError} TEMPORAL_POLICY_INVALID, in one line that names the class and the field
 */
export function defineWorkflowClass<const T extends WorkflowClass>(given: T): T {
  const name: unknown = given?.name;
  const refuse = (why: string): TemporalSetupError =>
    new TemporalSetupError('TEMPORAL_POLICY_INVALID', `workflow class ${String(name)}: ${why}`);
  const parsed = v.safeParse(schema, given);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw refuse(`${v.getDotPath(issue) ?? 'class'}: ${issue.message}`);
  }
  const { hasCompensation, execution, run, task } = parsed.output;
  if (hasCompensation && (execution.ms !== null || run.ms !== null))
    throw refuse(
      `${execution.ms === null ? 'run' : 'execution'}: a run with compensation has none, because the server ends it without compensating; use runWithDeadline inside`,
    );
  if (execution.ms !== null && run.ms !== null && run.ms > execution.ms)
    throw refuse('run: it has to be at most execution');
  if (task.ms > 120_000) throw refuse('task: the server allows at most 120 s');
  return given;
}
