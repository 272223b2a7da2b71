import { guarded } from '@heliograph/database';
import type { ClickHouseClient } from '@clickhouse/client';
import * as v from 'valibot';
import type { Position } from '../contract/position.ts';
import type { ScanCursor } from '../contract/scan-state.ts';
import { createBatchedReader } from '../stores/batched-reader.ts';
import { toFingerprint } from './fingerprint.ts';
import type { NewIssue, StoredIssue } from './issue.ts';
import { createRecentIssues } from './recent-issues.ts';

/** Issues in ClickHouse. Every method throws `DatabaseError`. */
export interface IssueStore {
  /**
   * Appends issues in their order. The same rows with the same `deduplicationToken` are stored once, so an insert
   * whose answer was lost may be repeated.
   */
  append(issues: readonly NewIssue[], deduplicationToken: string): Promise<void>;
  /** Reads at most `limit` issues from position `from` on and after `after`, by position and event id. */
  scan(range: ScanRange): Promise<readonly StoredIssue[]>;
  /** Reads one issue; null where it is gone. */
  read(key: ScanCursor): Promise<StoredIssue | null>;
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
    ]): StoredIssue => ({
      position,
      eventId,
      monitor,
      // A monitor may write rows past the API.
      fingerprint: toFingerprint(fingerprint),
      status,
      severity,
      labels,
      annotations,
      startsAt: Number(startsAt),
      endsAt: endsAt === null ? null : Number(endsAt),
      storedAt: Number(storedAt),
    }),
  ),
);

const COLUMNS = `
  toString(position), event_id, monitor, fingerprint, toString(status), severity, labels, annotations,
  toString(toUnixTimestamp64Milli(starts_at)), toString(toUnixTimestamp64Milli(ends_at)),
  toString(toUnixTimestamp64Milli(stored_at))`;

const SCAN = `
  SELECT ${COLUMNS} FROM issues
  WHERE position >= {from:UInt64} AND (position, event_id) > ({position:UInt64}, {eventId:String})
  ORDER BY position, event_id LIMIT {limit:UInt32}`;

const READ_MANY = `
  SELECT ${COLUMNS} FROM issues
  WHERE position IN {positions:Array(UInt64)} AND event_id IN {eventIds:Array(String)}`;

/** The issues of one ClickHouse database; the client must be connected to it. */
export function createIssueStore(client: ClickHouseClient): IssueStore {
  const select = async (
    query: string,
    parameters: Record<string, unknown>,
  ): Promise<readonly StoredIssue[]> => {
    const result = await client.query({ query, query_params: parameters, format: 'JSONCompactEachRow' });
    return v.parse(v.array(rowSchema), await result.json());
  };
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
      guarded('store issues', async () => {
        await client.insert({
          table: 'issues',
          format: 'JSONEachRow',
          columns: [
            'event_id',
            'monitor',
            'fingerprint',
            'status',
            'severity',
            'labels',
            'annotations',
            'starts_at',
            'ends_at',
          ],
          values: issues.map((issue) => ({
            event_id: issue.eventId,
            monitor: issue.monitor,
            fingerprint: issue.fingerprint,
            status: issue.status,
            severity: issue.severity,
            labels: issue.labels,
            annotations: issue.annotations,
            starts_at: new Date(issue.startsAt).toISOString(),
            ends_at: issue.endsAt === null ? null : new Date(issue.endsAt).toISOString(),
          })),
          clickhouse_settings: {
            insert_deduplication_token: deduplicationToken,
            // Rows of one request keep their order only while one thread numbers them.
            input_format_parallel_parsing: 0,
            max_insert_threads: '1',
          },
        });
      }),
    scan: ({ from, after, limit }) =>
      guarded('scan issues', async () => {
        const issues = await select(SCAN, { from, position: after.position, eventId: after.eventId, limit });
        recent.add(issues);
        return issues;
      }),
    read: (key) => guarded('read an issue', async () => recent.get(key) ?? read(key)),
  };
}
