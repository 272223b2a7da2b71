import type { ClickHouseClient } from '@clickhouse/client';
import { guarded, type Postgres } from '@heliograph/database';
import * as v from 'valibot';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import { comparePositions, type Position } from '../contract/position.ts';
import type { StreamKey, StreamState } from '../contract/stream-state.ts';
import type { StoredEvent } from '../issues/issue.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import { findRepeats } from '../scan/find-repeats.ts';
import { owesResolve } from '../stream/owes-resolve.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import type { IntentStatus } from '../delivery/intent-status.ts';
import { runStatement } from '../stores/run-statement.ts';

/** A stream that owes a resolve; see `owesResolve`. Instants are milliseconds since the epoch. */
export interface ResolveDebt {
  readonly workflowId: string;
  readonly stream: StreamKey;
  /** When the stream was notified last. */
  readonly notifiedAt: number | null;
  /** The issue that resolves it. */
  readonly issue: { readonly position: Position; readonly eventId: string; readonly storedAt: number };
  /** `null` if no resolve was ever decided, for example because the route is disabled. */
  readonly intent: {
    readonly status: IntentStatus;
    readonly code: string | null;
    readonly updatedAt: number;
  } | null;
  /** When anything about the stream was persisted last. */
  readonly updatedAt: number;
}

/**
 * A page of debts, streams with the latest decisions first; `next` leads to the next page and is null at the end. A
 * page may hold fewer than its limit, also none.
 */
export interface DebtPage {
  readonly debts: readonly ResolveDebt[];
  readonly next: string | null;
}

/** Resolve debt. Every method throws `DatabaseError`. */
export interface DebtStore {
  /** Lists the debts among at most `limit` open streams after the `next` of an earlier page. */
  list(page: { readonly after: string | null; readonly limit: number }): Promise<DebtPage>;
}

interface OpenRow {
  readonly workflow_id: string;
  readonly fingerprint: string;
  readonly route_id: string;
  readonly connected_app_id: string;
  readonly status: StreamState['status'];
  readonly may_be_open: boolean;
  readonly last_position: string;
  readonly notified_ms: string | null;
  readonly updated_ms: string;
}

interface IntentRow {
  readonly notification_id: string;
  readonly status: IntentStatus;
  readonly code: string | null;
  readonly updated_ms: string;
}

const latestSchema = v.array(
  v.object({
    stream_fingerprint: v.string(),
    status: v.picklist(['firing', 'resolved', 'suppressed']),
    newest: v.string(),
    event: v.string(),
    stored_ms: v.string(),
  }),
);

// Issues that are older than the last decided one of every stream asked for cannot be newer than it.
const LATEST = `
  SELECT stream_fingerprint, argMax(toString(issues.status), (issues.position, issues.event_id)) AS status,
    toString(max(issues.position)) AS newest, argMax(issues.event_id, (issues.position, issues.event_id)) AS event,
    toString(toUnixTimestamp64Milli(argMax(issues.stored_at, (issues.position, issues.event_id)))) AS stored_ms
  FROM issues WHERE issues.position >= {from:UInt64} AND stream_fingerprint IN {fingerprints:Array(String)}
    AND issues.position NOT IN {repeats:Array(UInt64)}
  GROUP BY stream_fingerprint`;

/** Pages of streams without issues for months search months of issues, and are abandoned. */
const LONGEST_SEARCH_S = 8;

