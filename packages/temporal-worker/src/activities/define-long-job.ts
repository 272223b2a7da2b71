import { activityInfo, cancellationDetails, cancellationSignal, heartbeat } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import * as v from 'valibot';
import type { Heartbeating } from '../policies/heartbeating.ts';
import { drainingSignal } from '../worker/draining.ts';
import { type Progress, type ProgressDetails, readProgress, writeProgress } from './progress.ts';

/** One attempt of a long job. */
export interface LongJob<TCursor> {
  /** What the attempt before saved; null for the first one, and if it cannot be read. */
  readonly resumed: Progress<TCursor> | null;
  /** Aborts when the attempt has to end at once: cancelled, timed out, or the worker's grace has passed. For `fetch`. */
  readonly signal: AbortSignal;
  /** Aborts when the worker begins to stop. The attempt then ends at its next `save`, and another worker resumes. */
  readonly draining: AbortSignal;
  /**
   * Saves a checkpoint. The SDK sends it within 0.8 × the heartbeat timeout, so a crash may lose the latest ones: repeat
   * what comes after a checkpoint without harm. When the attempt fails or drains, the last one is sent in any case.
   *
   * @throws CancelledFailure if the attempt was cancelled, ApplicationFailure WORKER_DRAINING if the worker stops: let both
   * through. TypeError if the progress does not fit.
   */
  save(progress: Progress<TCursor>): void;
}

/** Options of {@link defineLongJob}. */
export interface LongJobOptions<TCursor> {
  /** How the cursor reads in JSON. One of another build that does not fit is ignored: the job begins again. */
  readonly cursor: v.GenericSchema<unknown, TCursor>;
  /**
   * How long an attempt may go without a `save` before its heartbeats end, so that the server starts another, in
   * milliseconds; default 900,000. Heartbeats by themselves would keep an attempt alive that hangs.
   */
  readonly stallAfterMs?: number;
}

/** The `type` of the failure with which an attempt ends when its worker stops. It is retried. */
export const WORKER_DRAINING = 'WORKER_DRAINING';

const MOST_BETWEEN_MS = 5000;

/**
 * Makes an activity that sends heartbeats by itself, and resumes at its last checkpoint. Call it with a class that has a
 * heartbeat timeout, such as `longJob`; without one it fails, because a dead worker would be noticed only at
 * startToClose.
 */
export function defineLongJob<TCursor, A extends unknown[], R>(
  options: LongJobOptions<TCursor>,
  run: (job: LongJob<TCursor>, ...args: A) => Promise<R>,
): Heartbeating<(...args: A) => Promise<R>> {
  const { stallAfterMs = 900_000 } = options;
  const activity = async (...args: A): Promise<R> => {
    const { heartbeatTimeoutMs, activityType, heartbeatDetails } = activityInfo();
    if (heartbeatTimeoutMs === undefined || heartbeatTimeoutMs <= 0)
      throw ApplicationFailure.nonRetryable(
        `the activity ${activityType} was called without a heartbeat timeout; call it with a class that has one`,
        'INVALID_INPUT',
      );
    let details = readProgress(heartbeatDetails);
    let savedAt = Date.now();
    // Also the first one repeats the checkpoint: a heartbeat without it would erase it.
    const beat = (): void => heartbeat(details ?? undefined);
    beat();
    const timer = setInterval(
      () => {
        if (Date.now() - savedAt < stallAfterMs) beat();
      },
      Math.min(MOST_BETWEEN_MS, heartbeatTimeoutMs / 3),
    );
    const signal = cancellationSignal();
    const draining = drainingSignal();
    try {
      return await run(
        {
          resumed: resumedFrom(details, options.cursor),
          signal,
          draining,
          save: (progress) => {
            savedAt = Date.now();
            details = writeProgress(progress, options.cursor, savedAt);
            beat();
            if (draining.aborted || cancellationDetails()?.workerShutdown === true)
              throw drained(activityType);
            if (signal.aborted) throw new CancelledFailure('CANCELLED');
          },
        },
        ...args,
      );
    } catch (error) {
      // Cancelled by the end of the grace time alone, an attempt is retried: nobody asked for the end of its work.
      const { workerShutdown = false, cancelRequested = false } = cancellationDetails() ?? {};
      if (error instanceof Error && workerShutdown && !cancelRequested && signal.aborted)
        throw drained(activityType, error);
      throw error;
    } finally {
      clearInterval(timer);
    }
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand exists only for the compiler
  return activity as Heartbeating<typeof activity>;
}

function resumedFrom<T>(
  details: ProgressDetails | null,
  cursorSchema: v.GenericSchema<unknown, T>,
): Progress<T> | null {
  if (details === null) return null;
  const { cursor, kind: _, savedAt: __, ...others } = details;
  if (cursor === undefined) return others;
  const parsed = v.safeParse(cursorSchema, cursor);
  return parsed.success ? { ...others, cursor: parsed.output } : null;
}

function drained(activityType: string, cause?: Error): ApplicationFailure {
  return ApplicationFailure.create({
    type: WORKER_DRAINING,
    message: `the worker stops; another one resumes ${activityType} at its checkpoint`,
    category: ApplicationFailureCategory.BENIGN,
    ...(cause === undefined ? {} : { cause }),
  });
}
