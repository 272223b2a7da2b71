import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import { comparePositions, type Position } from '../contract/position.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { LedgerBatch, LedgerRun } from '../ledger/ledger-entry.ts';
import type { Admission } from './admit-streams.ts';
import type { BacklogEntry, BacklogStore } from './backlog-store.ts';
import { fanOut } from './fan-out.ts';
import { sendSignal, STREAM_NOT_RUNNING, type StreamSignals } from './send-signal.ts';

/** What handing over the backlog works with. */
export interface HandOverDependencies extends StreamSignals {
  readonly backlog: Pick<BacklogStore, 'listDue' | 'takeDue' | 'remove' | 'postpone'>;
  readonly ledger: (batch: LedgerBatch) => Promise<void>;
  readonly now: () => number;
  readonly onFailure?: (failure: { readonly workflowId: string; readonly error: unknown }) => void;
}

/** What became of the backlog. */
export interface HandedOver {
  /** Streams that got their newest signal, and what counts before it. */
  readonly handedOver: number;
  /** Whether as many were due as are taken at once. */
  readonly more: boolean;
  /** Milliseconds until the earliest attempt of what waited; null if nothing did. */
  readonly nextAttemptInMs: number | null;
}

/** Streams that one scan takes out of the backlog at most. */
const HAND_OVER_AT_ONCE = 200;

/**
 * Hands over what is due in the backlog: apps take turns, within each its longest waiting streams first, and only as many
 * as its share allows. A stream leaves the backlog after its newest signal was sent, so one may be sent twice, which
 * changes nothing. One that this release cannot read waits longer and longer, as if it could not be reached.
 */
export async function handOverBacklog(
  dependencies: HandOverDependencies,
  admission: Admission,
  { concurrency, signal: abort }: { readonly concurrency: number; readonly signal?: AbortSignal | undefined },
): Promise<HandedOver> {
  const { backlog, ledger, now, onFailure } = dependencies;
  const { appIds, nextAttemptInMs } = await backlog.listDue();
  if (appIds.length === 0) return { handedOver: 0, more: false, nextAttemptInMs };
  await admission.prepare(appIds, HAND_OVER_AT_ONCE);
  const starts = new Map(appIds.map((appId) => [appId, admission.roomOf(appId, HAND_OVER_AT_ONCE)]));
  const unreadable: StreamKey[] = [];
  const entries = await backlog.takeDue(starts, HAND_OVER_AT_ONCE, ({ stream, error }) => {
    unreadable.push(stream);
    onFailure?.({ workflowId: alertWorkflowId(stream), error });
  });
  const groups = entries.map((entry) => ({
    entry,
    signals: [...(entry.suppressed === undefined ? [] : [entry.suppressed]), entry.signal],
  }));
  const admitted = new Map<BacklogEntry, boolean>();
  const sent: BacklogEntry[] = [];
  const { failures } = await fanOut<(typeof groups)[number]>(groups, {
    concurrency,
    signal: abort,
    send: async ({ entry }, signal) => {
      const mayStart = admitted.get(entry) ?? admission.take(entry.stream.connectedAppId);
      admitted.set(entry, mayStart);
      // What waits for its share did not run when it was parked, and would have to be started.
      if (!mayStart && entry.reason === 'over_share') throw STREAM_NOT_RUNNING;
      await sendSignal(dependencies, { stream: entry.stream, signal, mayStart });
      if (signal === entry.signal) sent.push(entry);
    },
  });
  abort?.throwIfAborted();
  const runs = sent.flatMap((entry) => supersededRuns(entry, now()));
  if (runs.length > 0) await ledger({ entries: [], runs });
  await backlog.remove(sent);
  const notRunning: StreamKey[] = [];
  const unreachable: StreamKey[] = [...unreadable];
  for (const { group, error } of failures) {
    const { stream, reason } = group.entry;
    if (error === STREAM_NOT_RUNNING) {
      if (reason !== 'over_share') notRunning.push(stream);
      continue;
    }
    unreachable.push(stream);
    onFailure?.({ workflowId: alertWorkflowId(stream), error });
  }
  await backlog.postpone(notRunning, 'over_share');
  await backlog.postpone(unreachable, 'unreachable');
  return {
    handedOver: sent.length,
    more: sent.length > 0 && entries.length + unreadable.length === HAND_OVER_AT_ONCE,
    nextAttemptInMs,
  };
}

/**
 * For what was parked and does not count, this is the decision: between the signals that count, from the first one on.
 * How many stand on either side of a suppression is not known; most are taken to stand before it.
 */
function supersededRuns(
  { stream, signal, suppressed, firstPosition, signals }: BacklogEntry,
  at: number,
): readonly LedgerRun[] {
  const runOf = (first: Position, last: Position, count: number): LedgerRun => ({
    stream,
    reason: 'superseded_by_newer',
    since: first,
    version: signal.policy?.version ?? 0,
    first: { position: first, at },
    last: { position: last, at },
    count,
  });
  const isBefore = (a: Position, b: Position): boolean => comparePositions(a, b) < 0;
  if (suppressed === undefined) {
    if (!isBefore(firstPosition, signal.position)) return [];
    return [runOf(firstPosition, next(signal.position, -1n), Math.max(1, signals - 1))];
  }
  const superseded = signals - 2;
  if (superseded < 1) return [];
  const after = next(suppressed.position, 1n);
  const last = next(signal.position, -1n);
  if (!isBefore(firstPosition, suppressed.position)) return [runOf(after, last, superseded)];
  const before = runOf(firstPosition, next(suppressed.position, -1n), Math.max(1, superseded - 1));
  return superseded === 1 || isBefore(last, after) ? [before] : [before, runOf(after, last, 1)];
}

function next(position: Position, by: bigint): Position {
  return (BigInt(position) + by).toString();
}
