import type { Postgres } from '@heliograph/database';
import type { NotificationKind } from '@heliograph/notifier';
import type { Position } from '../contract/position.ts';
import type { NotifyReason } from '../contract/reasons.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { stored } from '../stores/stored.ts';

/** What is known of a notification that was about to be sent at least once. Instants are milliseconds. */
export interface Intent {
  readonly notificationId: string;
  readonly stream: StreamKey;
  readonly position: Position;
  readonly kind: NotificationKind;
  readonly reason: NotifyReason;
  /** `intended`: a sending is under way, or was cut off. `refused`, `uncertain`: another sending may follow. */
  readonly status: 'intended' | 'refused' | 'uncertain' | 'delivered' | 'dropped';
  /** How often a sending was begun. */
  readonly claims: number;
  readonly wasUncertain: boolean;
  readonly externalId: string | null;
  /** Why the latest attempt did not deliver it. */
  readonly code: string | null;
  readonly decidedAt: number;
  readonly updatedAt: number;
}

/** Reads intents. Every method throws `DatabaseError`. */
export interface IntentStore {
  /** Those of the given notifications that are there; settled ones are cleared away after some days. */
  read(notificationIds: readonly string[]): Promise<readonly Intent[]>;
}

interface Row {
  readonly notification_id: string;
  readonly fingerprint: string;
  readonly route_id: string;
  readonly connected_app_id: string;
  readonly position: string;
  readonly kind: Intent['kind'];
  readonly reason: Intent['reason'];
  readonly status: Intent['status'];
  readonly claims: number;
  readonly was_uncertain: boolean;
  readonly external_id: string | null;
  readonly code: string | null;
  readonly decided_ms: string;
  readonly updated_ms: string;
}

/** The intents of one database. */
export function createIntentStore({ sql }: Pick<Postgres, 'sql'>): IntentStore {
  return {
    read: (notificationIds) =>
      stored('read intents', async () => {
        if (notificationIds.length === 0) return [];
        const rows = await sql<Row[]>`
          select notification_id, fingerprint, route_id, connected_app_id, position::text, kind, reason, status, claims, was_uncertain, external_id, code,
            (extract(epoch from decided_at) * 1000)::bigint::text as decided_ms,
            (extract(epoch from updated_at) * 1000)::bigint::text as updated_ms
          from dispatch.delivery_intents where notification_id = any(${sql.array([...notificationIds])})
          order by notification_id`;
        return rows.map((row) => ({
          notificationId: row.notification_id,
          stream: {
            fingerprint: row.fingerprint,
            routeId: row.route_id,
            connectedAppId: row.connected_app_id,
          },
          position: row.position,
          kind: row.kind,
          reason: row.reason,
          status: row.status,
          claims: row.claims,
          wasUncertain: row.was_uncertain,
          externalId: row.external_id,
          code: row.code,
          decidedAt: Number(row.decided_ms),
          updatedAt: Number(row.updated_ms),
        }));
      }),
  };
}
