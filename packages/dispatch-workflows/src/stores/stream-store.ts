import { toDatabaseError, type Postgres } from '@heliograph/database';
import { alertWorkflowId } from '../alert-workflow-id.ts';
import type { StreamKey, StreamState } from '../contract.ts';
import { INITIAL_STREAM_STATE } from '../decide/should-notify.ts';
import { createBatchedReader } from './batched-reader.ts';
import { createBatchedWriter } from './batched-writer.ts';
import { stored } from './stored.ts';
import { within } from './within.ts';

/** A batch that hangs would hang those behind it, too; in milliseconds. */
const BATCH_DEADLINE_MS = 10_000;

/** The state rows of alert streams. Every method throws `DatabaseError`. */
export interface StreamStore {
  /** The state of a stream; the initial one where it was never notified. */
  read(stream: StreamKey): Promise<StreamState>;
  /** Writes a state unless the row holds one of a newer position: a late writer cannot turn a stream back. */
  record(stream: StreamKey, state: StreamState): Promise<void>;
}

interface StateRow {
  readonly workflow_id: string;
  readonly status: StreamState['status'];
  readonly notification_count: number;
  readonly last_notified_at: string | null;
  readonly last_position: string | null;
  readonly external_ids: string;
}

/**
 * The state rows of one database. Every delivery reads and writes here, so reads and writes that come at the same
 * time travel together, and the statements are the driver's own: building them anew for each call cost more than
 * running them.
 */
export function createStreamStore({ sql }: Pick<Postgres, 'sql'>): StreamStore {
  const read = createBatchedReader<string, StateRow>({
    keyOf: (key) => (typeof key === 'string' ? key : key.workflow_id),
    readMany: (ids) =>
      within(
        BATCH_DEADLINE_MS,
        'read states',
        () => sql<StateRow[]>`
      select workflow_id, status, notification_count, last_position::text,
        (extract(epoch from last_notified_at) * 1000)::bigint::text as last_notified_at, external_ids::text
      from dispatch.stream_state where workflow_id = any(${sql.array([...ids])})`,
      ),
  });
  const write = createBatchedWriter<{ readonly stream: StreamKey; readonly state: StreamState }>({
    keyOf: ({ stream }) => alertWorkflowId(stream),
    isTemporary: (error) => toDatabaseError(error, 'write states').retryable,
    writeMany: async (items) => {
      const rows = items.map(({ stream, state }) => ({
        workflow_id: alertWorkflowId(stream),
        fingerprint: stream.fingerprint,
        route_id: stream.routeId,
        connected_app_id: stream.connectedAppId,
        status: state.status,
        notification_count: state.notificationCount,
        last_notified_at: state.lastNotifiedAt === null ? null : new Date(state.lastNotifiedAt).toISOString(),
        last_position: state.lastPosition,
        external_ids: state.externalIds,
      }));
      await within(
        BATCH_DEADLINE_MS,
        'write states',
        () => sql`
        insert into dispatch.stream_state as known
          (workflow_id, fingerprint, route_id, connected_app_id, status, notification_count, last_notified_at, last_position, external_ids)
        select * from jsonb_to_recordset((${JSON.stringify(rows)}::text)::jsonb) as given
          (workflow_id text, fingerprint text, route_id text, connected_app_id text, status text,
           notification_count int, last_notified_at timestamptz, last_position numeric, external_ids jsonb)
        order by workflow_id
        on conflict (workflow_id) do update set
          status = excluded.status, notification_count = excluded.notification_count,
          last_notified_at = excluded.last_notified_at, last_position = excluded.last_position,
          external_ids = excluded.external_ids, updated_at = now()
        where known.last_position is null or known.last_position <= excluded.last_position`,
      );
    },
  });
  return {
    read: (stream) =>
      stored('read the state of an alert stream', async () => {
        const row = await read(alertWorkflowId(stream));
        return row === null ? INITIAL_STREAM_STATE : stateOf(row);
      }),
    record: (stream, state) => stored('record the state of an alert stream', () => write({ stream, state })),
  };
}

function stateOf(row: StateRow): StreamState {
  return {
    notificationCount: row.notification_count,
    lastNotifiedAt: row.last_notified_at === null ? null : Number(row.last_notified_at),
    status: row.status,
    lastPosition: row.last_position,
    externalIds: textsIn(row.external_ids),
  };
}

function textsIn(json: string): Readonly<Record<string, string>> {
  const value: unknown = JSON.parse(json);
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string'));
}
