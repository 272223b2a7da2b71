import { DEFAULT_SIGNAL_POLICY, type IssueSignal } from '../contract/issue-signal.ts';
import type { Position } from '../contract/position.ts';
import type { SweepResult } from '../contract/sweep-result.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { comparePositions, positionBefore } from '../contract/position.ts';
import type { DebtStore, ResolveDebt } from './debt-store.ts';
import { DueDebts, type DueDebt } from './due-debts.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { StreamLookUp } from '../scan/stream-look-up.ts';
import type { StreamStore } from '../stream/stream-store.ts';
import { isUnderWay } from '../delivery/intent-status.ts';
import type { IntentStore } from '../delivery/intent-store.ts';
import { supersededRows } from '../delivery/delivery-rows.ts';
import { signalOf } from '../routing/group-issues.ts';

/** Options of the sweep. */
export interface SweepOptions {
  /** Milliseconds between two sweeps; default 60 000. */
  readonly intervalMs: number;
  /**
   * How long after the last write about a stream its resolve is resent, in milliseconds; default 300 000, and longer for
   * a debt that is older than an hour.
   */
  readonly retryAfterMs: number;
  /** How long settled intents are kept, in milliseconds; default 7 days. */
  readonly keepIntentsMs: number;
  /** Open streams in one page; default 500. */
  readonly pageSize: number;
  /** Streams that one sweep tries to signal at most, apps in turns; default 500. */
  readonly maxSignals: number;
}

/** Defaults of the sweep. */
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
  readonly issues: Pick<IssueStore, 'read' | 'findUnseen'>;
  /** Dispatches rows that no scan has seen; gives how many it took. */
  readonly dispatch: (rows: readonly StoredIssue[]) => Promise<number>;
  readonly streams: Pick<StreamStore, 'write'>;
  readonly streamLookUp: StreamLookUp;
  /** Whether the workflow of an alert stream runs; rejects, soon enough, where that is unknown. */
  readonly isRunning: (stream: StreamKey) => Promise<boolean>;
  /**
   * Signals an alert stream, starting its workflow where it does not run; false: it may not be started now, and the signal is
   * parked.
   */
  readonly signal: (stream: StreamKey, signal: IssueSignal) => Promise<boolean>;
  readonly now: () => number;
  /** At least 0, below 1. */
  readonly random: () => number;
  readonly onFailure?: (failure: {
    readonly what: string;
    readonly id?: string;
    readonly error: unknown;
  }) => void;
}

/** How long an intent that is under way keeps the sweep from resending its resolve, in milliseconds. */
const IN_PROGRESS_MS = 2 * 3_600_000;

/** A resolve is not resent before this share of the debt's age has passed since the last write. */
const SHARE_OF_AGE = 1 / 12;

/**
 * Finds resolve debt and signals those streams to resend their resolves; settles intents that streams have passed, and
 * deletes old ones; dispatches stored issues that no scan has seen. None of these prevents the others, and what fails is repeated by the next sweep.
 */
export async function sweepResolveDebt(
  dependencies: SweepDependencies,
  options: SweepOptions & {
    /** Issues beyond it are left to the scan; null: none was made yet. */
    readonly scannedUpTo: Position | null;
  },
  progress: { readonly heartbeat: () => void; readonly signal?: AbortSignal },
): Promise<SweepResult> {
  const { debts, intents, now, onFailure } = dependencies;
  const tryStep = async (what: string, run: () => Promise<number>): Promise<number> => {
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
    const some = await tryStep('old intents could not be deleted', () =>
      intents.deleteSettled(options.keepIntentsMs),
    );
    cleared += some;
    if (some < CLEARED_AT_ONCE) break;
  }
  const superseded = await tryStep('passed intents could not be settled', () =>
    settlePassed(dependencies, options.retryAfterMs),
  );
  const unseen = await tryStep('rows that no scan has seen could not be looked for', () =>
    dispatchUnseen(dependencies, options.scannedUpTo),
  );
  const due = new DueDebts(MAX_DUE);
  let owed = 0;
  /** Returns where the next page begins; null after the last one. */
  const listPage = async (
    after: string | null,
    collect: (found: readonly ResolveDebt[]) => Promise<void>,
  ): Promise<string | null> => {
    let next: string | null = null;
    owed += await tryStep('open streams could not be listed to the end', async () => {
      const page = await debts.list({ after, limit: options.pageSize });
      ({ next } = page);
      await tryStep(
        'what waits in the backlog could not be looked up, so resolves are left to the next sweep',
        async () => {
          await collect(page.debts.filter((debt) => isDue(debt, now(), options)));
          return 0;
        },
      );
      return page.debts.length;
    });
    return next;
  };
  const collect = async (found: readonly ResolveDebt[]): Promise<void> => {
    for (const debt of await leaveOutWaiting(dependencies, found)) due.add(debt);
  };
  const collectUntil = now() + COLLECT_WITHIN_MS;
  let next = await listPage(null, collect);
  while (next !== null && now() < collectUntil) next = await listPage(next, collect);
  const signalled = await resendInTurns(dependencies, due, options.maxSignals, progress);
  // They are counted all the same.
  while (next !== null) next = await listPage(next, async () => undefined);
  return {
    owed,
    signalled,
    superseded,
    cleared,
    ...(unseen === 0 ? {} : { unseen }),
    nextSweepInMs: options.intervalMs,
  };
}

