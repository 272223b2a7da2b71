import { createBatchedReader, createLimiter, guarded, withDeadline } from '@heliograph/database';
import type { ClickHouseClient } from '@clickhouse/client';
import * as v from 'valibot';
import { timeOf, type Position } from '../contract/position.ts';
import type { ScanCursor } from '../contract/scan-state.ts';
import type { NewIssue, StoredEvent, StoredIssue } from './issue.ts';
import { createRecentIssues } from './recent-issues.ts';

/** Issues in ClickHouse. Every method throws `DatabaseError`. */
export interface IssueStore {
  /**
   * Appends issues in their order. The same rows with the same `deduplicationToken` are stored once, so an insert
   * whose answer was lost may be repeated. They are visible to readers within `INSERT_LIMITS.visibleAfterMs` of getting
   * their positions, or never.
   */
  append(issues: readonly NewIssue[], deduplicationToken: string): Promise<void>;
  /**
   * Finds the events with one of `eventIds` (at most 5,000) that are stored: by event id, one for each content that was
   * stored under it, by position, at most 20.
   */
  findEvents(eventIds: readonly string[]): Promise<ReadonlyMap<string, readonly StoredEvent[]>>;
  /** Reads at most `limit` issues from position `from` on and after `after`, by position and event id. */
  scan(range: ScanRange): Promise<readonly StoredIssue[]>;
  /** Finds rows between two positions that no scan has recorded in the ledger, by position: the accepted and forgotten. */
  findUnseen(range: UnseenRange): Promise<readonly StoredIssue[]>;
  /** Reads one issue; null if it is gone. */
  read(key: ScanCursor): Promise<StoredIssue | null>;
}

/**
 * How long an insert may take, in milliseconds: on the server, and until the client gives up; before that it waits at
 * most `waitMs` for its turn. A row gets its position while its insert runs, so a scan that reads again what is younger
 * than `visibleAfterMs` misses none.
 */
export const INSERT_LIMITS = { serverMs: 3000, clientMs: 4000, visibleAfterMs: 5000, waitMs: 8000 } as const;
/** Inserts at once by one process; their clocks start when they do. */
const MAX_INSERTS = 8;

/** Where rows that no scan has seen are looked for. */
export interface UnseenRange {
  readonly after: Position;
  /** Inclusive. Rows that a scan has still to read, or whose ledger entries are on their way, belong beyond it. */
  readonly upTo: Position;
  readonly limit: number;
}

/** What a scan reads. */
export interface ScanRange {
  readonly from: Position;
  readonly after: ScanCursor;
  readonly limit: number;
}

const decimal = v.pipe(v.string(), v.regex(/^\d+$/));
/** Milliseconds since the epoch; what began before 1970 is negative. */
const instant = v.pipe(v.string(), v.regex(/^-?\d+$/));
/** Not `v.record`, which drops names such as `constructor`. Without a prototype there are no members but its own. */
const texts = v.pipe(
  v.custom<Record<string, string>>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((text) => typeof text === 'string'),
  ),
  v.transform((value): Record<string, string> => Object.assign(Object.create(null), value)),
);
const rowSchema = v.pipe(
  v.tuple([
    decimal,
    v.string(),
    v.string(),
    v.string(),
    v.picklist(['firing', 'resolved', 'suppressed']),
    v.string(),
    texts,
    texts,
    instant,
    v.nullable(instant),
    instant,
    decimal,
  ]),
  v.transform(
    ([
      position,
      eventId,
      monitor,
      fingerprint,
      status,
      severity,
      labels,
      annotations,
      startsAt,
      endsAt,
      storedAt,
      eventHash,
    ]): StoredIssue => ({
      position,
      eventId,
      monitor,
      fingerprint,
      status,
      severity,
      labels,
      annotations,
      startsAt: Number(startsAt),
      endsAt: endsAt === null ? null : Number(endsAt),
      storedAt: Number(storedAt),
      eventHash,
    }),
  ),
);

const LONGEST_LOOK_UP_S = 5;

const INSERTED: [string, ...string[]] = [
  'event_id',
  'event_hash',
  'monitor',
  'fingerprint',
  'status',
  'severity',
  'labels',
  'annotations',
  'starts_at',
  'ends_at',
];

function toRow(issue: NewIssue): Record<string, unknown> {
  return {
    event_id: issue.eventId,
    event_hash: issue.eventHash ?? '0',
    monitor: issue.monitor,
    fingerprint: issue.fingerprint,
    status: issue.status,
    severity: issue.severity,
    labels: issue.labels,
    annotations: issue.annotations,
    starts_at: new Date(issue.startsAt).toISOString(),
    ends_at: issue.endsAt === null ? null : new Date(issue.endsAt).toISOString(),
  };
}

const COLUMNS = `
  toString(position), event_id, monitor, stream_fingerprint, toString(status), severity, labels, annotations,
  toString(toUnixTimestamp64Milli(starts_at)), toString(toUnixTimestamp64Milli(ends_at)),
  toString(toUnixTimestamp64Milli(stored_at)), toString(event_hash)`;

