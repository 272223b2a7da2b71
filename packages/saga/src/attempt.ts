import type { Explanation, SagaHost } from './host.ts';
import type { Journal } from './journal.ts';
import type { SagaAlert } from './options.ts';
import { retryDelayMs } from './plan-compensation.ts';
import { progressOf } from './progress.ts';

/** What `attemptUntilDone` asks and tells between attempts. */
export interface Attempts {
  /** Attempts of earlier runs. */
  readonly before: number;
  readonly onFailure: (explanation: Explanation) => void;
  readonly beforeRetry: () => Promise<void>;
}

/** Attempts work until it succeeds or fails for good; then it throws that failure. Without a limit of attempts. */
export async function attemptUntilDone<T>(
  host: SagaHost,
  work: () => Promise<T>,
  { before, onFailure, beforeRetry }: Attempts,
): Promise<T> {
  for (let attempts = before + 1; ; attempts++) {
    try {
      return await work();
    } catch (error) {
      const explanation = host.explain(error);
      if (explanation.kind !== 'failure') throw error;
      onFailure(explanation);
      if (explanation.isForGood) throw error;
    }
    await host.timer(retryDelayMs(attempts)).fired;
    await beforeRetry();
  }
}

/** What `watch` needs: an alert, and whether it was given in an earlier run. */
export interface Watched {
  readonly host: SagaHost;
  readonly journal: Journal;
  readonly alert: SagaAlert | string;
  readonly isTold: boolean;
}

/**
 * Does work, and beside it tells a person, once, if it takes too long. Expects to be shielded from cancellation, which would
 * end the wait.
 */
export async function watch<T>(
  { host, journal, alert, isTold }: Watched,
  since: number,
  work: () => Promise<T>,
): Promise<T> {
  if (typeof alert === 'string' || isTold) return work();
  const { afterMs, notify } = alert;
  let isOver = false;
  let timer = host.timer(Math.max(1, since + afterMs - host.now()));
  const tell = async (): Promise<void> => {
    while (await timer.fired) {
      try {
        await host.shield(() => host.call(async () => notify(progressOf(journal.state))));
        if (!isOver && journal.state.phase !== 'ended') journal.record({ kind: 'alerted', at: host.now() });
        return;
      } catch (error) {
        const { state } = journal;
        host.warn(`The alert about saga ${state.saga} (${state.id}) failed.`, host.explain(error).failure);
      }
      if (isOver) return;
      timer = host.timer(afterMs);
    }
  };
  void tell();
  try {
    return await work();
  } finally {
    isOver = true;
    timer.stop();
  }
}
