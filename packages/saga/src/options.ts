import * as v from 'valibot';
import { SagaError } from './errors.ts';
import type { SagaProgress } from './progress.ts';
import type { Saga } from './saga.ts';
import type { SagaState } from './state.ts';

/** Tells a person that a saga needs a look. */
export interface SagaAlert {
  /**
   * Milliseconds that compensation, the pivot, a step after it, or what still runs after an interruption may take before
   * somebody is told.
   */
  readonly afterMs: number;
  /**
   * Tells them, by an activity or a signal. It runs beside the saga: it neither delays nor stops it, and is tried again
   * after the same time if it fails. One that succeeds is not repeated for the same trouble.
   */
  readonly notify: (progress: SagaProgress) => Promise<unknown>;
}

/** How a run hands a saga to the next one. */
export interface SagaHandOver {
  /** Continues as new with the state; the next run gives it to `resume`. */
  readonly continueAs: (state: SagaState) => Promise<never>;
  /** Default: the server suggests it. Asked by `handOverIfDue`, between compensations and before they are retried. */
  readonly isDue?: () => boolean;
}

/** How a saga runs. */
export interface SagaRunOptions {
  readonly saga: Saga;
  /** The state that the run before handed over, or that `repairSaga` made. Absent or null: the saga begins. */
  readonly resume?: unknown;
  /**
   * Identity of the saga, the beginning of every key. Default: workflow id and the id of the first run. Needed
   * where a workflow has several sagas: from the second saga of a run on, and for one that begins in a run that continues
   * another.
   */
  readonly id?: string;
  /**
   * Milliseconds from the beginning, over all runs, after which it compensates instead of going on; default: none. Use it
   * in place of an execution timeout, after which nothing runs any more.
   */
  readonly deadlineMs?: number;
  readonly alert: SagaAlert | `none, because ${string}`;
  /** Default: the saga stays in its run. */
  readonly handOver?: SagaHandOver;
  /**
   * Whether an error that is no failure of Temporal, such as a TypeError, makes the saga compensate. Default false: it
   * fails the workflow task, and the run goes on once the code is mended. Set it where workers fail workflows on such
   * errors (`workflowFailureErrorTypes`, `failureExceptionTypes`), since nothing would be compensated there.
   */
  readonly compensatesBugs?: boolean;
}

const milliseconds = v.pipe(v.number(), v.integer(), v.minValue(1));

const optionsSchema = v.object({
  id: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(500))),
  deadlineMs: v.optional(milliseconds),
  alert: v.union([
    v.pipe(v.string(), v.regex(/^none, because \S/)),
    v.object({ afterMs: milliseconds, notify: v.function() }),
  ]),
});

/**
 * Checks the options that types cannot.
 *
 * @throws {SagaError} SAGA_DEFINITION, with the option that does not fit.
 */
export function checkRunOptions(options: SagaRunOptions): void {
  const parsed = v.safeParse(optionsSchema, options);
  if (parsed.success) return;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue) ?? 'options';
  const hint =
    path === 'alert'
      ? "give afterMs and notify, or say alert: 'none, because …' with the reason"
      : issue.message;
  throw new SagaError('SAGA_DEFINITION', `Saga ${options.saga.name} cannot run with this ${path}: ${hint}.`);
}
