import { DEFAULT_SIGNAL_POLICY, type IssueSignal } from '../contract/issue-signal.ts';
import type { Position } from '../contract/position.ts';
import type { SweepResult } from '../contract/sweep-result.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { comparePositions } from '../contract/position.ts';
import type { DebtStore, ResolveDebt } from './debt-store.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { StreamStore } from '../stream/stream-store.ts';
import { isUnderWay } from '../delivery/intent-status.ts';
import type { IntentStore } from '../delivery/intent-store.ts';
import { supersededRows } from '../delivery/delivery-rows.ts';
import { signalOf } from '../routing/match-routes.ts';

/** Knobs of the sweep. */
export interface SweepOptions {
  /** Milliseconds between two sweeps; default 60 000. */
  readonly intervalMs: number;
  /**
   * How long a stream is left alone after anything was written about it, in milliseconds; default 300 000, and more for
   * a debt that is older than an hour.
   */
  readonly retryAfterMs: number;
  /** How long settled intents are kept, in milliseconds; default 7 days. */
  readonly keepIntentsMs: number;
  /** Open streams that are looked through at once; default 500. */
  readonly pageSize: number;
  /** Streams that one sweep asks at most; default 500. */
  readonly maxSignals: number;
}

/** Defaults of every knob of the sweep. */
export const DEFAULT_SWEEP_OPTIONS: SweepOptions = {
  intervalMs: 60_000,
  retryAfterMs: 300_000,
  keepIntentsMs: 7 * 86_400_000,
  pageSize: 500,
  maxSignals: 500,
};

/** What a sweep works with. */
export interface SweepDependencies {
  readonly debts: DebtStore;
  readonly intents: Pick<IntentStore, 'listPassed' | 'deleteSettled'>;
  readonly issues: Pick<IssueStore, 'read'>;
  readonly streams: Pick<StreamStore, 'write'>;
  /** Signals an alert stream, starting its workflow where it does not run. */
  readonly signal: (stream: StreamKey, signal: IssueSignal) => Promise<void>;
  readonly now: () => number;
  readonly onFailure?: (failure: {
    readonly what: string;
    readonly id?: string;
    readonly error: unknown;
  }) => void;
}

/** An intent that has not come to its end keeps the sweep away for so long, in milliseconds. */
const IN_PROGRESS_MS = 2 * 3_600_000;

/** A debt is not tried again before so much of its age has passed once more. */
const SHARE_OF_AGE = 1 / 12;

/**
 * Finds what is open outside although it is over, and asks those streams once more to resolve. Settles what streams
 * have passed and clears away what is old; neither waits for the other, and what fails comes again with the next sweep.
 */
export async function sweepResolveDebt(
  dependencies: SweepDependencies,
  options: SweepOptions & {
    /** Issues beyond it are left to the scan; null: none was made yet. */
    readonly scannedUpTo: Position | null;
  },
  progress: { readonly heartbeat: () => void; readonly signal?: AbortSignal },
): Promise<SweepResult> {
  const { debts, intents, onFailure } = dependencies;
  const attempted = async (what: string, run: () => Promise<number>): Promise<number> => {
    progress.heartbeat();
    progress.signal?.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      onFailure?.({ what, error });
      return 0;
    }
  };
  let cleared = 0;
  for (let round = 0; round < MAX_CLEARINGS; round++) {
    const some = await attempted('old intents could not be cleared away', () =>
      intents.deleteSettled(options.keepIntentsMs),
    );
    cleared += some;
    if (some < CLEARED_AT_ONCE) break;
  }
  const superseded = await attempted('passed intents could not be settled', () =>
    settlePassed(dependencies, options.retryAfterMs),
  );
  let owed = 0;
  let signalled = 0;
  let after: string | null = null;
  do {
    const place: string | null = after;
    after = null;
    owed += await attempted('open streams could not be looked through to the end', async () => {
      const page = await debts.list({ after: place, limit: options.pageSize });
      after = page.next;
      for (const debt of page.debts) {
        if (signalled >= options.maxSignals || !isDue(debt, dependencies.now(), options)) continue;
        if (await ask(dependencies, debt)) signalled++;
        progress.heartbeat();
      }
      return page.debts.length;
    });
  } while (after !== null);
  return { owed, signalled, superseded, cleared, nextSweepInMs: options.intervalMs };
}

/** As many as one clearing takes; that many mean that there are more. */
const CLEARED_AT_ONCE = 5000;
const MAX_CLEARINGS = 20;

async function ask({ issues, signal, onFailure }: SweepDependencies, debt: ResolveDebt): Promise<boolean> {
  try {
    const row = await issues.read(debt.issue);
    if (row === null) return false;
    await signal(debt.stream, { ...signalOf(row, DEFAULT_SIGNAL_POLICY), owed: true });
    return true;
  } catch (error) {
    onFailure?.({ what: 'an alert stream could not be asked to resolve', id: debt.workflowId, error });
    return false;
  }
}

/**
 * A sending was cut off, and when the stream came to its issue again it decided otherwise, since time had passed. Nobody
 * else would ever look at the intent, so it is settled here, with what is not known of it.
 */
async function settlePassed(
  { intents, streams, now }: SweepDependencies,
  untouchedMs: number,
): Promise<number> {
  const passed = await intents.listPassed(untouchedMs);
  // Together they are few statements.
  await Promise.all(passed.map((intent) => streams.write(supersededRows(intent, now()))));
  return passed.length;
}

/** Whether nobody is at it: the scan has passed it, nothing was written lately, and no delivery is under way. */
function isDue(
  { intent, updatedAt, issue }: ResolveDebt,
  now: number,
  { retryAfterMs, scannedUpTo }: { readonly retryAfterMs: number; readonly scannedUpTo: Position | null },
): boolean {
  // A stream takes nothing older than what it decided: signalled early, this would undo what the scan has still to bring.
  if (scannedUpTo === null || comparePositions(issue.position, scannedUpTo) > 0) return false;
  // The older a debt, the rarer: what nobody mends for days must not fill the ledger.
  const waitMs = Math.max(retryAfterMs, (now - issue.storedAt) * SHARE_OF_AGE);
  if (now - Math.max(updatedAt, issue.storedAt) < waitMs) return false;
  const isTaken = intent !== null && isUnderWay(intent.status);
  return !isTaken || now - intent.updatedAt > IN_PROGRESS_MS;
}
