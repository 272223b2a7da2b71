import type { Postgres } from '@heliograph/database';
import type { IssueStatus } from '../contract/issue-signal.ts';
import type { Position } from '../contract/position.ts';
import type { SilenceReason } from '../contract/reasons.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import { runStatement } from '../stores/run-statement.ts';

/** A stream as its row describes it. Instants are milliseconds since the epoch. */
export interface StreamPicture {
  readonly stream: StreamKey;
  readonly status: StreamState['status'];
  /** A trigger or a resolve in doubt was dropped. */
  readonly mayBeOpen: boolean;
  readonly lastNotifiedAt: number | null;
  readonly lastPosition: Position | null;
  readonly lastSeen: IssueStatus | null;
  /** The reason of the latest silent decisions, and where it began. */
  readonly silence: { readonly reason: SilenceReason; readonly since: Position } | null;
  readonly updatedAt: number;
}

/** Finds alert streams. Every method throws `DatabaseError`. */
export interface StreamFinder {
  /** The streams of a fingerprint that have a row, at most 1 000, those that are open first. */
  listByFingerprint(fingerprint: string): Promise<readonly StreamPicture[]>;
}

interface Row {
  readonly route_id: string;
  readonly connected_app_id: string;
  readonly status: StreamState['status'];
  readonly may_be_open: boolean;
  readonly notified_ms: string | null;
  readonly last_position: string | null;
  readonly last_seen: IssueStatus | null;
  readonly silent_reason: SilenceReason | null;
  readonly silent_since: string | null;
  readonly updated_ms: string;
}

/** The streams of one database. */
export function createStreamFinder({ sql }: Pick<Postgres, 'sql'>): StreamFinder {
  return {
    listByFingerprint: (fingerprint) =>
      runStatement('find alert streams', async () => {
        const rows = await sql<Row[]>`
          select route_id, connected_app_id, status, may_be_open, last_position::text, last_seen,
            (extract(epoch from last_notified_at) * 1000)::bigint::text as notified_ms,
            silence->>'reason' as silent_reason, silence->>'since' as silent_since,
            (extract(epoch from updated_at) * 1000)::bigint::text as updated_ms
          from dispatch.stream_state where fingerprint = ${fingerprint}
          order by (status = 'firing' or may_be_open) desc, workflow_id limit 1000`;
        return rows.map((row) => ({
          stream: { fingerprint, routeId: row.route_id, connectedAppId: row.connected_app_id },
          status: row.status,
          mayBeOpen: row.may_be_open,
          lastNotifiedAt: row.notified_ms === null ? null : Number(row.notified_ms),
          lastPosition: row.last_position,
          lastSeen: row.last_seen,
          silence:
            row.silent_reason === null || row.silent_since === null
              ? null
              : { reason: row.silent_reason, since: row.silent_since },
          updatedAt: Number(row.updated_ms),
        }));
      }),
  };
}
