import type { StoredIssue } from '../issues/issue.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { LedgerBatch } from '../ledger/ledger-entry.ts';
import { groupIssues, type Grouping, type SignalGroup } from '../routing/group-issues.ts';
import { createRouteCompiler } from '../routing/match-routes.ts';
import type { RouteStore } from '../routing/route-store.ts';
import type { Admission } from './admit-streams.ts';
import type { BacklogStore, ParkedSignals } from './backlog-store.ts';
import { fanOut } from './fan-out.ts';
import { findRepeats } from './find-repeats.ts';
import type { RecentStreams } from './recent-streams.ts';
import { scanEntries } from './scan-entries.ts';
import { sendSignal, STREAM_NOT_RUNNING, type StreamSignals } from './send-signal.ts';
import type { StreamLookUp } from './stream-look-up.ts';

/** The steps of dispatching rows; each runs its work and gives back what that gives back. */
export interface DispatchSteps {
  match(run: () => Promise<Grouping>): Promise<Grouping>;
  dispatch<T>(groups: readonly SignalGroup[], run: () => Promise<T>): Promise<T>;
}

/** What dispatching rows works with. */
export interface DispatchRowsDependencies extends StreamSignals {
  readonly recent: RecentStreams;
  readonly issues: Pick<IssueStore, 'findEvents' | 'read'>;
  readonly routes: Pick<RouteStore, 'listActive'>;
  readonly backlog: Pick<BacklogStore, 'park'>;
  readonly streams: StreamLookUp;
  /** Records what was seen and what matched; rejects where that is impossible for now. */
  readonly ledger: (batch: LedgerBatch) => Promise<void>;
  readonly now: () => number;
  /** Runs the steps, to observe them. */
  readonly steps?: DispatchSteps;
  readonly onFailure?: (failure: { readonly workflowId: string; readonly error: unknown }) => void;
  /** Receives that signals could not be parked. */
  readonly onUnparked?: (error: unknown) => void;
  /** Receives that repeated events could not be recognised in time. */
  readonly onSlowLookUp?: (error: unknown) => void;
  readonly onUnreadableRoute?: (problem: { readonly routeId: string; readonly error: unknown }) => void;
  /** Receives that a route did not match a row because its query would have taken too many steps. */
  readonly onTooComplex?: (problem: { readonly routeId: string; readonly row: StoredIssue }) => void;
}

/** What became of rows that were matched and signalled. */
export interface Dispatched {
  /** How many of the rows were taken, from the first. */
  readonly taken: number;
  /** Signals sent. */
  readonly sent: number;
  /** Signals that went to the backlog. */
  readonly parked: number;
  /** Streams that could not be signalled. */
  readonly unreachable: number;
  /** Rows that were neither dispatched nor parked wholly. */
  readonly failed: ReadonlySet<StoredIssue>;
}

/**
 * Matches rows with routes, records what was seen, and signals each alert stream; takes as many rows as `maxStreams` allow.
 * A stream that may not be started, or cannot be signalled, goes to the backlog, as does one that already waits there:
 * within a stream nothing overtakes.
 */
export type RowDispatcher = (
  rows: readonly StoredIssue[],
  how: {
    readonly maxStreams: number;
    readonly admission: Admission;
    /**
     * Records what was seen after the signals, and not of rows that failed; default false, at the same time. For whoever
     * finds its rows by what the ledger lacks.
     */
    readonly recordsLast?: boolean;
    readonly signal?: AbortSignal | undefined;
  },
) => Promise<Dispatched>;

const UNOBSERVED: DispatchSteps = { match: (run) => run(), dispatch: (_, run) => run() };

