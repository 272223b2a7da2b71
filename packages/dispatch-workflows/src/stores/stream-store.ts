import { guarded, type Postgres } from '@heliograph/database';
import { eq, sql } from 'drizzle-orm';
import { alertWorkflowId } from '../alert-workflow-id.ts';
import type { StreamKey, StreamState } from '../contract.ts';
import { INITIAL_STREAM_STATE } from '../decide/should-notify.ts';
import { streamState } from './schema.ts';

/** The state rows of alert streams. Every method throws `DatabaseError`. */
export interface StreamStore {
  /** The state of a stream; the initial one where it was never notified. */
  read(stream: StreamKey): Promise<StreamState>;
  /** Writes a state unless the row holds one of a newer position: a late writer cannot turn a stream back. */
  record(stream: StreamKey, state: StreamState): Promise<void>;
}

/** The state rows of one database. */
export function createStreamStore({ db }: Pick<Postgres, 'db'>): StreamStore {
  return {
    read: (stream) =>
      guarded('read the state of an alert stream', async () => {
        const [row] = await db
          .select()
          .from(streamState)
          .where(eq(streamState.workflowId, alertWorkflowId(stream)));
        return row === undefined ? INITIAL_STREAM_STATE : stateOfRow(row);
      }),
    record: (stream, state) =>
      guarded('record the state of an alert stream', async () => {
        const values = {
          status: state.status,
          notificationCount: state.notificationCount,
          lastNotifiedAt: state.lastNotifiedAt === null ? null : new Date(state.lastNotifiedAt),
          lastPosition: state.lastPosition,
          externalIds: { ...state.externalIds },
        };
        await db
          .insert(streamState)
          .values({ workflowId: alertWorkflowId(stream), ...stream, ...values })
          .onConflictDoUpdate({
            target: streamState.workflowId,
            set: { ...values, updatedAt: sql`now()` },
            setWhere: sql`${streamState.lastPosition} is null or ${streamState.lastPosition} <= excluded.last_position`,
          });
      }),
  };
}

/** A row as a state. */
export function stateOfRow(row: typeof streamState.$inferSelect): StreamState {
  return {
    notificationCount: row.notificationCount,
    lastNotifiedAt: row.lastNotifiedAt?.getTime() ?? null,
    status: row.status,
    lastPosition: row.lastPosition,
    externalIds: row.externalIds,
  };
}
