import type { Postgres } from '@heliograph/database';
import * as v from 'valibot';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { IssueSignal } from '../contract/issue-signal.ts';
import { comparePositions, type Position } from '../contract/position.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { runStatement } from '../stores/run-statement.ts';
import { signalsThatCount } from '../stream/compact-inbox.ts';
import { storableJson } from '../stores/storable-json.ts';
import type { BacklogReason } from './backlog-reason.ts';

/** Signals of one stream that could not be handed over. */
export interface ParkedSignals {
  readonly stream: StreamKey;
  /** At least one. */
  readonly signals: readonly IssueSignal[];
  readonly reason: BacklogReason;
}

/** A stream that waits in the backlog. Instants are milliseconds since the epoch. */
export interface BacklogEntry {
  readonly stream: StreamKey;
  /** The newest signal that was parked. */
  readonly signal: IssueSignal;
  /** The newest `suppressed` that was parked, where it counts as well and goes first; see `signalsThatCount`. */
  readonly suppressed?: IssueSignal;
  /** Where the oldest one stands. */
  readonly firstPosition: Position;
  /** How many were parked. */
  readonly signals: number;
  readonly reason: BacklogReason;
  /** Attempts to hand it over that failed. */
  readonly attempts: number;
  readonly parkedAt: number;
  readonly nextAttemptAt: number;
}

/** What may be handed over now. */
export interface DueBacklog {
  /** Connected apps with streams whose next attempt is due. */
  readonly appIds: readonly string[];
  /** Milliseconds until the earliest attempt of any stream, at least 0; null if nothing waits. */
  readonly nextAttemptInMs: number | null;
}

/** What waits, for metrics. */
export interface BacklogSummary {
  readonly streams: Readonly<Record<BacklogReason, number>>;
  /** How long the oldest stream has waited, in milliseconds; 0 if none waits. */
  readonly oldestAgeMs: number;
}

/**
 * The durable backlog: streams whose signals the scan may not or cannot hand over now. One row per stream; of what is
 * parked the newest signal counts, and before a `firing` the newest `suppressed`. Every method throws `DatabaseError`.
 */
export interface BacklogStore {
  /**
   * Parks signals, merging them into what already waits for their streams; the reason and the next attempt of a stream
   * that already waits stay as they are. An unreachable stream is due again after a second, any other at once.
   */
  park(items: readonly ParkedSignals[]): Promise<void>;
  listDue(): Promise<DueBacklog>;
  /**
   * Streams to hand over: for each app up to so many of those that wait longest, besides its unreachable ones that are
   * due, which may be running. At most `limit`, in turns of one stream per app. `onUnreadable` receives those among them
   * that this release cannot read; they count towards the limits until they are postponed.
   */
  takeDue(
    starts: ReadonlyMap<string, number>,
    limit: number,
    onUnreadable?: (problem: { readonly stream: StreamKey; readonly error: unknown }) => void,
  ): Promise<readonly BacklogEntry[]>;
  /** Removes streams whose newest signal was handed over; one that got a newer signal meanwhile stays. */
  remove(handedOver: readonly Pick<BacklogEntry, 'stream' | 'signal'>[]): Promise<void>;
  /**
   * Records why streams still wait. One more failed attempt makes an unreachable stream wait twice as long, 1 s at first
   * and 5 min at most.
   */
  postpone(streams: readonly StreamKey[], reason: BacklogReason): Promise<void>;
  /** The streams of a fingerprint that wait, without those that this release cannot read. */
  listByFingerprint(fingerprint: string): Promise<readonly BacklogEntry[]>;
  summarize(): Promise<BacklogSummary>;
}

/** Due unreachable streams of one app that are tried at once. */
export const UNREACHABLE_AT_ONCE = 20;

interface Row {
  readonly fingerprint: string;
  readonly route_id: string;
  readonly connected_app_id: string;
  readonly signal: string;
  readonly first_position: string;
  readonly signals: number;
  readonly reason: BacklogReason;
  readonly attempts: number;
  readonly parked_ms: string;
  readonly next_ms: string;
}

