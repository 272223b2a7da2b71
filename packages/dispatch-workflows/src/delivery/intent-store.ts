import type { Postgres } from '@heliograph/database';
import type { NotificationKind } from '@heliograph/notifier';
import type { Position } from '../contract/position.ts';
import type { NotifyReason } from '../contract/reasons.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { runStatement } from '../stores/run-statement.ts';
import { type Claim, type ClaimRequest, createClaims } from './claim-intents.ts';
import { type IntentStatus, UNDER_WAY_SQL } from './intent-status.ts';

/** A notification that was claimed at least once. Instants are milliseconds since the epoch. */
export interface Intent {
  readonly notificationId: string;
  readonly stream: StreamKey;
  readonly position: Position;
  readonly eventId: string;
  readonly kind: NotificationKind;
  readonly reason: NotifyReason;
  readonly status: IntentStatus;
  /** How many attempts were begun. */
  readonly claims: number;
  /** Names the latest attempt; null if it is one of a release without tokens. */
  readonly attemptToken: string | null;
  /** Whether the outcome of any attempt was ever unknown. */
  readonly wasUncertain: boolean;
  /** Null if it was claimed by a release that did not record it. */
  readonly provider: string | null;
  readonly externalId: string | null;
  /** Why the latest attempt did not deliver it. */
  readonly code: string | null;
  readonly decidedAt: number;
  readonly updatedAt: number;
}

/** Delivery intents. `StreamStore.write` records their outcomes. Every method throws `DatabaseError`. */
export interface IntentStore {
  /** Persists that an attempt begins, and returns what was known of the notification before. */
  claim(request: ClaimRequest): Promise<Claim>;
  /** Those of the given notifications that are there, by id; settled ones are deleted after some days. */
  read(notificationIds: readonly string[]): Promise<readonly Intent[]>;
  /**
   * Intents that their streams have passed without settling them, and that have not changed for `untouchedMs`
   * milliseconds; oldest first, at most 500. An owed resolve is not passed while its stream still owes it.
   */
  listPassed(untouchedMs: number): Promise<readonly Intent[]>;
  /**
   * Deletes settled intents that are older than `olderThanMs` milliseconds and have not changed for as long, at most 5,000
   * at once; returns how many. A resolve that is sent again as owed thus keeps the inputs of its body.
   */
  deleteSettled(olderThanMs: number): Promise<number>;
}

interface IntentRow {
  readonly notification_id: string;
  readonly fingerprint: string;
  readonly route_id: string;
  readonly connected_app_id: string;
  readonly position: string;
  readonly event_id: string;
  readonly kind: NotificationKind;
  readonly reason: NotifyReason;
  readonly status: IntentStatus;
  readonly claims: number;
  readonly attempt_token: string | null;
  readonly was_uncertain: boolean;
  readonly provider: string | null;
  readonly external_id: string | null;
  readonly code: string | null;
  readonly decided_ms: string;
  readonly updated_ms: string;
}

const COLUMNS = `
  i.notification_id, i.fingerprint, i.route_id, i.connected_app_id, i.position::text, i.event_id, i.kind, i.reason,
  i.status, i.claims, i.attempt_token, i.was_uncertain, i.provider, i.external_id, i.code,
  (extract(epoch from i.decided_at) * 1000)::bigint::text as decided_ms,
  (extract(epoch from i.updated_at) * 1000)::bigint::text as updated_ms`;

/** The intents of one database. */
export function createIntentStore({ sql }: Pick<Postgres, 'sql'>): IntentStore {
  const claim = createClaims(sql);
  return {
    claim: (request) => runStatement('claim an intent', () => claim(request)),
    read: (notificationIds) =>
      runStatement('read intents', async () => {
        if (notificationIds.length === 0) return [];
        const rows = await sql<IntentRow[]>`
          select ${sql.unsafe(COLUMNS)} from dispatch.delivery_intents i
          where i.notification_id = any(${sql.array([...notificationIds])}) order by i.notification_id`;
        return rows.map(intentOfRow);
      }),
    listPassed: (untouchedMs) =>
      runStatement('list passed intents', async () => {
        const rows = await sql<IntentRow[]>`
          select ${sql.unsafe(COLUMNS)} from dispatch.delivery_intents i
          join dispatch.stream_state s on s.workflow_id = i.workflow_id and (
            s.last_position > i.position
            -- A resolve that is owed has the position of the last decision for as long as it is under way.
            or s.last_position = i.position
              and not (i.reason = 'resolve_owed' and (s.status = 'firing' or s.may_be_open)))
          where i.status in ${sql.unsafe(UNDER_WAY_SQL)}
            and i.updated_at < now() - ${untouchedMs}::float8 * interval '1 millisecond'
          order by i.updated_at limit 500`;
        return rows.map(intentOfRow);
      }),
    deleteSettled: (olderThanMs) =>
      runStatement('delete settled intents', async () => {
        const { count } = await sql`
          delete from dispatch.delivery_intents where notification_id in (
            select notification_id from dispatch.delivery_intents
            where created_at < now() - ${olderThanMs}::float8 * interval '1 millisecond'
              and updated_at < now() - ${olderThanMs}::float8 * interval '1 millisecond'
              and status not in ${sql.unsafe(UNDER_WAY_SQL)} limit 5000)`;
        return count;
      }),
  };
}

function intentOfRow(row: IntentRow): Intent {
  return {
    notificationId: row.notification_id,
    stream: {
      fingerprint: row.fingerprint,
      routeId: row.route_id,
      connectedAppId: row.connected_app_id,
    },
    position: row.position,
    eventId: row.event_id,
    kind: row.kind,
    reason: row.reason,
    status: row.status,
    claims: row.claims,
    attemptToken: row.attempt_token,
    wasUncertain: row.was_uncertain,
    provider: row.provider,
    externalId: row.external_id,
    code: row.code,
    decidedAt: Number(row.decided_ms),
    updatedAt: Number(row.updated_ms),
  };
}