/** What one deletion takes at most; that many mean that there are more. */
const CLEARED_AT_ONCE = 5000;
const MAX_CLEARINGS = 20;

/** How far behind the cursor rows are looked for that no scan has seen, in milliseconds. */
const UNSEEN_WITHIN_MS = 3_600_000;
/** Whose entries may still be on their way to the ledger, or whose signals failed and come again. */
const UNSEEN_AFTER_MS = 120_000;
const UNSEEN_AT_ONCE = 500;

/** Dispatches what became visible after the scan had passed, against every limit: late, but not never. */
async function dispatchUnseen(
  { issues, dispatch, onFailure }: SweepDependencies,
  scannedUpTo: Position | null,
): Promise<number> {
  if (scannedUpTo === null) return 0;
  const rows = await issues.findUnseen({
    after: positionBefore(scannedUpTo, UNSEEN_WITHIN_MS),
    upTo: positionBefore(scannedUpTo, UNSEEN_AFTER_MS),
    limit: UNSEEN_AT_ONCE,
  });
  if (rows.length === 0) return 0;
  onFailure?.({
    what: `${rows.length} stored issues were seen by no scan and are dispatched now`,
    error: null,
  });
  return dispatch(rows);
}

/** Due debts that one sweep keeps in mind. */
const MAX_DUE = 10_000;
/** Debts that are found later are counted, and left to the next sweep, in milliseconds: the whole sweep has a minute. */
const COLLECT_WITHIN_MS = 20_000;
/** Streams that are asked and signalled at once. */
const RESENT_AT_ONCE = 8;
/** So many streams of which nobody knows whether they run mean that the server is not worth asking now. */
const MAX_UNKNOWN = 16;

/** Without the streams that wait in the backlog: what they wait for includes their resolve. */
async function leaveOutWaiting(
  { streamLookUp }: Pick<SweepDependencies, 'streamLookUp'>,
  debts: readonly ResolveDebt[],
): Promise<readonly ResolveDebt[]> {
  const fingerprints = debts.map(({ stream }) => stream.fingerprint);
  const { waiting } = await streamLookUp.find({ fingerprints, resolved: [] });
  return debts.filter(({ workflowId }) => !waiting.has(workflowId));
}

/**
 * Resends resolves, apps in turns; returns how many streams were signalled. A stream that runs is left alone: it deals with
 * its resolve itself, and each further signal would be one more resolve to send.
 */
async function resendInTurns(
  dependencies: SweepDependencies,
  due: DueDebts,
  maxSignals: number,
  progress: { readonly heartbeat: () => void; readonly signal?: AbortSignal },
): Promise<number> {
  const { isRunning, random, onFailure } = dependencies;
  const turns = due.inTurns(random).slice(0, maxSignals).values();
  let signalled = 0;
  const unknown: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (const debt of turns) {
      if (unknown.length >= MAX_UNKNOWN) return;
      progress.heartbeat();
      progress.signal?.throwIfAborted();
      try {
        if (await isRunning(debt.stream)) continue;
      } catch (error) {
        unknown.push(error);
        continue;
      }
      if (await resendResolve(dependencies, debt)) signalled++;
    }
  };
  await Promise.all(Array.from({ length: RESENT_AT_ONCE }, lane));
  if (unknown.length > 0)
    onFailure?.({
      what: `whether ${unknown.length} alert streams run is unknown, so their resolves are left to the next sweep`,
      error: unknown[0],
    });
  return signalled;
}

async function resendResolve(
  { issues, signal, onFailure }: SweepDependencies,
  debt: DueDebt,
): Promise<boolean> {
  try {
    const row = await issues.read(debt.issue);
    if (row === null) return false;
    return await signal(debt.stream, { ...signalOf(row, DEFAULT_SIGNAL_POLICY), owed: true });
  } catch (error) {
    onFailure?.({
      what: 'an alert stream could not be signalled to resend its resolve',
      id: debt.workflowId,
      error,
    });
    return false;
  }
}

/**
 * An attempt was interrupted, and the stream decided otherwise when it came back to the issue. Nobody else would look at
 * the intent again, so it is dropped here as superseded, in doubt.
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

/** Whether its resolve may be resent: the scan has passed the issue, nothing was written recently, and no delivery is
 * under way. */
function isDue(
  { intent, updatedAt, issue }: ResolveDebt,
  now: number,
  { retryAfterMs, scannedUpTo }: { readonly retryAfterMs: number; readonly scannedUpTo: Position | null },
): boolean {
  // A stream ignores anything older than what it has decided: signalled early, this would hide what the scan still brings.
  if (scannedUpTo === null || comparePositions(issue.position, scannedUpTo) > 0) return false;
  // The older a debt, the rarer: a receiver that stays broken for days must not fill the ledger.
  const waitMs = Math.max(retryAfterMs, (now - issue.storedAt) * SHARE_OF_AGE);
  if (now - Math.max(updatedAt, issue.storedAt) < waitMs) return false;
  const isTaken = intent !== null && isUnderWay(intent.status);
  return !isTaken || now - intent.updatedAt > IN_PROGRESS_MS;
}
