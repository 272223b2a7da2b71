import { createClient } from '@clickhouse/client';
import postgres from 'postgres';

export type Status = 'firing' | 'resolved' | 'suppressed';
export type Kind = 'trigger' | 'update' | 'resolve';

/** A stored issue. Instants are milliseconds since the epoch, here and below. */
export interface IssueRow {
  readonly eventId: string;
  readonly fingerprint: string;
  readonly status: Status;
  readonly position: string;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly storedAt: number;
}

export interface StateRow {
  readonly workflowId: string;
  readonly status: 'none' | 'firing' | 'resolved';
  readonly lastPosition: string | null;
  readonly notificationCount: number;
}

export interface IntentRow {
  readonly notificationId: string;
  readonly workflowId: string;
  readonly position: string;
  readonly kind: Kind;
  readonly reason: string;
  readonly status: 'intended' | 'refused' | 'uncertain' | 'delivered' | 'dropped';
  readonly code: string | null;
  readonly wasUncertain: boolean;
  readonly claims: number;
  readonly decidedAt: number;
  readonly updatedAt: number;
}

export interface AttemptRow {
  readonly notificationId: string;
  readonly outcome: string;
  readonly code: string;
  readonly status: number;
  readonly attempt: number;
  readonly at: number;
}

export type DropRow = Pick<
  IntentRow,
  'notificationId' | 'workflowId' | 'position' | 'kind' | 'reason' | 'code'
> & { readonly at: number };

/** Silent decisions of one kind. The checker does not read them; they help whoever looks into a violation. */
export interface RunRow {
  readonly fingerprint: string;
  readonly routeId: string;
  readonly connectedAppId: string;
  readonly reason: string;
  readonly firstPosition: string;
  readonly lastPosition: string;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
}

export interface ClickHouseEvidence {
  /** By position. */
  readonly issues: readonly IssueRow[];
  readonly attempts: readonly AttemptRow[];
  readonly drops: readonly DropRow[];
  readonly runs: readonly RunRow[];
}

export interface PostgresEvidence {
  readonly states: readonly StateRow[];
  readonly intents: readonly IntentRow[];
  /** Ledger entries that the relay has not moved yet. */
  readonly outbox: number;
}

/** Reads the stored issues, and the attempts, drops and silent decisions of the ledger. */
export async function readClickHouse(url: string, database: string): Promise<ClickHouseEvidence> {
  const client = createClient({ url, database });
  const select = async <T>(query: string): Promise<readonly T[]> => {
    const result = await client.query({ query, format: 'JSONEachRow' });
    return result.json<T>();
  };
  try {
    const issues = await select<IssueRow>(`
      SELECT event_id AS eventId, fingerprint, toString(issues.status) AS status, toString(issues.position) AS position,
        severity, labels, toFloat64(toUnixTimestamp64Milli(stored_at)) AS storedAt
      FROM issues ORDER BY issues.position, event_id`);
    const attempts = await select<AttemptRow>(`
      SELECT notification_id AS notificationId, outcome, code, status, attempt,
        toFloat64(toUnixTimestamp64Milli(decision_ledger.at)) AS at
      FROM decision_ledger WHERE stage = 'attempted' ORDER BY decision_ledger.at`);
    const drops = await select<DropRow>(`
      SELECT notification_id AS notificationId,
        concat('alert-', fingerprint, '-', route_id, '-', connected_app_id) AS workflowId,
        toString(decision_ledger.position) AS position, kind, reason, code,
        toFloat64(toUnixTimestamp64Milli(decision_ledger.at)) AS at
      FROM decision_ledger WHERE stage = 'settled' AND outcome = 'dropped' ORDER BY decision_ledger.at`);
    const runs = await select<RunRow>(`
      SELECT fingerprint, route_id AS routeId, connected_app_id AS connectedAppId, reason,
        toString(min(first_position)) AS firstPosition, toString(max(last_position)) AS lastPosition,
        toFloat64(toUnixTimestamp64Milli(min(first_at))) AS firstAt,
        toFloat64(toUnixTimestamp64Milli(max(last_at))) AS lastAt, toFloat64(sum(count)) AS count
      FROM decision_runs GROUP BY fingerprint, route_id, connected_app_id, since, reason, config_version`);
    return { issues, attempts, drops, runs };
  } finally {
    await client.close();
  }
}

/** Reads the state rows, the intents, and how many ledger entries wait in the outbox. */
export async function readPostgres(url: string): Promise<PostgresEvidence> {
  const sql = postgres(url, { max: 1, connect_timeout: 5 });
  try {
    const states = await sql<StateRow[]>`
      select workflow_id as "workflowId", status, last_position::text as "lastPosition",
        notification_count as "notificationCount"
      from dispatch.stream_state order by workflow_id`;
    const intents = await sql<IntentRow[]>`
      select notification_id as "notificationId", workflow_id as "workflowId", position::text as position, kind, reason,
        status, code, was_uncertain as "wasUncertain", claims,
        (extract(epoch from decided_at) * 1000)::float8 as "decidedAt",
        (extract(epoch from updated_at) * 1000)::float8 as "updatedAt"
      from dispatch.delivery_intents`;
    const [waiting] = await sql<
      { count: number }[]
    >`select count(*)::int as count from dispatch.ledger_outbox`;
    return { states: [...states], intents: [...intents], outbox: waiting?.count ?? 0 };
  } finally {
    await sql.end({ timeout: 1 });
  }
}
