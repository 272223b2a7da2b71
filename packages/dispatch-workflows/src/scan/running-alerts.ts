/** How many alert workflows run. */
export interface RunningAlerts {
  /** An estimate, never below the number started recently; null if nothing is known. */
  estimate(): Promise<number | null>;
  /** Records that a signal started or reached a run. */
  track(workflowId: string, runId: string): void;
}

/** What an estimate is made of. */
export interface RunningAlertsOptions {
  /** Asks the visibility index. */
  readonly count: () => Promise<number>;
  readonly now: () => number;
  /** How far the index may lag, in milliseconds: runs touched since then are added to its count. Default 3 000. */
  readonly indexLagMs?: number;
  /** How long a count is used, in milliseconds: the server allows few of these calls. Default 500. */
  readonly countForMs?: number;
  /** Receives the error of a failed count; the estimate is then null. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Estimates running alert workflows out of the visibility index, which lags, and a ledger of the runs that signals
 * of this process reached since. Runs that ended meanwhile are still counted, so it errs towards too many.
 */
export function createRunningAlerts(options: RunningAlertsOptions): RunningAlerts {
  const lagMs = options.indexLagMs ?? 3000;
  const countForMs = options.countForMs ?? 500;
  const touchedAt = new Map<string, number>();
  let last: { readonly at: number; readonly count: number } | undefined;
  return {
    async estimate() {
      const now = options.now();
      if (last === undefined || now - last.at >= countForMs) {
        try {
          last = { at: now, count: await options.count() };
        } catch (error) {
          options.onError?.(error);
          return null;
        }
      }
      for (const [run, at] of touchedAt) {
        if (now - at <= lagMs) break;
        touchedAt.delete(run);
      }
      return last.count + touchedAt.size;
    },
    track(workflowId, runId) {
      const run = `${workflowId}/${runId}`;
      // Deleting first keeps the map in the order of time, so that forgetting stops at the first young one.
      touchedAt.delete(run);
      touchedAt.set(run, options.now());
    },
  };
}
