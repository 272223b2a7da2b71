import type { ScanResult, ScanState } from '../contract/scan-state.ts';
import { positionAt } from '../contract/position.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { StoredIssue } from '../issues/issue.ts';
import { beginAdmission } from './admit-streams.ts';
import type { BacklogStore } from './backlog-store.ts';
import { type DispatchRowsDependencies, type DispatchSteps, type RowDispatcher } from './dispatch-rows.ts';
import { handOverBacklog, type HandedOver } from './hand-over-backlog.ts';
import type { RunningAlerts } from './running-alerts.ts';
import { ScanWindow } from './scan-window.ts';

/** Options of the scan. */
export interface ScanOptions {
  /** Milliseconds between scans without a wake-up; default 15 000. */
  readonly intervalMs: number;
  /** Alert workflows that may run at once, shared by the connected apps; default 5 000. */
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
export interface ScanSteps extends DispatchSteps {
  scan<T extends { readonly rows: readonly StoredIssue[] }>(run: () => Promise<T>): Promise<T>;
}

/** What a scan works with. */
export interface ScanDependencies extends Omit<
  DispatchRowsDependencies,
  'backlog' | 'issues' | 'steps' | 'running'
> {
  readonly issues: Pick<IssueStore, 'scan' | 'findEvents' | 'read'>;
  readonly running: RunningAlerts;
  readonly backlog: BacklogStore;
  /** Receives that the backlog could not be handed over for now; what was stored since is dispatched all the same. */
  readonly onBacklogFailure?: (error: unknown) => void;
  /** Runs the steps of a scan, to observe them. */
  readonly steps?: ScanSteps;
}

/** How long to wait before a failed or a held-back scan is tried again, in milliseconds. */
const RETRY_SCAN_MS = 1000;
/** Rows that a scan takes while the number of running workflows is unknown. */
const ROWS_WHEN_COUNT_IS_UNKNOWN = 50;

/**
 * One scan: hand over what is due in the backlog, read what was stored since the cursor, match it with the routes, and
 * signal each alert stream. It reads however many streams run: what may not start now goes to the backlog, and the
 * cursor passes it. Only rows that could not even be parked are read again by the next scan, as are those after them
 * within their stream.
 */
export function createReadAndDispatch(
  dependencies: ScanDependencies,
  options: ScanOptions,
  dispatch: RowDispatcher,
): (scan: ScanState | null, signal?: AbortSignal) => Promise<ScanResult> {
  const { steps } = dependencies;
  return async (scan, abort) => {
    const window = new ScanWindow(scan ?? initialScan(dependencies.now() - options.initialLookbackMs), {
      overlapMs: options.overlapMs,
      maxRows: options.maxSeenRows,
    });
    const admission = await beginAdmission(dependencies.running, options.maxRunningAlerts);
    const limit = Math.min(
      options.maxRowsPerScan,
      admission.running === null ? ROWS_WHEN_COUNT_IS_UNKNOWN : Infinity,
      // While rows of the overlap fill the memory, few more are taken: only time makes room there.
      Math.max(1, 2 * options.maxSeenRows - window.size),
    );
    const readAt = dependencies.now();
    const read = () => readNewRows(dependencies.issues, window, limit, options.maxRowsPerScan);
    const [backlog, { rows, more }] = await Promise.all([
      handOverBacklog(dependencies, admission, { concurrency: options.concurrency, signal: abort }).catch(
        (error: unknown): HandedOver => {
          abort?.throwIfAborted();
          dependencies.onBacklogFailure?.(error);
          return { handedOver: 0, more: false, nextAttemptInMs: RETRY_SCAN_MS };
        },
      ),
      steps === undefined ? read() : steps.scan(read),
    ]);
    const { taken, sent, parked, unreachable, failed } = await dispatch(rows, {
      maxStreams: limit,
      admission,
      signal: abort,
    });
    window.advance(rows.slice(0, taken), failed, readAt);
    const waiting = more || taken < rows.length;
    if (!waiting && failed.size === 0) window.passTime(readAt);
    // Rows that may still become visible in between fill the memory: time alone makes room.
    const isFull = window.size >= 2 * options.maxSeenRows;
    // Where nobody can be reached, going on at once would only move everything to the backlog.
    const isCutOff = unreachable > 0 && sent === 0;
    const mustPause = failed.size > 0 || isCutOff || (waiting && isFull);
    return {
      scan: window.state,
      nextScanInMs: mustPause
        ? RETRY_SCAN_MS
        : waiting || backlog.more
          ? 0
          : Math.min(options.intervalMs, nextHandOverInMs(backlog, parked)),
      scanned: taken,
      dispatched: sent + backlog.handedOver,
      failed: failed.size,
      running: admission.running ?? -1,
      ...(parked === 0 ? {} : { parked }),
    };
  };
}

/** When the backlog is worth another look. */
function nextHandOverInMs({ nextAttemptInMs }: HandedOver, parked: number): number {
  if (nextAttemptInMs === null && parked === 0) return Infinity;
  return Math.max(RETRY_SCAN_MS, parked > 0 ? 0 : (nextAttemptInMs ?? 0));
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
