import type { IssueSignal } from '../contract/issue-signal.ts';
import type { ScanResult, ScanState } from '../contract/scan-state.ts';
import { positionAt } from '../contract/position.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { LedgerBatch } from '../ledger/ledger-entry.ts';
import type { RouteStore } from '../routing/route-store.ts';
import { fanOut } from './fan-out.ts';
import { findRepeats } from './find-repeats.ts';
import {
  createRouteCompiler,
  groupIssues,
  type Grouping,
  type SignalGroup,
} from '../routing/match-routes.ts';
import type { RunningAlerts } from './running-alerts.ts';
import { scanEntries } from './scan-entries.ts';
import { ScanWindow } from './scan-window.ts';

/** Options of the scan. */
export interface ScanOptions {
  /** Milliseconds between scans without a wake-up; default 15 000. */
  readonly intervalMs: number;
  /** Alert workflows that may run at once; default 5 000. */
  readonly maxRunningAlerts: number;
  /** Rows that one scan takes at most; default 500. */
  readonly maxRowsPerScan: number;
  /**
   * How far back behind the cursor a scan reads again, in milliseconds. It has to be longer than an insert may take
   * (`INSERT_LIMITS`) and clocks may differ; a scan takes fewer rows before it reads less again. Default 10 000.
   */
  readonly overlapMs: number;
  /** Rows of the overlap that are remembered; default 5 000. */
  readonly maxSeenRows: number;
  /** Alert streams signalled at once; default 32. */
  readonly concurrency: number;
  /** How far back the very first scan begins, in milliseconds; default one hour. */
  readonly initialLookbackMs: number;
}

/** Defaults of the scan. */
export const DEFAULT_SCAN_OPTIONS: ScanOptions = {
  intervalMs: 15_000,
  maxRunningAlerts: 5000,
  maxRowsPerScan: 500,
  overlapMs: 10_000,
  maxSeenRows: 5000,
  concurrency: 32,
  initialLookbackMs: 3_600_000,
};

/** The steps of a scan; each runs its work and gives back what that gives back. */
export interface ScanSteps {
  scan<T extends { readonly rows: readonly StoredIssue[] }>(run: () => Promise<T>): Promise<T>;
  match(run: () => Grouping): Grouping;
  dispatch<T>(groups: readonly SignalGroup[], run: () => Promise<T>): Promise<T>;
}

const UNOBSERVED: ScanSteps = {
  scan: (run) => run(),
  match: (run) => run(),
  dispatch: (_, run) => run(),
};

/** What a scan works with. */
export interface ScanDependencies {
  readonly issues: Pick<IssueStore, 'scan' | 'findEvents' | 'read'>;
  readonly routes: Pick<RouteStore, 'listActive'>;
  readonly running: RunningAlerts;
  /** Records what was seen and what matched; rejects where that is impossible for now. */
  readonly ledger: (batch: LedgerBatch) => Promise<void>;
  /** Sends one signal, starting the stream's workflow where it does not run; resolves to its run id. */
  readonly signal: (group: SignalGroup, signal: IssueSignal) => Promise<string>;
  readonly now: () => number;
  /** Runs the steps of a scan, to observe them. */
  readonly steps?: ScanSteps;
  readonly onFailure?: (failure: { readonly workflowId: string; readonly error: unknown }) => void;
  /** Receives that repeated events could not be recognised in time. */
  readonly onSlowLookUp?: (error: unknown) => void;
  readonly onUnreadableRoute?: (problem: { readonly routeId: string; readonly error: unknown }) => void;
}

/** How long to wait before a failed or a held-back scan is tried again, in milliseconds. */
const RETRY_SCAN_MS = 1000;
/** Rows that a scan takes while the number of running workflows is unknown. */
const ROWS_WHEN_COUNT_IS_UNKNOWN = 50;

/** What became of rows that were matched and signalled. */
interface Dispatched {
  /** How many of the rows were taken, from the first. */
  readonly taken: number;
  /** Signals sent. */
  readonly sent: number;
  /** Rows that were not dispatched wholly. */
  readonly failed: ReadonlySet<StoredIssue>;
}

/** Matches rows with the routes, records what was seen, and signals each alert stream; takes as many as `maxStreams` allow. */
export type RowDispatcher = (
  rows: readonly StoredIssue[],
  maxStreams: number,
  signal?: AbortSignal,
) => Promise<Dispatched>;

