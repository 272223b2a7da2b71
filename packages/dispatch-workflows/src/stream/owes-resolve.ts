import type { IssueStatus } from '../contract/issue-signal.ts';
import { comparePositions, type Position } from '../contract/position.ts';
import type { StreamState } from '../contract/stream-state.ts';

/** What shows whether an incident is open at the provider. */
export type Openness = Pick<StreamState, 'status' | 'mayBeOpen'>;

/** Whether an incident is open at the provider, as far as recorded deliveries show. */
export function hasOpenIncident({ status }: Pick<Openness, 'status'>): boolean {
  return status === 'firing';
}

/**
 * Whether an incident is open at the provider, or may be, because a trigger or a resolve in doubt was dropped. In SQL, over
 * `dispatch.stream_state`: `status = 'firing' or may_be_open`.
 */
export function mayHaveOpenIncident(state: Openness): boolean {
  return hasOpenIncident(state) || state.mayBeOpen === true;
}

/**
 * Whether a stream owes a resolve: an incident is open at the provider, or may be, although the newest issue of its
 * fingerprint has resolved and is not older than what the stream has decided.
 */
export function owesResolve(
  state: Openness & { readonly lastPosition: Position | null },
  newest: { readonly status: IssueStatus; readonly position: Position } | null,
): boolean {
  return (
    mayHaveOpenIncident(state) &&
    newest?.status === 'resolved' &&
    state.lastPosition !== null &&
    comparePositions(newest.position, state.lastPosition) >= 0
  );
}
