import type { FailureSummary } from './state.ts';

/** A wait that can be ended early. */
export interface SagaTimer {
  /** True when the time has passed, false when the wait was ended. */
  readonly fired: Promise<boolean>;
  stop(): void;
}

/**
 * What an error means.
 *
 * - `failure`: something failed; `isForGood` if trying again cannot help.
 * - `handOver`: the run continues as new.
 * - `bug`: the code is wrong. Nothing is concluded from it.
 */
export interface Explanation {
  readonly kind: 'failure' | 'handOver' | 'bug';
  readonly failure: FailureSummary;
  readonly isForGood: boolean;
}

/** What a saga needs of the place where it runs: a workflow, or a rehearsal. */
export interface SagaHost {
  /** Identity of the saga; keys of its steps begin with it. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  now(): number;
  timer(ms: number): SagaTimer;
  /** Calls a function of the saga's author: a step, a compensation, an alert. */
  call<T>(work: () => Promise<T>): Promise<T>;
  /** Does work that no cancellation reaches. */
  shield<T>(work: () => Promise<T>): Promise<T>;
  /** Does work that ends early, by an error, when it is interrupted. */
  interruptible<T>(work: () => Promise<T>): { readonly done: Promise<T>; readonly interrupt: () => void };
  /** Throws if the work that calls it was interrupted. */
  throwIfInterrupted(): void;
  /** Calls the listener when somebody cancels the whole run; at once if that has happened already. */
  onCancelRequested(listener: () => void): void;
  /** Whether somebody has cancelled the whole run. */
  isCancelRequested(): boolean;
  /** Whether this run may do what runs of before do not: those that are replayed do as they did. */
  isPatched(change: string): boolean;
  explain(error: unknown): Explanation;
  /** Reports a failure that changes nothing else. */
  warn(message: string, failure: FailureSummary): void;
}
