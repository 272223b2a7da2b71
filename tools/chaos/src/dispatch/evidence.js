import { createClient } from '@clickhouse/client';
import postgres from 'postgres';

/**
 * @typedef {'firing' | 'resolved' | 'suppressed'} Status
 * @typedef {{ eventId: string, fingerprint: string, status: Status, position: string, severity: string,
 *   labels: Readonly<Record<string, string>>, storedAt: number }} IssueRow
 * @typedef {{ workflowId: string, status: 'none' | 'firing' | 'resolved', lastPosition: string | null,
 *   notificationCount: number }} StateRow
 * @typedef {{ notificationId: string, workflowId: string, position: string, kind: 'trigger' | 'update' | 'resolve',
 *   reason: string, status: 'intended' | 'refused' | 'uncertain' | 'delivered' | 'dropped', code: string | null,
 *   wasUncertain: boolean, claims: number, decidedAt: number, updatedAt: number }} IntentRow
 * @typedef {{ notificationId: string, outcome: string, code: string, status: number, attempt: number, at: number }} AttemptRow
 * @typedef {Pick<IntentRow, 'notificationId' | 'workflowId' | 'position' | 'kind' | 'reason' | 'code'> & { at: number }} DropRow
 * @typedef {{ fingerprint: string, routeId: string, connectedAppId: string, reason: string, firstPosition: string,
 *   lastPosition: string, firstAt: number, lastAt: number, count: number }} RunRow
 * @typedef {{ states: readonly StateRow[], intents: readonly IntentRow[], outbox: number }} PostgresEvidence
 * @typedef {{ issues: readonly IssueRow[], attempts: readonly AttemptRow[],
 *   drops: readonly DropRow[], runs: readonly RunRow[] }} ClickHouseEvidence
 */

/**
 * Reads what ClickHouse has: the stored issues by position, the sendings, the drops and the silent decisions of the ledger.
 * @param {string} url
 * @param {string} database
 * @returns {Promise<ClickHouseEvidence>}
 */
export async function readClickHouse(url, database) {
  const client = createClient({ url, database });
  /**
   * @template T
   * @param {string} query
   * @returns {Promise<readonly T[]>}
   */
  const select = async (query) => {
    const result = await client.query({ query, format: 'JSONEachRow' });
    return result.json();
  };
  try {
    /** @type {readonly IssueRow[]} */
    const issues = await select(`
      SELECT event_id AS eventId, fingerprint, toString(issues.status) AS status, toString(issues.position) AS position,
        severity, labels, toFloat64(toUnixTimestamp64Milli(stored_at)) AS storedAt
      FROM issues ORDER BY issues.position, event_id`);
    /** @type {readonly AttemptRow[]} */
    const attempts = await select(`
      SELECT notification_id AS notificationId, outcome, code, status, attempt,
        toFloat64(toUnixTimestamp64Milli(decision_ledger.at)) AS at
      FROM decision_ledger WHERE stage = 'attempted' ORDER BY decision_ledger.at`);
    /** @type {readonly DropRow[]} */
    const drops = await select(`
      SELECT notification_id AS notificationId,
        concat('alert-', fingerprint, '-', route_id, '-', connected_app_id) AS workflowId,
        toString(decision_ledger.position) AS position, kind, reason, code,
        toFloat64(toUnixTimestamp64Milli(decision_ledger.at)) AS at
      FROM decision_ledger WHERE stage = 'settled' AND outcome = 'dropped' ORDER BY decision_ledger.at`);
    /** @type {readonly RunRow[]} */
    const runs = await select(`
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

/**
 * Reads what PostgreSQL has: the state rows, the intents, and how many rows of the ledger wait in the outbox.
 * @param {string} url
 * @returns {Promise<PostgresEvidence>}
 */
export async function readPostgres(url) {
  const sql = postgres(url, { max: 1, connect_timeout: 5 });
  try {
    /** @type {readonly StateRow[]} */
    const states = await sql`
      select workflow_id as "workflowId", status, last_position::text as "lastPosition",
        notification_count as "notificationCount"
      from dispatch.stream_state order by workflow_id`;
    /** @type {readonly IntentRow[]} */
    const intents = await sql`
      select notification_id as "notificationId", workflow_id as "workflowId", position::text as position, kind, reason,
        status, code, was_uncertain as "wasUncertain", claims,
        (extract(epoch from decided_at) * 1000)::float8 as "decidedAt",
        (extract(epoch from updated_at) * 1000)::float8 as "updatedAt"
      from dispatch.delivery_intents`;
    const [waiting] = await sql`select count(*)::int as count from dispatch.ledger_outbox`;
    return { states: [...states], intents: [...intents], outbox: Number(waiting?.['count'] ?? 0) };
  } finally {
    await sql.end({ timeout: 1 });
  }
}
