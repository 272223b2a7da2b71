import { beginSaga, isPivotPassed, pivotInDoubt } from './advance.ts';
import { attemptUntilDone, watch } from './attempt.ts';
import { compensate, handOverIfDue } from './compensate.ts';
import { SagaError } from './errors.ts';
import type { SagaHost } from './host.ts';
import { Journal } from './journal.ts';
import { checkRunOptions, type SagaRunOptions } from './options.ts';
import { recordedFailure, toWorkflowFailure } from './saga-failure.ts';
import { parseSagaState, type SagaCause, type SagaState, type StepRecord } from './state.ts';
import { isSagaName, type AnyStep, type Step } from './step.ts';

/** Characters that are kept of the reason for a cancellation: it is carried from run to run. */
const MAX_REASON = 500;

/** What the body of a saga does its steps with. */
export interface SagaRun {
  /** Everything the saga knows at this moment, as plain data. */
  readonly state: SagaState;
  /**
   * Runs a step and gives its result. In a run that goes on with a state, a step that is done gives the result that it
   * had. Several may run at the same time; the body may catch a failure and go on, and the step that failed is then
   * compensated at the end.
   *
   * `id` names this use of the step, for steps that run more than once; default: the name of the step.
   *
   * @throws {SagaError} SAGA_STEP_UNKNOWN, SAGA_STEP_REPEATED, SAGA_ENDED, SAGA_PIVOT, SAGA_STEPS_RUNNING
   */
  run<Input, Result>(
    step: Step<Input, Result>,
    input: Input,
    options?: { readonly id?: string },
  ): Promise<Result>;
  /**
   * Cancels the saga, as cancelling the workflow does. Without effect while it compensates, and past the pivot. Of the
   * reason 500 characters are kept.
   */
  cancel(reason?: string): void;
  /**
   * Continues as new, with the state, if that is due and no step is running. Call it in loops, where the body may be left.
   *
   * @throws {SagaError} SAGA_STEPS_RUNNING
   */
  handOverIfDue(): Promise<void>;
}

/** One run of a saga, wherever it runs. */
export class SagaExecution implements SagaRun {
  readonly #host: SagaHost;
  readonly #options: SagaRunOptions;
  readonly #journal: Journal;
  readonly #claimed = new Set<string>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #failures = new Map<unknown, string>();
  /** Rejected with what continues as new, once a step or the body hands over; never fulfilled. */
  readonly #left = Promise.withResolvers<never>();
  /** Fulfilled when nothing of the body runs any more. */
  readonly #settled = Promise.withResolvers<undefined>();
  #isRestWatched = false;
  #interrupt: (() => void) | null = null;
  #isBodyOver = false;

  /** @throws {SagaError} SAGA_DEFINITION, SAGA_STATE, SAGA_ENDED */
  constructor(host: SagaHost, options: SagaRunOptions, onChange?: (state: SagaState) => void) {
    checkRunOptions(options);
    this.#host = host;
    this.#options = options;
    const { saga, resume } = options;
    const state =
      resume === undefined || resume === null
        ? beginSaga(saga.name, host.id, host.now())
        : resumable(saga.name, resume);
    this.#journal = new Journal(state, onChange);
    if (state.phase === 'compensating') this.#journal.record({ kind: 'resumed', at: host.now() });
  }

  get state(): SagaState {
    return this.#journal.state;
  }