/** Creates what a scan and the sweep dispatch rows with. */
export function createRowDispatcher(
  dependencies: Omit<ScanDependencies, 'issues'> & {
    readonly issues: Pick<IssueStore, 'findEvents' | 'read'>;
  },
  { concurrency }: Pick<ScanOptions, 'concurrency'>,
): RowDispatcher {
  const compile = createRouteCompiler(dependencies.onUnreadableRoute);
  const { steps = UNOBSERVED } = dependencies;
  return async (rows, maxStreams, abort) => {
    const [active, repeats] = await Promise.all([
      dependencies.routes.listActive(),
      findRepeats(dependencies.issues, rows, dependencies.onSlowLookUp),
    ]);
    const routes = compile(active.routes);
    const { groups, matches, taken } = steps.match(() => groupIssues(rows, routes, maxStreams, repeats));
    const written = dependencies
      .ledger(
        scanEntries(rows.slice(0, taken), matches, {
          revision: active.revision,
          at: dependencies.now(),
          repeats,
        }),
      )
      .then(
        () => null,
        (error: unknown) => ({ error }),
      );
    const { sent, failures } = await steps.dispatch(groups, () =>
      fanOut(groups, {
        concurrency,
        signal: abort,
        send: async (group, { signal }) => {
          dependencies.running.track(group.workflowId, await dependencies.signal(group, signal));
        },
      }),
    );
    const unwritten = await written;
    // Signals that are sent again change nothing; a decision without its cause would stay unexplained.
    if (unwritten !== null) throw unwritten.error;
    const failed = new Set<StoredIssue>();
    for (const { group, index, error } of failures) {
      dependencies.onFailure?.({ workflowId: group.workflowId, error });
      for (const { row } of group.signals.slice(index)) failed.add(row);
    }
    return { taken, sent, failed };
  };
}

/**
 * One scan: read what was stored since the cursor, match it with the routes, and signal each alert stream. Rows
 * that could not be dispatched are read again by the next scan, as are those after them within their stream.
 */
export function createReadAndDispatch(
  dependencies: ScanDependencies,
  options: ScanOptions,
): (scan: ScanState | null, signal?: AbortSignal) => Promise<ScanResult> {
  const dispatch = createRowDispatcher(dependencies, options);
  const { steps = UNOBSERVED } = dependencies;
  return async (scan, abort) => {
    const window = new ScanWindow(scan ?? initialScan(dependencies.now() - options.initialLookbackMs), {
      overlapMs: options.overlapMs,
      maxRows: options.maxSeenRows,
    });
    const estimate = await dependencies.running.estimate();
    const room = options.maxRunningAlerts - (estimate ?? 0);
    const running = estimate ?? -1;
    if (room <= 0) {
      return {
        scan: window.state,
        nextScanInMs: RETRY_SCAN_MS,
        scanned: 0,
        dispatched: 0,
        failed: 0,
        running,
      };
    }
    const limit = Math.min(
      options.maxRowsPerScan,
      estimate === null ? ROWS_WHEN_COUNT_IS_UNKNOWN : room,
      // Behind a row that fails again and again the memory may not grow without end: it is tried, and little else.
      Math.max(1, 2 * options.maxSeenRows - window.size),
    );
    const readAt = dependencies.now();
    const { rows, more } = await steps.scan(() =>
      readNewRows(dependencies.issues, window, limit, options.maxRowsPerScan),
    );
    const { taken, sent, failed } = await dispatch(rows, limit, abort);
    window.advance(rows.slice(0, taken), failed, readAt);
    const waiting = more || taken < rows.length;
    // Rows that may still become visible in between fill the memory: time alone makes room.
    const isFull = window.size >= 2 * options.maxSeenRows;
    return {
      scan: window.state,
      nextScanInMs: failed.size > 0 || (waiting && isFull) ? RETRY_SCAN_MS : waiting ? 0 : options.intervalMs,
      scanned: taken,
      dispatched: sent,
      failed: failed.size,
      running,
    };
  };
}

function initialScan(from: number): ScanState {
  return { cursor: { position: positionAt(from), eventId: '' }, seen: '' };
}

async function readNewRows(
  issues: Pick<IssueStore, 'scan'>,
  window: ScanWindow,
  limit: number,
  pageSize: number,
): Promise<{ readonly rows: readonly StoredIssue[]; readonly more: boolean }> {
  const rows: StoredIssue[] = [];
  let after = window.start;
  const from = after.position;
  for (;;) {
    const page = await issues.scan({ from, after, limit: pageSize });
    for (const row of page) {
      if (window.isSeen(row)) continue;
      if (rows.length === limit) return { rows, more: true };
      rows.push(row);
    }
    const last = page.at(-1);
    if (page.length < pageSize || last === undefined) return { rows, more: false };
    after = { position: last.position, eventId: last.eventId };
  }
}