/** The backlog of one database. */
export function createBacklogStore({ sql }: Pick<Postgres, 'sql'>): BacklogStore {
  const columns = sql`fingerprint, route_id, connected_app_id, signal::text, first_position::text, signals, reason,
    attempts, (extract(epoch from parked_at) * 1000)::bigint::text as parked_ms,
    (extract(epoch from next_attempt_at) * 1000)::bigint::text as next_ms`;
  return {
    async park(items) {
      if (items.length === 0) return;
      const rows = items.map(rowOf);
      // Cut, not rounded as the column would: what is parked is due at once, not half a millisecond later.
      await runStatement(
        'park alert streams',
        () => sql`
          insert into dispatch.stream_backlog as known
            (workflow_id, fingerprint, route_id, connected_app_id, signal, position, first_position, signals, reason,
             attempts, next_attempt_at)
          select workflow_id, fingerprint, route_id, connected_app_id, signal, position, first_position, signals, reason,
            attempts, date_trunc('milliseconds', now()) + make_interval(secs => attempts)
          from jsonb_to_recordset((${storableJson(rows)}::text)::jsonb) as given
            (workflow_id text, fingerprint text, route_id text, connected_app_id text, signal jsonb, position numeric,
             first_position numeric, signals int, reason text, attempts int)
          order by workflow_id
          on conflict (workflow_id) do update set
            signal = case
              when excluded.position > known.position
                or excluded.position = known.position and excluded.signal @> '{"owed":true}' then excluded.signal
              else known.signal end - 'suppressed' || coalesce((
                select jsonb_build_object('suppressed', each - 'suppressed')
                from (values (excluded.signal), (known.signal), (excluded.signal -> 'suppressed'),
                  (known.signal -> 'suppressed')) as all_parked (each)
                where each ->> 'status' = 'suppressed'
                order by (each ->> 'position')::numeric desc nulls last limit 1
              ), '{}'),
            position = greatest(known.position, excluded.position),
            first_position = least(known.first_position, excluded.first_position),
            signals = known.signals + excluded.signals,
            updated_at = now()`,
      );
    },
    listDue: () =>
      runStatement('list what is due in the backlog', async () => {
        const [row] = await sql<{ readonly apps: string[]; readonly next_ms: string | null }[]>`
          with recursive apps as (
            select min(connected_app_id) as id from dispatch.stream_backlog
            union all
            select (select min(b.connected_app_id) from dispatch.stream_backlog b where b.connected_app_id > apps.id)
            from apps where apps.id is not null
          )
          select array(
              select id from apps where exists (
                select from dispatch.stream_backlog b where b.connected_app_id = id and b.next_attempt_at <= now())
            ) as apps,
            (select case when min(next_attempt_at) > now()
                then ceil(extract(epoch from min(next_attempt_at) - now()) * 1000)::bigint::text
                when min(next_attempt_at) is not null then '0' end
             from dispatch.stream_backlog) as next_ms`;
        const next = row?.next_ms ?? null;
        return { appIds: row?.apps ?? [], nextAttemptInMs: next === null ? null : Number(next) };
      }),
    takeDue: (starts, limit, onUnreadable) =>
      runStatement('read what is due in the backlog', async () => {
        const wanted = [...starts].map(([app, count]) => ({ app, count }));
        const rows = await sql<Row[]>`
          select ${columns} from (
            select due.*, row_number() over (partition by connected_app_id order by parked_at, workflow_id) as turn
            from jsonb_to_recordset((${JSON.stringify(wanted)}::text)::jsonb) as wanted (app text, count int)
            cross join lateral (
              (select * from dispatch.stream_backlog
               where connected_app_id = wanted.app and next_attempt_at <= now()
               order by parked_at limit wanted.count)
              union
              (select * from dispatch.stream_backlog
               where connected_app_id = wanted.app and next_attempt_at <= now() and reason = 'unreachable'
               order by parked_at limit ${UNREACHABLE_AT_ONCE})
            ) as due
          ) as fair
          order by turn, parked_at, workflow_id limit ${limit}`;
        return readRows(rows, onUnreadable);
      }),
    async remove(handedOver) {
      if (handedOver.length === 0) return;
      const rows = handedOver.map(({ stream, signal: { position } }) => ({
        workflow_id: alertWorkflowId(stream),
        position,
      }));
      await runStatement(
        'remove what was handed over from the backlog',
        () => sql`
          delete from dispatch.stream_backlog as known
          using jsonb_to_recordset((${JSON.stringify(rows)}::text)::jsonb) as given (workflow_id text, position numeric)
          where known.workflow_id = given.workflow_id and known.position = given.position`,
      );
    },
    async postpone(streams, reason) {
      if (streams.length === 0) return;
      const failed = reason === 'unreachable' ? 1 : 0;
      await runStatement(
        'postpone alert streams in the backlog',
        () => sql`
          update dispatch.stream_backlog set
            reason = ${reason}, attempts = attempts + ${failed}, updated_at = now(),
            next_attempt_at = now() + make_interval(secs =>
              case when ${failed} = 0 then 0 else least(300, power(2, least(attempts, 10))) end)
          where workflow_id = any(${sql.array(streams.map(alertWorkflowId).toSorted())})`,
      );
    },
    listByFingerprint: (fingerprint) =>
      runStatement('find alert streams in the backlog', async () => {
        const rows = await sql<Row[]>`
          select ${columns} from dispatch.stream_backlog where fingerprint = ${fingerprint}
          order by workflow_id limit 1000`;
        return readRows(rows);
      }),
    summarize: () =>
      runStatement('count the backlog', async () => {
        const rows = await sql<{ reason: BacklogReason; streams: number; age_ms: string }[]>`
          select reason, count(*)::int as streams,
            (extract(epoch from now() - min(parked_at)) * 1000)::bigint::text as age_ms
          from dispatch.stream_backlog group by reason`;
        const of = (reason: BacklogReason): number => rows.find((row) => row.reason === reason)?.streams ?? 0;
        return {
          streams: { over_share: of('over_share'), unreachable: of('unreachable') },
          oldestAgeMs: Math.max(0, ...rows.map(({ age_ms: age }) => Number(age))),
        };
      }),
  };
}