  cancel(reason?: string): void {
    // It comes from outside, by a signal that anybody may send with anything.
    const text: unknown = reason;
    this.#interruptFor({
      kind: 'cancelled',
      reason: typeof text === 'string' ? text.slice(0, MAX_REASON) : null,
    });
  }

  async handOverIfDue(): Promise<void> {
    this.#host.throwIfInterrupted();
    if (this.#options.handOver?.isDue?.() === true && this.#running.size > 0)
      throw this.#error('SAGA_STEPS_RUNNING', 'hands over while steps are running: await them first');
    try {
      await handOverIfDue(this.#journal, this.#options);
    } catch (error) {
      if (this.#host.explain(error).kind === 'handOver') return this.#leave(error);
      throw error;
    }
  }

  run<Input, Result>(
    step: Step<Input, Result>,
    input: Input,
    { id = step.name }: { readonly id?: string } = {},
  ): Promise<Result> {
    const running = this.#begin(step, input, id);
    // A body that has failed elsewhere no longer waits for this step: that is no error nobody handles.
    running.catch(() => undefined);
    return running;
  }

  async #begin<Input, Result>(step: Step<Input, Result>, input: Input, id: string): Promise<Result> {
    const known = this.#claim(step, id);
    if (known?.status === 'done') {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this step gave back in an earlier run
      return known.result as Result;
    }
    // It failed in an earlier run; it may be undone by now, so it does not run again.
    if (known !== undefined && known.status !== 'running') throw this.#failureOf(known);
    // Whoever caught the failure of a pivot that may have happened would do its work twice, or go on without it.
    const doubted = pivotInDoubt(this.state);
    if (doubted !== undefined) throw this.#failureOf(doubted);
    const isLast = step.isPivot || isPivotPassed(this.state);
    if (known === undefined)
      this.#journal.record({
        kind: 'stepBegun',
        id,
        step: step.name,
        input,
        isCompensable: typeof step.compensation === 'function',
        isPivot: step.isPivot,
        group: step.group ?? null,
      });
    const isTold = known !== undefined && this.state.alertedAt !== null;
    const running = this.#attempt(step, input, id, { isLast, isTold });
    this.#running.add(running);
    const forget = (): void => void this.#running.delete(running);
    running.then(forget, forget);
    return running;
  }

  /**
   * Runs the body, then compensates what is to be compensated.
   *
   * @throws the failure of {@link toWorkflowFailure} for a saga that did not complete
   */
  async execute<Result>(body: (saga: SagaRun) => Promise<Result>): Promise<Result> {
    const host = this.#host;
    let error: unknown;
    if (this.state.phase === 'forward') error = await this.#goForward(body);
    this.#isBodyOver = true;
    if (this.state.phase === 'compensating') await compensate(host, this.#journal, this.#options);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the body gave back, in this run or an earlier one
    if (this.state.outcome === 'completed') return this.state.result as Result;
    throw toWorkflowFailure(this.state, host.isCancelRequested(), error);
  }

  async #goForward<Result>(body: (saga: SagaRun) => Promise<Result>): Promise<unknown> {
    const host = this.#host;
    const cancelled: SagaCause = { kind: 'cancelled', reason: null };
    if (host.isCancelRequested()) this.#interruptFor(cancelled);
    if (this.#interruption !== null && !isPivotPassed(this.state))
      return this.#fail(null, this.#interruption);
    host.onCancelRequested(() => this.#interruptFor(cancelled));
    const { done, interrupt } = host.interruptible(() => body(this));
    this.#interrupt = interrupt;
    // The body may have cancelled before its first wait.
    this.#interruptIfAllowed();
    const stopDeadline = this.#watchDeadline();
    try {
      const result = await Promise.race([done, this.#left.promise]);
      const isComplete = this.#running.size === 0;
      await this.#settle();
      // Steps that the body did not wait for were interrupted: it is not complete.
      if (!isComplete && this.#interruption !== null && !isPivotPassed(this.state))
        return this.#fail(null, this.#interruption);
      const doubted = pivotInDoubt(this.state);
      if (doubted !== undefined) return this.#fail(this.#failureOf(doubted), null);
      this.#journal.record({ kind: 'bodyDone', result, at: host.now() });
      return undefined;
    } catch (error) {
      if (host.explain(error).kind !== 'failure') throw error;
      const interruption = this.#interruption;
      interrupt();
      // What is running may still happen: only then can it be undone.
      await this.#settle();
      return this.#fail(error, interruption);
    } finally {
      stopDeadline();
      this.#settled.resolve(undefined);
    }
  }

  #fail(error: unknown, interruption: SagaCause | null): unknown {
    const cause: SagaCause =
      interruption !== null && !isPivotPassed(this.state)
        ? interruption
        : { kind: 'failed', stepId: this.#failedStep(error), failure: this.#host.explain(error).failure };
    this.#journal.record({ kind: 'bodyFailed', cause, at: this.#host.now() });
    return error;
  }

  /** The failure of a step that the state tells of. */
  #failureOf({ id, failure }: StepRecord): Error {
    const error = recordedFailure(failure ?? { code: 'UNKNOWN', message: '' });
    this.#failures.set(error, id);
    return error;
  }

  /** The step whose failure an error is, or is caused by. */
  #failedStep(error: unknown): string | null {
    for (let at = error; at instanceof Error; at = at.cause) {
      const id = this.#failures.get(at);
      if (id !== undefined) return id;
    }
    return null;
  }

  async #attempt<Input, Result>(
    step: Step<Input, Result>,
    input: Input,
    id: string,
    { isLast, isTold }: { readonly isLast: boolean; readonly isTold: boolean },
  ): Promise<Result> {
    const host = this.#host;
    const journal = this.#journal;
    const context = { key: `${this.state.id}/${id}` };
    const work = (): Promise<Result> => host.call(async () => step.run(input, context));
    try {
      const { alert } = this.#options;
      const result = isLast
        ? await host.shield(() =>
            watch({ host, journal, alert, isTold }, host.now(), () =>
              attemptUntilDone(host, work, {
                before: 0,
                onFailure: ({ failure }) => host.warn(`Step ${id} of saga ${this.state.id} failed.`, failure),
                beforeRetry: async () => {
                  if (this.#running.size === 1) await handOverIfDue(journal, this.#options);
                },
              }),
            ),
          )
        : await (step.isInterruptible === true ? work() : host.shield(work));
      journal.record({ kind: 'stepDone', id, result });
      return result;
    } catch (error) {
      const { kind, failure } = host.explain(error);
      if (kind === 'handOver') return this.#leave(error);
      if (kind === 'failure') {
        const isInDoubt = step.isPivot && step.isNotDone?.(failure) !== true;
        journal.record({ kind: isInDoubt ? 'pivotInDoubt' : 'stepFailed', id, failure });
        this.#failures.set(error, id);
        // Somebody may have cancelled while the pivot ran.
        this.#interruptIfAllowed();
      }
      throw error;
    }
  }

  /** Ends the run with what continues as new; whoever waits here waits for good, so that no body can catch it. */
  #leave(error: unknown): Promise<never> {
    this.#left.reject(error);
    return new Promise(() => undefined);
  }

  #claim(step: AnyStep, id: string) {
    const { saga } = this.#options;
    if (saga.steps.get(step.name) !== step)
      throw this.#error(
        'SAGA_STEP_UNKNOWN',
        `runs step ${step.name}, which is not in its list: add it to \`steps\``,
      );
    if (!isSagaName(id))
      throw this.#error('SAGA_DEFINITION', `runs step ${step.name} as ${JSON.stringify(id)}, which is no id`);
    this.#host.throwIfInterrupted();
    if (this.#isBodyOver || this.state.phase !== 'forward')
      throw this.#error('SAGA_ENDED', `has ended and cannot run step ${id}: begin a new saga`);
    const known = this.state.steps.find((record) => record.id === id);
    if (this.#claimed.has(id) || (known !== undefined && known.step !== step.name))
      throw this.#error('SAGA_STEP_REPEATED', `runs step ${id} twice: give each use an id of its own`);
    if (known === undefined && isPivotPassed(this.state) && typeof step.compensation === 'function')
      throw this.#error(
        'SAGA_PIVOT',
        `runs step ${id} past its pivot, where nothing is compensated: run it earlier, or say compensation: 'none, because …'`,
      );
    if (step.isPivot && this.#running.size > 0)
      throw this.#error('SAGA_STEPS_RUNNING', `runs its pivot ${id} beside other steps: await them first`);
    this.#claimed.add(id);
    return known;
  }

  get #interruption(): SagaCause | null {
    return this.state.interruption ?? null;
  }

  #interruptFor(cause: SagaCause): void {
    if (this.#isBodyOver || this.state.phase !== 'forward') return;
    if (this.#interruption === null) this.#journal.record({ kind: 'interrupted', cause });
    this.#interruptIfAllowed();
  }

  #interruptIfAllowed(): void {
    if (this.#interruption === null || isPivotPassed(this.state)) return;
    this.#interrupt?.();
    this.#watchRest();
  }

  /**
   * Tells somebody if what runs does not end although the saga is to be undone: a step ends first, however long it takes.
   * Past the pivot each step has an alert of its own.
   */
  #watchRest(): void {
    const { alert } = this.#options;
    const isNeeded = this.#running.size > 0 && !isPivotPassed(this.state) && typeof alert !== 'string';
    if (!isNeeded || this.#isRestWatched || !this.#host.isPatched('saga-watches-interruption')) return;
    this.#isRestWatched = true;
    const context = { host: this.#host, journal: this.#journal, alert, isTold: false };
    void this.#host.shield(() => watch(context, this.#host.now(), () => this.#settled.promise));
  }

  #watchDeadline(): () => void {
    const { deadlineMs } = this.#options;
    if (deadlineMs === undefined) return () => undefined;
    const deadlineAt = this.state.startedAt + deadlineMs;
    const timer = this.#host.timer(Math.max(1, deadlineAt - this.#host.now()));
    const interruptThen = async (): Promise<void> => {
      if (await timer.fired) this.#interruptFor({ kind: 'deadline', deadlineAt });
    };
    void interruptThen();
    return () => timer.stop();
  }

  /** Waits for every step that is running. A bug in one of them is thrown. */
  async #settle(): Promise<void> {
    this.#watchRest();
    while (this.#running.size > 0) {
      const outcomes = Promise.allSettled(this.#running);
      for (const outcome of await Promise.race([outcomes, this.#left.promise]))
        if (outcome.status === 'rejected' && this.#host.explain(outcome.reason).kind !== 'failure')
          throw outcome.reason;
      await Promise.resolve();
    }
  }

  #error(code: SagaError['code'], text: string): SagaError {
    return new SagaError(code, `Saga ${this.state.saga} (${this.state.id}) ${text}.`);
  }
}

function resumable(saga: string, resume: unknown): SagaState {
  const state = parseSagaState(resume);
  if (state.saga !== saga)
    throw new SagaError(
      'SAGA_STATE',
      `This state is of saga ${state.saga}, and cannot be resumed by ${saga}.`,
    );
  if (state.phase === 'ended')
    throw new SagaError(
      'SAGA_ENDED',
      `Saga ${saga} (${state.id}) has ended (${state.outcome}): begin a new one, or repair its state first.`,
    );
  return state;
}
