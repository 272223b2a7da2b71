import type { Position } from '../contract/position.ts';
import type { StreamState } from '../contract/stream-state.ts';
import { mayHaveOpenIncident } from './owes-resolve.ts';

/**
 * The episode that a firing issue belongs to: the one that is open, or may be, and a new one of its own otherwise. While
 * something may be open at the provider, no other episode begins, so that the resolve at its end closes it.
 */
export function episodeAfter(
  state: Pick<StreamState, 'status' | 'mayBeOpen' | 'episode'>,
  position: Position,
): Position | null {
  if (!mayHaveOpenIncident(state)) return position;
  // An open stream without one is older than episodes: its incident is named by the stream.
  return state.episode ?? (state.status === 'firing' ? null : position);
}
