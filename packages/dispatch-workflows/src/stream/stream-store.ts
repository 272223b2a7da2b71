import {
  createBatchedReader,
  createBatchedWriter,
  withDeadline,
  toDatabaseError,
  type Postgres,
} from '@heliograph/database';
import * as v from 'valibot';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import { SILENCE_REASONS } from '../contract/reasons.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from './should-notify.ts';
import type { IntentStatus } from '../delivery/intent-status.ts';
import type { LedgerBatch } from '../ledger/ledger-entry.ts';
import { storableJson } from '../stores/storable-json.ts';
import { runStatement } from '../stores/run-statement.ts';

/** A batch that hangs would hang those behind it, too; in milliseconds. */
const BATCH_DEADLINE_MS = 10_000;

/** The outcome of an attempt, for its intent. */
export interface IntentOutcome {
  readonly notificationId: string;
  readonly status: Exclude<IntentStatus, 'intended'>;
  /** Which claim it is the outcome of; null is whichever. A delivery counts for any, all others only for the latest. */
  readonly claims: number | null;
  /** Which attempt it is the outcome of, likewise; default null. */
  readonly token?: string | null;
  readonly externalId?: string | null;
  readonly code?: string | null;
}

/** Rows that are written together or not at all. */
export interface StreamWrite {
  readonly stream: StreamKey;
  /** Absent: stays as it is. */
  readonly state?: StreamState;
  readonly intents?: readonly IntentOutcome[];
  readonly ledger?: LedgerBatch;
}

/** The rows of alert streams. Every method throws `DatabaseError`. */
export interface StreamStore {
  /** The state of a stream; the initial one where it was never notified. */
  read(stream: StreamKey): Promise<StreamState>;
  /** Persists a state unless the row has one of a newer position (a late writer cannot move a stream back), and all else. */
  write(what: StreamWrite): Promise<void>;
}

interface StateRow {
  readonly workflow_id: string;
  readonly status: StreamState['status'];
  readonly notification_count: number;
  readonly last_notified_at: string | null;
  readonly last_position: string | null;
  readonly external_ids: string;
  readonly last_seen: NonNullable<StreamState['lastSeen']> | null;
  readonly episode: string | null;
  readonly silence: string | null;
  readonly may_be_open: boolean;
}

/**
 * The rows of one database. Every delivery reads and writes here, so reads and writes that come at the same time
 * travel together, and the statements are the driver's own: building them anew for each call cost more than running
 * them.
 */
