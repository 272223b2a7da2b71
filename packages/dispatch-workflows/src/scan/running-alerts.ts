/** How many alert workflows run. */
export interface RunningAlerts {
  /** An estimate, never below the number started recently; null if nothing is known. */
  estimate(): Promise<number | null>;
  /** Estimates for some connected apps; one that is not known now is absent. Asks for few of them at a time. */
  estimateOf(appIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Records that a signal started or reached a run of a connected app's stream. */
  track(run: { readonly workflowId: string; readonly runId: string; readonly connectedAppId: string }): void;
}

/** What an estimate is made of. */
export interface RunningAlertsOptions {
  /** Asks the visibility index for the runs of all apps, or of one. */
  readonly count: (connectedAppId?: string) => Promise<number>;
  readonly now: () => number;
  /** How far the index may lag, in milliseconds: runs first reached since then are added to its count. Default 3 000. */
  readonly indexLagMs?: number;
  /** How long a count is used, in milliseconds: the server allows few of these calls. Default 500. */
  readonly countForMs?: number;
  /** How long the count of one app is used, in milliseconds. Default 2 000. */
  readonly countAppForMs?: number;
  /** Apps that are counted in one call at most, those with the oldest counts first. Default 8. */
  readonly maxAppCounts?: number;
  /** Receives the error of a failed count; what it was for is then unknown. */
  readonly onError?: (error: unknown) => void;
}

/** Counts of apps at once. */
const APP_COUNTS_AT_ONCE = 4;
/** A count of an app that is older than this, in milliseconds, says nothing. */
const APP_COUNT_EXPIRES_MS = 30_000;
/** Runs that are remembered as known to the index; an older one is added once more. */
const MAX_KNOWN_RUNS = 20_000;

interface Counted {
  readonly at: number;
  readonly count: number;
}

/**
 * Estimates running alert workflows out of the visibility index, which lags, and a ledger of the runs that signals
 * of this process reached for the first time since. Runs that ended meanwhile are still counted, so it errs towards too
 * many; a run that is signalled again and again is counted once, because the index has it.
 */
export function createRunningAlerts(options: RunningAlertsOptions): RunningAlerts {
  const lagMs = options.indexLagMs ?? 3000;
  const countForMs = options.countForMs ?? 500;
  const countAppForMs = options.countAppForMs ?? 2000;
  const maxAppCounts = options.maxAppCounts ?? 8;
  const recent = new Map<string, { readonly at: number; readonly connectedAppId: string }>();
  const known = new Set<string>();
  const counts = new Map<string, Counted>();
  let last: Counted | undefined;

  const tryCount = async (connectedAppId?: string): Promise<Counted | null> => {
    const at = options.now();
    try {
      return { at, count: await options.count(connectedAppId) };
    } catch (error) {
      options.onError?.(error);
      return null;
    }
  };
  /** The count, and the runs that may have started too late for it. */
  const withRecent = ({ at: countedAt, count }: Counted, connectedAppId?: string): number => {
    for (const [run, { at }] of recent) {
      if (options.now() - at <= APP_COUNT_EXPIRES_MS + lagMs) break;
      recent.delete(run);
    }
    let sum = count;
    for (const run of recent.values())
      if (run.at >= countedAt - lagMs && (connectedAppId ?? run.connectedAppId) === run.connectedAppId) sum++;
    return sum;
  };
  const refresh = async (appIds: readonly string[]): Promise<void> => {
    const now = options.now();
    for (const [appId, { at }] of counts) if (now - at > APP_COUNT_EXPIRES_MS) counts.delete(appId);
    const due = appIds
      .filter((appId) => now - (counts.get(appId)?.at ?? -Infinity) >= countAppForMs)
      .toSorted((a, b) => (counts.get(a)?.at ?? -Infinity) - (counts.get(b)?.at ?? -Infinity))
      .slice(0, maxAppCounts);
    const lane = async (): Promise<void> => {
      for (let appId = due.shift(); appId !== undefined; appId = due.shift()) {
        const counted = await tryCount(appId);
        if (counted !== null) counts.set(appId, counted);
      }
    };
    await Promise.all(Array.from({ length: Math.min(APP_COUNTS_AT_ONCE, due.length) }, lane));
  };
  return {
    async estimate() {
      if (last === undefined || options.now() - last.at >= countForMs) {
        const counted = await tryCount();
        if (counted === null) return null;
        last = counted;
      }
      return withRecent(last);
    },
    async estimateOf(appIds) {
      const distinct = [...new Set(appIds)];
      await refresh(distinct);
      return new Map(
        distinct.flatMap((appId) => {
          const counted = counts.get(appId);
          return counted === undefined ? [] : [[appId, withRecent(counted, appId)] as const];
        }),
      );
    },
    track({ workflowId, runId, connectedAppId }) {
      const run = `${workflowId}/${runId}`;
      if (known.has(run)) return;
      known.add(run);
      recent.set(run, { at: options.now(), connectedAppId });
      if (known.size <= MAX_KNOWN_RUNS) return;
      for (const oldest of known) {
        known.delete(oldest);
        break;
      }
    },
  };
}
