import type { ClickHouseClient } from '@clickhouse/client';
import { guarded } from '@heliograph/database';
import * as v from 'valibot';
import type { Position } from '../contract/position.ts';
import { NOTIFY_REASONS, SILENCE_REASONS, type SilenceReason } from '../contract/reasons.ts';
import type { LedgerBatch, LedgerEntry, LedgerRun } from './ledger-entry.ts';

/** Consecutive silent decisions as they are read: those of all batches together. */
export interface StoredRun {
  readonly routeId: string;
  readonly connectedAppId: string;
  readonly reason: SilenceReason;
  readonly version: number;
  readonly since: Position;
  readonly firstPosition: Position;
  readonly lastPosition: Position;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
}

/** The decision ledger in ClickHouse. Every method throws `DatabaseError`. */
export interface LedgerStore {
  /** Appends a batch; the same batch with the same token is stored once while the server remembers the token. */
  append(batch: LedgerBatch, deduplicationToken: string): Promise<void>;
  /** Every entry about one issue, by time. */
  entriesOf(fingerprint: string, position: Position): Promise<readonly LedgerEntry[]>;
  /** The runs of silent decisions that an issue falls into. */
  runsAt(fingerprint: string, position: Position): Promise<readonly StoredRun[]>;
}

const STAGES = ['seen', 'matched', 'decided', 'attempted', 'settled'] as const;
const OUTCOMES = [
  'delivered',
  'refused',
  'rate_limited',
  'uncertain',
  'assumed_delivered',
  'dropped',
] as const;
const KINDS = ['trigger', 'update', 'resolve'] as const;

const absent = v.transform((text: string) => (text === '' ? undefined : text));
const text = v.pipe(v.string(), absent);
/** What a newer release wrote, and this one does not know, is left out: an older process still has to explain the rest. */
const oneOf = <const Of extends readonly string[]>(of: Of) =>
  v.pipe(v.string(), absent, v.fallback(v.optional(v.picklist(of)), undefined));
const number = v.pipe(
  v.union([v.number(), v.string()]),
  v.transform((value) => (Number(value) === 0 ? undefined : Number(value))),
);
const entrySchema = v.pipe(
  v.object({
    id: v.string(),
    at_ms: v.pipe(v.string(), v.transform(Number)),
    stage: v.picklist(STAGES),
    fingerprint: v.string(),
    event_id: v.string(),
    position: v.string(),
    route_id: text,
    connected_app_id: text,
    config_version: number,
    reason: oneOf(NOTIFY_REASONS),
    clause: text,
    notification_id: text,
    kind: oneOf(KINDS),
    outcome: oneOf(OUTCOMES),
    code: text,
    status: number,
    attempt: number,
    duration_ms: number,
    wait_ms: number,
    provider: text,
    external_id: text,
    apps: v.array(v.string()),
  }),
  v.transform((row): LedgerEntry => ({
    id: row.id,
    at: row.at_ms,
    stage: row.stage,
    fingerprint: row.fingerprint,
    eventId: row.event_id,
    position: row.position,
    routeId: row.route_id,
    connectedAppId: row.connected_app_id,
    configVersion: row.config_version,
    reason: row.reason,
    clause: row.clause,
    notificationId: row.notification_id,
    kind: row.kind,
    outcome: row.outcome,
    code: row.code,
    status: row.status,
    attempt: row.attempt,
    durationMs: row.duration_ms,
    waitMs: row.wait_ms,
    provider: row.provider,
    externalId: row.external_id,
    apps: row.stage === 'matched' ? row.apps : undefined,
  })),
);

const runSchema = v.pipe(
  v.object({
    route_id: v.string(),
    connected_app_id: v.string(),
    reason: v.picklist(SILENCE_REASONS),
    version: v.string(),
    since: v.string(),
    first_position: v.string(),
    last_position: v.string(),
    first_at: v.string(),
    last_at: v.string(),
    count: v.string(),
  }),
  v.transform((row): StoredRun => ({
    routeId: row.route_id,
    connectedAppId: row.connected_app_id,
    reason: row.reason,
    version: Number(row.version),
    since: row.since,
    firstPosition: row.first_position,
    lastPosition: row.last_position,
    firstAt: Number(row.first_at),
    lastAt: Number(row.last_at),
    count: Number(row.count),
  })),
);