/** Creates what a scan and the sweep dispatch rows with. */
export function createRowDispatcher(
  dependencies: DispatchRowsDependencies,
  { concurrency }: { readonly concurrency: number },
): RowDispatcher {
  const compile = createRouteCompiler(dependencies.onUnreadableRoute);
  const { recent, steps = UNOBSERVED, onTooComplex } = dependencies;
  return async (rows, { maxStreams, admission, recordsLast = false, signal: abort }) => {
    const [active, repeats, found] = await Promise.all([
      dependencies.routes.listActive(),
      findRepeats(dependencies.issues, rows, dependencies.onSlowLookUp),
      dependencies.streams.find({
        fingerprints: rows.map(({ fingerprint }) => fingerprint),
        resolved: rows.filter(({ status }) => status === 'resolved').map(({ fingerprint }) => fingerprint),
      }),
    ]);
    const openOf = Map.groupBy(found.open, ({ fingerprint }) => fingerprint);
    const grouping = await steps.match(() =>
      groupIssues(rows, compile(active.routes), {
        maxStreams,
        ignored: repeats,
        openStreams: (fingerprint) => [...recent.of(fingerprint), ...(openOf.get(fingerprint) ?? [])],
        signal: abort,
      }),
    );
    const { groups, taken } = grouping;
    for (const { route, row } of grouping.tooComplex) onTooComplex?.({ routeId: route.id, row });
    const record = (failed: ReadonlySet<StoredIssue>): Promise<void> => {
      const isDone = ({ row }: { readonly row: StoredIssue }): boolean => !failed.has(row);
      const { matches, reached } = grouping;
      return dependencies.ledger(
        scanEntries(
          rows.slice(0, taken).filter((row) => isDone({ row })),
          { matches: matches.filter(isDone), reached: reached.filter(isDone) },
          { revision: active.revision, at: dependencies.now(), repeats },
        ),
      );
    };
    const written = recordsLast
      ? null
      : record(new Set()).then(
          () => null,
          (error: unknown) => ({ error }),
        );
    const toSend = groups.filter(({ workflowId }) => !found.waiting.has(workflowId));
    await admission.prepare(
      toSend.map(({ stream }) => stream.connectedAppId),
      toSend.length,
    );
    const admitted = new Map<SignalGroup, boolean>();
    const { sent, failures } = await steps.dispatch(toSend, () =>
      fanOut(toSend, {
        concurrency,
        signal: abort,
        send: async (group, { signal }) => {
          const { stream } = group;
          const mayStart = admitted.get(group) ?? admission.take(stream.connectedAppId);
          admitted.set(group, mayStart);
          await sendSignal(dependencies, { stream, signal, mayStart });
        },
      }),
    );
    const unwritten = await written;
    // Signals that are sent again change nothing; a decision without its cause would stay unexplained.
    if (unwritten !== null) throw unwritten.error;
    const failed = new Set<StoredIssue>();
    const leftOver: {
      readonly group: SignalGroup;
      readonly index: number;
      readonly reason: ParkedSignals['reason'];
    }[] = groups
      .filter(({ workflowId }) => found.waiting.has(workflowId))
      .map((group) => ({ group, index: 0, reason: 'over_share' }));
    let unreachable = 0;
    for (const { group, index, error } of failures) {
      if (error === STREAM_NOT_RUNNING) {
        leftOver.push({ group, index, reason: 'over_share' });
        continue;
      }
      dependencies.onFailure?.({ workflowId: group.workflowId, error });
      if (abort?.aborted === true) {
        for (const { row } of group.signals.slice(index)) failed.add(row);
      } else {
        unreachable++;
        leftOver.push({ group, index, reason: 'unreachable' });
      }
    }
    const toPark = leftOver.map(({ group, index, reason }) => ({
      stream: group.stream,
      signals: group.signals.slice(index).map(({ signal }) => signal),
      reason,
    }));
    let parked = 0;
    try {
      await dependencies.backlog.park(toPark);
      parked = toPark.reduce((sum, { signals }) => sum + signals.length, 0);
    } catch (error) {
      dependencies.onUnparked?.(error);
      for (const { group, index } of leftOver)
        for (const { row } of group.signals.slice(index)) failed.add(row);
    }
    if (recordsLast) await record(failed);
    return { taken, sent, parked, unreachable, failed };
  };
}