/** Resolve debt, derived from the states in PostgreSQL and the newest issues in ClickHouse. */
export function createDebtStore(
  { sql }: Pick<Postgres, 'sql'>,
  clickhouse: ClickHouseClient,
  issues: Pick<IssueStore, 'findEvents' | 'read'>,
): DebtStore {
  return {
    list: async ({ after, limit }) => {
      const [position = '18446744073709551615', workflowId = '~'] = after?.split(':') ?? [];
      const open = await runStatement(
        'list open streams',
        () => sql<OpenRow[]>`
          select workflow_id, fingerprint, route_id, connected_app_id, status, may_be_open, last_position::text,
            (extract(epoch from last_notified_at) * 1000)::bigint::text as notified_ms,
            (extract(epoch from updated_at) * 1000)::bigint::text as updated_ms
          from dispatch.stream_state
          where (status = 'firing' or may_be_open) and last_position is not null
            and (last_position, workflow_id) < (${position}::numeric, ${workflowId})
          order by last_position desc, workflow_id desc limit ${limit}`,
      );
      const last = open.length < limit ? undefined : open.at(-1);
      const next = last === undefined ? null : `${last.last_position}:${last.workflow_id}`;
      if (open.length === 0) return { debts: [], next };
      const latest = await latestNewsOf(clickhouse, issues, open);
      const over = open.flatMap((row) => {
        const issue = latest.get(row.fingerprint);
        const state = { status: row.status, mayBeOpen: row.may_be_open, lastPosition: row.last_position };
        const isOwed = issue !== undefined && owesResolve(state, { ...issue, position: issue.newest });
        return isOwed ? [{ row, issue }] : [];
      });
      const ids = over.map(({ row, issue }) => notificationIdOf(streamOf(row), issue.newest));
      const intents = await runStatement(
        'read intents',
        () => sql<IntentRow[]>`
          select notification_id, status, code, (extract(epoch from updated_at) * 1000)::bigint::text as updated_ms
          from dispatch.delivery_intents where notification_id = any(${sql.array(ids)})`,
      );
      const byId = new Map(intents.map((intent) => [intent.notification_id, intent]));
      return {
        next,
        debts: over.map(({ row, issue }, index) => {
          const stream = streamOf(row);
          const intent = byId.get(ids[index] ?? '');
          return {
            workflowId: alertWorkflowId(stream),
            stream,
            notifiedAt: row.notified_ms === null ? null : Number(row.notified_ms),
            issue: { position: issue.newest, eventId: issue.event, storedAt: Number(issue.stored_ms) },
            intent:
              intent === undefined
                ? null
                : { status: intent.status, code: intent.code, updatedAt: Number(intent.updated_ms) },
            updatedAt: Number(row.updated_ms),
          };
        }),
      };
    },
  };
}

/**
 * The newest issue of each fingerprint that is no repeat of an earlier event: a scan is silent about repeats, so they tell
 * nothing of what is open either.
 */
async function latestNewsOf(
  clickhouse: ClickHouseClient,
  issues: Pick<IssueStore, 'findEvents' | 'read'>,
  open: readonly OpenRow[],
) {
  const repeats: Position[] = [];
  for (let round = 1; ; round++) {
    const latest = await latestOf(clickhouse, open, repeats);
    const found = await repeatsAmong(issues, [...latest.values()]);
    if (found.length === 0 || round === MOST_REPEATS) return latest;
    repeats.push(...found);
  }
}

/** Repeats in a row that are passed over; behind more of them the oldest counts. */
const MOST_REPEATS = 20;

/** The positions of those that repeat an earlier event; few have an event id that was stored before. */
async function repeatsAmong(
  issues: Pick<IssueStore, 'findEvents' | 'read'>,
  newest: readonly { readonly newest: Position; readonly event: string }[],
): Promise<readonly Position[]> {
  const eventIds = [...new Set(newest.map(({ event }) => event))].filter((event) => event !== '');
  const known = eventIds.length === 0 ? new Map() : await issues.findEvents(eventIds);
  const suspects = newest.filter(({ newest: position, event }) =>
    (known.get(event) ?? []).some((earlier: StoredEvent) => comparePositions(earlier.position, position) < 0),
  );
  const rows = await Promise.all(
    suspects.map(({ newest: position, event }) => issues.read({ position, eventId: event })),
  );
  const repeats = await findRepeats(
    issues,
    rows.filter((row) => row !== null),
  );
  return [...repeats].map(({ position }) => position);
}

function latestOf(clickhouse: ClickHouseClient, open: readonly OpenRow[], repeats: readonly Position[]) {
  return guarded('read the newest issues', async () => {
    const from = open.map((row) => BigInt(row.last_position)).reduce((a, b) => (a < b ? a : b));
    const result = await clickhouse.query({
      query: LATEST,
      clickhouse_settings: { max_execution_time: LONGEST_SEARCH_S, max_threads: 2 },
      query_params: {
        from,
        fingerprints: [...new Set(open.map((row) => row.fingerprint))],
        repeats: repeats.map(BigInt),
      },
      format: 'JSONEachRow',
    });
    const rows = v.parse(latestSchema, await result.json());
    return new Map(rows.map((row) => [row.stream_fingerprint, row]));
  });
}

function streamOf(row: Pick<OpenRow, 'fingerprint' | 'route_id' | 'connected_app_id'>): StreamKey {
  return { fingerprint: row.fingerprint, routeId: row.route_id, connectedAppId: row.connected_app_id };
}