const SCAN = `
  SELECT ${COLUMNS} FROM issues
  WHERE position >= {from:UInt64} AND (position, event_id) > ({position:UInt64}, {eventId:String})
  ORDER BY position, event_id LIMIT {limit:UInt32}`;

const READ_MANY = `
  SELECT ${COLUMNS} FROM issues
  WHERE position IN {positions:Array(UInt64)} AND event_id IN {eventIds:Array(String)}`;

// A scan records what it saw after the row was stored, so that the partitions of earlier days are not read.
const FIND_UNSEEN = `
  SELECT ${COLUMNS} FROM issues
  WHERE issues.position > {after:UInt64} AND issues.position <= {upTo:UInt64}
    AND cityHash64(issues.position, event_id) NOT IN (
      SELECT cityHash64(decision_ledger.position, event_id) FROM decision_ledger
      WHERE stage = 'seen' AND decision_ledger.position > {after:UInt64}
        AND decision_ledger.position <= {upTo:UInt64}
        AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') - INTERVAL 1 MINUTE)
  ORDER BY issues.position, event_id LIMIT {limit:UInt32}
  SETTINGS max_execution_time = 10, max_threads = 2`;

// The projection is sorted by event id, so this reads one granule of each part for an id.
const FIND_EVENTS = `
  SELECT event_id, toString(min(issues.position) AS first), toString(event_hash) FROM issues
  WHERE event_id IN {eventIds:Array(String)} GROUP BY event_id, event_hash
  ORDER BY event_id, first LIMIT 20 BY event_id`;

/** What every writer of issues sets, so that an answer means that the rows are stored and can be read. */
const INSERT_SETTINGS = {
  async_insert: 0,
  wait_for_async_insert: 1,
  insert_deduplicate: 1,
  max_execution_time: INSERT_LIMITS.serverMs / 1000,
  // Rows of one request keep their order only while one thread numbers them.
  input_format_parallel_parsing: 0,
  max_insert_threads: '1',
} as const;

/** The issues of one ClickHouse database; the client must be connected to it. */
export function createIssueStore(client: ClickHouseClient): IssueStore {
  const select = async (
    query: string,
    parameters: Record<string, unknown>,
  ): Promise<readonly StoredIssue[]> => {
    const result = await client.query({
      query,
      query_params: parameters,
      format: 'JSONCompactEachRow',
      // Two hundred event ids may be longer than a URL.
      use_multipart_params_auto: true,
    });
    return v.parse(v.array(rowSchema), await result.json());
  };
  const takeTurn = createLimiter(MAX_INSERTS, INSERT_LIMITS.waitMs);
  // What this process scanned it mostly delivers too.
  const recent = createRecentIssues();
  const read = createBatchedReader<ScanCursor, StoredIssue>({
    keyOf: ({ position, eventId }) => `${position}:${eventId}`,
    readMany: (keys) =>
      select(READ_MANY, {
        // As numbers: the client quotes texts, also inside arrays of numbers.
        positions: keys.map(({ position }) => BigInt(position)),
        eventIds: keys.map(({ eventId }) => eventId),
      }),
  });
  return {
    append: (issues, deduplicationToken) =>
      guarded('store issues', () =>
        takeTurn('store issues', async () => {
          const stop = new AbortController();
          try {
            await withDeadline(INSERT_LIMITS.clientMs, 'store issues', () =>
              client.insert({
                table: 'issues',
                format: 'JSONEachRow',
                columns: INSERTED,
                values: issues.map(toRow),
                clickhouse_settings: { ...INSERT_SETTINGS, insert_deduplication_token: deduplicationToken },
                abort_signal: stop.signal,
              }),
            );
          } finally {
            stop.abort();
          }
        }),
      ),
    findEvents: (eventIds) =>
      guarded('find events', async () => {
        const result = await client.query({
          query: FIND_EVENTS,
          query_params: { eventIds },
          format: 'JSONCompactEachRow',
          // A thousand ids are longer than a URL may be.
          use_multipart_params_auto: true,
          clickhouse_settings: { max_execution_time: LONGEST_LOOK_UP_S },
        });
        const rows = v.parse(v.array(v.tuple([v.string(), decimal, decimal])), await result.json());
        const found = new Map<string, StoredEvent[]>();
        for (const [eventId, position, eventHash] of rows)
          found.set(eventId, [...(found.get(eventId) ?? []), { position, eventHash }]);
        return found;
      }),
    scan: ({ from, after, limit }) =>
      guarded('scan issues', async () => {
        const issues = await select(SCAN, { from, position: after.position, eventId: after.eventId, limit });
        recent.add(issues);
        return issues;
      }),
    findUnseen: ({ after, upTo, limit }) =>
      guarded('find unseen issues', () => select(FIND_UNSEEN, { after, upTo, limit, from: timeOf(after) })),
    read: (key) => guarded('read an issue', async () => recent.get(key) ?? read(key)),
  };
}
