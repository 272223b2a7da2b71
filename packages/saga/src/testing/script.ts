import type { SagaProgress } from '../progress.ts';
import type { SagaState } from '../state.ts';

/** A step of a scripted saga. */
export interface ScriptedStep {
  readonly id: string;
  readonly isCompensable: boolean;
  readonly group: string | null;
}

/** What a scripted workflow does; what goes wrong is the activities' business. */
export interface Script {
  readonly steps: readonly ScriptedStep[];
  readonly order: 'reverse' | 'parallel';
  /** Cancellations interrupt steps while they run. */
  readonly isInterruptible?: boolean;
  /** Runs all steps at the same time. */
  readonly isTogether?: boolean;
  /** Continues as new after everything that has happened. */
  readonly handsOver?: boolean;
  /** Continues as new on another task queue, whose workers may have another build. */
  readonly handsOverTo?: string;
  /** Continues as new without the state. */
  readonly forgetsState?: boolean;
  readonly deadlineMs?: number;
  readonly alertAfterMs?: number;
  /** Who retries compensations: the server, by the policy of the activity, or the saga. */
  readonly retriedBy?: 'server' | 'saga';
  /** Attempts of a step, by the server; default 1. */
  readonly stepAttempts?: number;
  /** Of one attempt of a step, in milliseconds; default 10 000. */
  readonly stepTimeoutMs?: number;
  /** Of one attempt of a compensation, in milliseconds; default 10 000. */
  readonly undoTimeoutMs?: number;
  /** Its code is wrong after its first step, and what comes of that. */
  readonly bug?: 'failsTask' | 'compensates';
  /** Waits before the last step. */
  readonly pauseMs?: number;
}

/** What a scripted workflow calls. */
export interface ScriptedActivities {
  doStep(id: string, key: string): Promise<string>;
  undoStep(id: string, key: string, result: string | null): Promise<void>;
  tell(progress: SagaProgress): Promise<void>;
}

/** The input of a scripted workflow. */
export interface ScriptedInput {
  readonly script: Script;
  readonly state?: SagaState;
}
