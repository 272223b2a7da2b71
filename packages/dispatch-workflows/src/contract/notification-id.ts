import { alertWorkflowId } from './alert-workflow-id.ts';
import type { Position } from './position.ts';
import type { StreamKey } from './stream-state.ts';

/** One issue leads to at most one notification of a stream, so both together name it for ever. */
export function notificationIdOf(stream: StreamKey, position: Position): string {
  return `${alertWorkflowId(stream)}-${position}`;
}
