import { createClient } from '@clickhouse/client';
import postgres from 'postgres';

/**
 * Reads the stored issues in the order of their positions.
 * @param {string} url
 * @param {string} database
 * @returns {Promise<readonly import('./check-dispatch.js').IssueRow[]>}
 */
export async function readIssues(url, database) {
  const client = createClient({ url, database });
  try {
    const result = await client.query({
      query:
        'SELECT event_id AS eventId, fingerprint, toString(status) AS status, toString(position) AS position FROM issues ORDER BY position, event_id',
      format: 'JSONEachRow',
    });
    return await result.json();
  } finally {
    await client.close();
  }
}

/**
 * Reads the state rows of all streams.
 * @param {string} url
 * @returns {Promise<readonly import('./check-dispatch.js').StateRow[]>}
 */
export async function readStates(url) {
  const sql = postgres(url, { max: 1 });
  try {
    return await sql`
      select fingerprint, status, last_position::text as "lastPosition", notification_count as "notificationCount"
      from dispatch.stream_state`;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