const ENTRIES = `
  SELECT id, toString(toUnixTimestamp64Milli(at)) AS at_ms, toString(stage) AS stage, fingerprint, event_id,
    toString(position) AS position, route_id, connected_app_id, toString(config_version) AS config_version, reason,
    clause, notification_id, kind, outcome, code, status, attempt, duration_ms, wait_ms, provider, external_id, apps
  FROM decision_ledger
  WHERE fingerprint = {fingerprint:String} AND decision_ledger.position = {position:UInt64}
  ORDER BY at, decision_ledger.stage, id LIMIT 1 BY id LIMIT 5000`;

const RUNS = `
  SELECT route_id, connected_app_id, reason, toString(config_version) AS version, toString(since) AS since,
    toString(min(decision_runs.first_position)) AS first_position, toString(max(decision_runs.last_position)) AS last_position,
    toString(toUnixTimestamp64Milli(min(decision_runs.first_at))) AS first_at,
    toString(toUnixTimestamp64Milli(max(decision_runs.last_at))) AS last_at, toString(sum(decision_runs.count)) AS count
  FROM decision_runs
  WHERE fingerprint = {fingerprint:String}
  GROUP BY route_id, connected_app_id, reason, config_version, decision_runs.since
  HAVING min(decision_runs.first_position) <= {position:UInt64} AND max(decision_runs.last_position) >= {position:UInt64}
  ORDER BY route_id, connected_app_id, decision_runs.since LIMIT 5000`;

/** The ledger of one ClickHouse database; the client must be connected to it. */
export function createLedgerStore(client: ClickHouseClient): LedgerStore {
  const insert = async (table: string, values: readonly object[], token: string): Promise<void> => {
    if (values.length === 0) return;
    await client.insert({
      table,
      format: 'JSONEachRow',
      values,
      clickhouse_settings: {
        insert_deduplication_token: `${table}:${token}`,
        date_time_input_format: 'best_effort',
      },
    });
  };
  return {
    append: ({ entries, runs }, token) =>
      guarded('write the decision ledger', async () => {
        // Runs last: entries that are written twice are one, but runs that are written twice count twice.
        await insert('decision_ledger', entries.map(entryRow), token);
        await insert('decision_runs', runs.map(runRow), token);
      }),
    entriesOf: (fingerprint, position) =>
      guarded('read the decision ledger', async () => {
        const result = await client.query({
          query: ENTRIES,
          query_params: { fingerprint, position: BigInt(position) },
          format: 'JSONEachRow',
        });
        return knownOf(STAGES, await result.json(), 'stage').map((row) => v.parse(entrySchema, row));
      }),
    runsAt: (fingerprint, position) =>
      guarded('read the decision ledger', async () => {
        const result = await client.query({
          query: RUNS,
          query_params: { fingerprint, position: BigInt(position) },
          format: 'JSONEachRow',
        });
        return knownOf(SILENCE_REASONS, await result.json(), 'reason').map((row) => v.parse(runSchema, row));
      }),
  };
}

/** The rows without those that are of a newer release. */
function knownOf(known: readonly string[], rows: readonly unknown[], column: string): readonly unknown[] {
  const schema = v.object({ [column]: v.picklist(known) });
  return rows.filter((row) => v.is(schema, row));
}

function entryRow(entry: LedgerEntry): object {
  return {
    id: entry.id,
    at: new Date(entry.at).toISOString(),
    stage: entry.stage,
    fingerprint: entry.fingerprint,
    event_id: entry.eventId,
    position: entry.position,
    route_id: entry.routeId,
    connected_app_id: entry.connectedAppId,
    config_version: entry.configVersion,
    reason: entry.reason,
    clause: entry.clause,
    notification_id: entry.notificationId,
    kind: entry.kind,
    outcome: entry.outcome,
    code: entry.code,
    status: entry.status,
    attempt: entry.attempt,
    duration_ms: entry.durationMs,
    wait_ms: entry.waitMs,
    provider: entry.provider,
    external_id: entry.externalId,
    apps: entry.apps,
  };
}

function runRow({ stream, ...run }: LedgerRun): object {
  return {
    fingerprint: stream.fingerprint,
    route_id: stream.routeId,
    connected_app_id: stream.connectedAppId,
    reason: run.reason,
    config_version: run.version,
    since: run.since,
    first_position: run.first.position,
    last_position: run.last.position,
    first_at: new Date(run.first.at).toISOString(),
    last_at: new Date(run.last.at).toISOString(),
    count: run.count,
  };
}