export function createStreamStore({ sql }: Pick<Postgres, 'sql'>): StreamStore {
  const read = createBatchedReader<string, StateRow>({
    keyOf: (key) => (typeof key === 'string' ? key : key.workflow_id),
    readMany: (ids) =>
      withDeadline(
        BATCH_DEADLINE_MS,
        'read states',
        () => sql<StateRow[]>`
      select workflow_id, status, notification_count, last_position::text,
        (extract(epoch from last_notified_at) * 1000)::bigint::text as last_notified_at, external_ids::text,
        last_seen, episode::text, silence::text, may_be_open
      from dispatch.stream_state where workflow_id = any(${sql.array([...ids])})`,
      ),
  });
  const write = createBatchedWriter<StreamWrite>({
    keyOf: ({ stream }) => alertWorkflowId(stream),
    isTemporary: (error) => toDatabaseError(error, 'write streams').retryable,
    writeMany: async (items) => {
      const states = items.flatMap(({ stream, state }) =>
        state === undefined ? [] : [stateRow(stream, state)],
      );
      const intents = items.flatMap(({ intents: given = [] }) => given.map(intentRow));
      const ledger = ledgerOf(items);
      await withDeadline(
        BATCH_DEADLINE_MS,
        'write streams',
        () => sql`
        with states as (
          insert into dispatch.stream_state as known
            (workflow_id, fingerprint, route_id, connected_app_id, status, notification_count, last_notified_at,
             last_position, external_ids, last_seen, episode, silence, may_be_open)
          select * from jsonb_to_recordset((${storableJson(states)}::text)::jsonb) as given
            (workflow_id text, fingerprint text, route_id text, connected_app_id text, status text,
             notification_count int, last_notified_at timestamptz, last_position numeric, external_ids jsonb,
             last_seen text, episode numeric, silence jsonb, may_be_open boolean)
          order by workflow_id
          on conflict (workflow_id) do update set
            status = excluded.status, notification_count = excluded.notification_count,
            last_notified_at = excluded.last_notified_at, last_position = excluded.last_position,
            external_ids = excluded.external_ids, last_seen = excluded.last_seen, episode = excluded.episode,
            silence = excluded.silence, may_be_open = excluded.may_be_open, updated_at = now()
          where known.last_position is null
            or (known.last_position, known.notification_count)
              <= (excluded.last_position, excluded.notification_count)
        ), outcomes as (
          select * from jsonb_to_recordset((${storableJson(intents)}::text)::jsonb) as given
            (notification_id text, status text, claims int, token text, external_id text, code text)
        ), locked as (
          -- In the order in which claims lock them, too.
          select notification_id, status = 'dropped' as was_dropped from dispatch.delivery_intents
          where notification_id in (select notification_id from outcomes) order by notification_id for update
        ), intents as (
          update dispatch.delivery_intents as known set
            status = case when is_over then known.status else given.status end,
            external_id = coalesce(given.external_id, known.external_id),
            code = case when is_over then known.code else given.code end,
            was_uncertain = known.was_uncertain or given.status = 'uncertain', updated_at = now()
          from outcomes as given join locked using (notification_id)
            -- Only a claim begins a dropped one again: the row of an attempt that comes late does not.
            cross join lateral (
              select was_dropped and given.status not in ('delivered', 'dropped') as is_over) as ending
          where known.notification_id = given.notification_id and (
            given.status = 'delivered'
            or known.status <> 'delivered' and (given.claims is null or given.claims = known.claims)
              and (given.token is null or given.token = known.attempt_token))
        )
        insert into dispatch.ledger_outbox (rows)
        select rows from (select (${storableJson(ledger)}::text)::jsonb as rows) as given
        where jsonb_array_length(rows->'entries') + jsonb_array_length(rows->'runs') > 0`,
      );
    },
  });
  return {
    read: (stream) =>
      runStatement('read the state of an alert stream', async () => {
        const row = await read(alertWorkflowId(stream));
        return row === null ? INITIAL_STREAM_STATE : stateOf(row);
      }),
    write: (what) => runStatement('write an alert stream', () => write(what)),
  };
}

function stateRow(stream: StreamKey, state: StreamState) {
  return {
    workflow_id: alertWorkflowId(stream),
    fingerprint: stream.fingerprint,
    route_id: stream.routeId,
    connected_app_id: stream.connectedAppId,
    status: state.status,
    notification_count: state.notificationCount,
    last_notified_at: state.lastNotifiedAt === null ? null : new Date(state.lastNotifiedAt).toISOString(),
    last_position: state.lastPosition,
    external_ids: state.externalIds,
    last_seen: state.lastSeen ?? null,
    episode: state.episode ?? null,
    silence: state.silence ?? null,
    may_be_open: state.mayBeOpen ?? false,
  };
}

function intentRow({
  notificationId,
  status,
  claims,
  token = null,
  externalId = null,
  code = null,
}: IntentOutcome) {
  return { notification_id: notificationId, status, claims, token, external_id: externalId, code };
}

function ledgerOf(items: readonly StreamWrite[]): LedgerBatch {
  return {
    entries: items.flatMap(({ ledger }) => ledger?.entries ?? []),
    runs: items.flatMap(({ ledger }) => ledger?.runs ?? []),
  };
}

function stateOf(row: StateRow): StreamState {
  return {
    notificationCount: row.notification_count,
    lastNotifiedAt: row.last_notified_at === null ? null : Number(row.last_notified_at),
    status: row.status,
    lastPosition: row.last_position,
    externalIds: textsIn(row.external_ids),
    lastSeen: row.last_seen,
    episode: row.episode,
    silence: silenceIn(row.silence),
    ...(row.may_be_open ? { mayBeOpen: true } : {}),
  };
}

function textsIn(json: string): Readonly<Record<string, string>> {
  const value: unknown = JSON.parse(json);
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string'));
}

const silenceSchema = v.object({
  reason: v.picklist(SILENCE_REASONS),
  since: v.string(),
});

/** A run of decisions that this version does not know begins anew. */
function silenceIn(json: string | null): NonNullable<StreamState['silence']> | null {
  const parsed = v.safeParse(silenceSchema, json === null ? null : JSON.parse(json));
  return parsed.success ? parsed.output : null;
}
