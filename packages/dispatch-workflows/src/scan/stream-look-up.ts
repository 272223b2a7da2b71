import type { Postgres } from '@heliograph/database';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import { UNDER_WAY_SQL } from '../delivery/intent-status.ts';
import { runStatement } from '../stores/run-statement.ts';

/** What a scan needs to know of the alert streams of its page. */
export interface FoundStreams {
  /** Workflow ids of the streams that wait in the backlog. */
  readonly waiting: ReadonlySet<string>;
  /**
   * Of the fingerprints that have resolved, the streams whose incident is open at the provider, or may be, or is being
   * opened, and those that wait in the backlog.
   */
  readonly open: readonly StreamKey[];
}

/** Finds alert streams for a page of rows. Every method throws `DatabaseError`. */
export interface StreamLookUp {
  /** One statement, whatever the page; none for an empty one. */
  find(page: {
    readonly fingerprints: readonly string[];
    readonly resolved: readonly string[];
  }): Promise<FoundStreams>;
}

interface Row {
  readonly fingerprint: string;
  readonly route_id: string;
  readonly connected_app_id: string;
  readonly is_waiting: boolean;
}

/** Finds the streams of one database. */
export function createStreamLookUp({ sql }: Pick<Postgres, 'sql'>): StreamLookUp {
  return {
    async find({ fingerprints, resolved }) {
      if (fingerprints.length === 0) return { waiting: new Set(), open: [] };
      const all = sql.array([...new Set(fingerprints)]);
      const over = sql.array([...new Set(resolved)]);
      const rows = await runStatement(
        'find the alert streams of a page',
        () => sql<Row[]>`
          select fingerprint, route_id, connected_app_id, true as is_waiting
          from dispatch.stream_backlog where fingerprint = any(${all}::text[])
          union all
          select fingerprint, route_id, connected_app_id, false
          from dispatch.stream_state where fingerprint = any(${over}::text[]) and (status = 'firing' or may_be_open)
          union
          select fingerprint, route_id, connected_app_id, false
          from dispatch.delivery_intents
          where fingerprint = any(${over}::text[]) and status in ${sql.unsafe(UNDER_WAY_SQL)}`,
      );
      const hasResolved = new Set(resolved);
      const open = new Map<string, StreamKey>();
      for (const row of rows) {
        const stream = {
          fingerprint: row.fingerprint,
          routeId: row.route_id,
          connectedAppId: row.connected_app_id,
        };
        if (hasResolved.has(row.fingerprint)) open.set(alertWorkflowId(stream), stream);
      }
      return {
        waiting: new Set(
          rows
            .filter((row) => row.is_waiting)
            .map((row) =>
              alertWorkflowId({
                fingerprint: row.fingerprint,
                routeId: row.route_id,
                connectedAppId: row.connected_app_id,
              }),
            ),
        ),
        open: [...open.values()],
      };
    },
  };
}
