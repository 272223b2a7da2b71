import type { IssueSignal } from '../contract/issue-signal.ts';
import { comparePositions, type Position } from '../contract/position.ts';
import type { SilentRun } from '../contract/stream-state.ts';

/** Signals that newer ones of their stream have superseded, from the first to the last. */
export interface SupersededSignals extends Pick<SilentRun, 'since' | 'version' | 'count'> {
  readonly reason: 'superseded_by_newer';
  readonly first: Position;
  readonly last: Position;
}

/**
 * Which of the signals of a stream count, from the lower position to the higher: the newest one. Before a newest
 * `firing`, the newest `suppressed` counts as well, because firing after a suppression is news. Of two about one issue
 * the one that asks for an owed resolve is the newer.
 */
export function signalsThatCount(signals: readonly IssueSignal[]): readonly IssueSignal[] {
  const sorted = signals.toSorted(
    (a, b) => comparePositions(a.position, b.position) || Number(a.owed === true) - Number(b.owed === true),
  );
  const newest = sorted.at(-1);
  const suppressed =
    newest?.status === 'firing' ? sorted.findLast(({ status }) => status === 'suppressed') : undefined;
  return [suppressed, newest].filter((signal) => signal !== undefined);
}

/** What of an inbox has to be carried on if it holds more than `maxSignals`: the signals that count. */
export function compactInbox(
  inbox: readonly IssueSignal[],
  maxSignals: number,
): { readonly kept: readonly IssueSignal[]; readonly superseded: SupersededSignals | null } {
  if (inbox.length <= maxSignals) return { kept: inbox, superseded: null };
  const kept = signalsThatCount(inbox);
  const rest = inbox
    .filter((signal) => !kept.includes(signal))
    .toSorted((a, b) => comparePositions(a.position, b.position));
  const [first] = rest;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return { kept, superseded: null };
  return {
    kept,
    superseded: {
      reason: 'superseded_by_newer',
      since: first.position,
      version: last.policy?.version ?? 0,
      first: first.position,
      last: last.position,
      count: rest.length,
    },
  };
}
