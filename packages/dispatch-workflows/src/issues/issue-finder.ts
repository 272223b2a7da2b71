import type { ClickHouseClient } from '@clickhouse/client';
import { guarded, toDatabaseError } from '@heliograph/database';
import * as v from 'valibot';
import type { ScanCursor } from '../contract/scan-state.ts';
import { positionAt } from '../contract/position.ts';
import { toFingerprint } from './fingerprint.ts';

/** Which issue of a fingerprint is in question. */
export interface IssueQuestion {
  /** As it was reported, or as it is stored. */
  readonly fingerprint: string;
  /** Only what was stored by then; milliseconds since the epoch. */
  readonly at: number;
  /** Only the event of this id. */
  readonly eventId?: string | undefined;
}

/** Finds issues by their fingerprint. Every method throws `DatabaseError`. */
export interface IssueFinder {
  /**
   * The newest issue in question, or null. Where its row is gone, it is found as long as the decision ledger has it.
   * The search for an unknown fingerprint takes at most 8 s.
   */
  findLatest(question: IssueQuestion): Promise<ScanCursor | null>;
}

/** How far a position may be ahead of the clock that wrote `stored_at`, in milliseconds. */
const CLOCKS_APART_MS = 60_000;
const LONGEST_SEARCH_S = 8;

const found = v.array(v.object({ position: v.string(), event_id: v.string() }));

// A fingerprint's entries lie together in the ledger, so this reads next to nothing.
const SEEN = `
  SELECT toString(decision_ledger.position) AS position, event_id FROM decision_ledger
  WHERE fingerprint = {fingerprint:String} AND decision_ledger.position <= {to:UInt64}
    AND ({eventId:String} = '' OR event_id = {eventId:String})
  ORDER BY decision_ledger.position DESC LIMIT 1`;

// Read backwards from the newest, so it ends at the first that fits; the bloom filter passes over the others.
const STORED = `
  SELECT toString(issues.position) AS position, event_id FROM issues
  WHERE stream_fingerprint = {fingerprint:String} AND stored_at <= fromUnixTimestamp64Milli({at:Int64}, 'UTC')
    AND issues.position >= {from:UInt64} AND issues.position <= {to:UInt64}
    AND ({eventId:String} = '' OR event_id = {eventId:String})
  ORDER BY issues.position DESC, event_id DESC LIMIT 1`;

/** The issues and the ledger of one ClickHouse database. */
export function createIssueFinder(client: ClickHouseClient): IssueFinder {
  const findOne = async (query: string, parameters: Record<string, unknown>): Promise<ScanCursor | null> => {
    const result = await client.query({
      query,
      query_params: parameters,
      format: 'JSONEachRow',
      clickhouse_settings: { max_execution_time: LONGEST_SEARCH_S, max_threads: 2 },
    });
    const [row] = v.parse(found, await result.json());
    return row === undefined ? null : { position: row.position, eventId: row.event_id };
  };
  return {
    findLatest: ({ fingerprint: given, at, eventId = '' }) =>
      guarded('find an issue', async () => {
        const fingerprint = toFingerprint(given);
        const to = BigInt(positionAt(at + CLOCKS_APART_MS));
        // What a scan saw well before then was stored by then: nothing older has to be looked at.
        const certain = await findOne(SEEN, {
          fingerprint,
          eventId,
          to: BigInt(positionAt(at - CLOCKS_APART_MS)),
        });
        const stored = await searchOrFallBack(certain, () =>
          findOne(STORED, {
            fingerprint,
            at,
            from: BigInt(certain?.position ?? '0'),
            to,
            eventId,
          }),
        );
        return stored ?? certain ?? findOne(SEEN, { fingerprint, eventId, to: BigInt(positionAt(at)) });
      }),
  };
}

/** A search that takes too long is abandoned where the ledger has an issue; the newest may then be missed. */
async function searchOrFallBack(
  certain: ScanCursor | null,
  search: () => Promise<ScanCursor | null>,
): Promise<ScanCursor | null> {
  try {
    return await search();
  } catch (error) {
    if (certain !== null && toDatabaseError(error, 'find an issue').code === 'DATABASE_TIMEOUT')
      return certain;
    throw error;
  }
}
