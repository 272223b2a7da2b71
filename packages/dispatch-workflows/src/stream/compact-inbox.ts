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
 * What of an inbox has to be carried on if it holds more than `maxSignals`: the newest signal counts. Before a newest
 * `firing`, the newest `suppressed` stays as well, because firing after a suppression is news.
 */
export function compactInbox(
  inbox: readonly IssueSignal[],
  maxSignals: number,
): { readonly kept: readonly IssueSignal[]; readonly superseded: SupersededSignals | null } {
  if (inbox.length <= maxSignals) return { kept: inbox, superseded: null };
  const sorted = inbox.toSorted((a, b) => comparePositions(a.position, b.position));
  const newest = sorted.at(-1);
  const suppressed =
    newest?.status === 'firing' ? sorted.findLast(({ status }) => status === 'suppressed') : undefined;
  const kept = [suppressed, newest].filter((signal) => signal !== undefined);
  const rest = sorted.filter((signal) => !kept.includes(signal));
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
