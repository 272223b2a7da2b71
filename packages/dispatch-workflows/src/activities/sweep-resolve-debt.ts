import type { IssueSignal, StreamKey, SweepResult } from '../contract.ts';
import type { DebtStore, ResolveDebt } from '../stores/debt-store.ts';
import type { IssueStore } from '../stores/issue-store.ts';
import { signalOf } from './match-routes.ts';
import { DEFAULT_SIGNAL_POLICY } from '../contract.ts';

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
  readonly issues: Pick<IssueStore, 'read'>;
  /** Signals an alert stream, starting its workflow where it does not run. */
  readonly signal: (stream: StreamKey, signal: IssueSignal) => Promise<void>;
  readonly now: () => number;
  readonly onFailure?: (failure: { readonly workflowId: string; readonly error: unknown }) => void;
}

/** An intent that has not come to its end keeps the sweep away for so long, in milliseconds. */
const IN_PROGRESS_MS = 2 * 3_600_000;

/** A debt is not tried again before so much of its age has passed once more. */
const SHARE_OF_AGE = 1 / 12;

/** Finds what is open outside although it is over, and asks those streams once more to resolve. */
export async function sweepResolveDebt(
  { debts, issues, signal, now, onFailure }: SweepDependencies,
  options: SweepOptions,
  progress: { readonly heartbeat: () => void; readonly signal?: AbortSignal },
): Promise<SweepResult> {
  let owed = 0;
  let signalled = 0;
  let afterId: string | null = null;
  do {
    progress.heartbeat();
    progress.signal?.throwIfAborted();
    const page = await debts.list({ afterId, limit: options.pageSize });
    owed += page.debts.length;
    for (const debt of page.debts) {
      if (signalled >= options.maxSignals || !isDue(debt, now(), options.retryAfterMs)) continue;
      const row = await issues.read(debt.issue);
      if (row === null) continue;
      try {
        await signal(debt.stream, { ...signalOf(row, DEFAULT_SIGNAL_POLICY), owed: true });
        signalled++;
      } catch (error) {
        onFailure?.({ workflowId: debt.workflowId, error });
      }
      progress.heartbeat();
    }
    afterId = page.nextId;
  } while (afterId !== null);
  const cleared = await debts.clearIntents(options.keepIntentsMs);
  return { owed, signalled, cleared, nextSweepInMs: options.intervalMs };
}

/** Whether nobody is at it: neither was anything written lately, nor is a delivery under way. */
function isDue({ intent, updatedAt, issue }: ResolveDebt, now: number, retryAfterMs: number): boolean {
  // The older a debt, the rarer: what nobody mends for days must not fill the ledger.
  const waitMs = Math.max(retryAfterMs, (now - issue.storedAt) * SHARE_OF_AGE);
  if (now - Math.max(updatedAt, issue.storedAt) < waitMs) return false;
  const isUnderWay = intent !== null && intent.status !== 'dropped' && intent.status !== 'delivered';
  return !isUnderWay || now - intent.updatedAt > IN_PROGRESS_MS;
}