function rowOf({ stream, signals, reason }: ParkedSignals) {
  const sorted = signals.toSorted((a, b) => comparePositions(a.position, b.position));
  const newest = signalsThatCount(signals).at(-1);
  const suppressed = sorted.findLast(({ status }) => status === 'suppressed');
  return {
    workflow_id: alertWorkflowId(stream),
    fingerprint: stream.fingerprint,
    route_id: stream.routeId,
    connected_app_id: stream.connectedAppId,
    // Whether the suppression counts is decided when it is read: a `firing` may follow.
    signal: {
      ...(newest === undefined ? {} : storedSignal(newest)),
      ...(suppressed === undefined ? {} : { suppressed: storedSignal(suppressed) }),
    },
    position: newest?.position,
    first_position: sorted[0]?.position,
    signals: signals.length,
    reason,
    attempts: reason === 'unreachable' ? 1 : 0,
  };
}

/**
 * A signal as it is stored. The issue is read by its event id later on, so an id of a monitor past the API that jsonb
 * cannot hold is kept beside it as its UTF-16 code units in base64.
 */
function storedSignal(signal: IssueSignal): object {
  const { eventId } = signal;
  const isStorable = JSON.parse(storableJson(eventId)) === eventId;
  return isStorable
    ? signal
    : { ...signal, eventIdUtf16: Buffer.from(eventId, 'utf16le').toString('base64') };
}

const signalSchema = v.pipe(
  v.object({
    eventId: v.string(),
    eventIdUtf16: v.optional(v.string()),
    position: v.string(),
    status: v.picklist(['firing', 'resolved', 'suppressed']),
    storedAt: v.number(),
    policy: v.optional(
      v.object({
        version: v.number(),
        renotifyIntervalMs: v.nullable(v.number()),
        maxSignalAgeMs: v.number(),
      }),
    ),
    owed: v.optional(v.boolean()),
  }),
  v.transform(({ policy, owed, eventIdUtf16, ...signal }): IssueSignal => ({
    ...signal,
    ...(eventIdUtf16 === undefined
      ? {}
      : { eventId: Buffer.from(eventIdUtf16, 'base64').toString('utf16le') }),
    ...(policy === undefined ? {} : { policy }),
    ...(owed === undefined ? {} : { owed }),
  })),
);
const suppressedSchema = v.object({ suppressed: v.optional(signalSchema) });

/** One row that another release wrote must not hold up the others. */
function readRows(
  rows: readonly Row[],
  onUnreadable?: (problem: { readonly stream: StreamKey; readonly error: unknown }) => void,
): readonly BacklogEntry[] {
  return rows.flatMap((row) => {
    try {
      return [entryOf(row)];
    } catch (error) {
      onUnreadable?.({ stream: streamOf(row), error });
      return [];
    }
  });
}

function streamOf(row: Row): StreamKey {
  return { fingerprint: row.fingerprint, routeId: row.route_id, connectedAppId: row.connected_app_id };
}

function entryOf(row: Row): BacklogEntry {
  const parsed: unknown = JSON.parse(row.signal);
  const signal = v.parse(signalSchema, parsed);
  const { suppressed } = v.parse(suppressedSchema, parsed);
  const counts = suppressed !== undefined && signalsThatCount([suppressed, signal]).length === 2;
  return {
    stream: streamOf(row),
    signal,
    ...(counts ? { suppressed } : {}),
    firstPosition: row.first_position,
    signals: row.signals,
    reason: row.reason,
    attempts: row.attempts,
    parkedAt: Number(row.parked_ms),
    nextAttemptAt: Number(row.next_ms),
  };
}
