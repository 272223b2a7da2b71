import { isDatabaseError } from '@heliograph/database';
import { comparePositions } from '../contract/position.ts';
import { eventHashOf } from '../issues/event-hash.ts';
import type { StoredEvent, StoredIssue } from '../issues/issue.ts';
import type { IssueStore } from '../issues/issue-store.ts';

/**
 * Finds the rows whose event was stored before, at a lower position, with the same content: a `firing` that is stored
 * again after its `resolved` would open a false page. An event id that was reused for other content is another event, and
 * rows without an event id are never repeats. One look-up for all rows; if it takes too long, no row counts as a repeat.
 *
 * @throws DatabaseError
 */
export async function findRepeats(
  issues: Pick<IssueStore, 'findEvents' | 'read'>,
  rows: readonly StoredIssue[],
  onProblem: (error: unknown) => void = () => undefined,
): Promise<ReadonlySet<StoredIssue>> {
  const eventIds = [...new Set(rows.map(({ eventId }) => eventId))].filter((eventId) => eventId !== '');
  if (eventIds.length === 0) return new Set();
  let known: ReadonlyMap<string, readonly StoredEvent[]>;
  try {
    known = await issues.findEvents(eventIds);
  } catch (error) {
    if (!isDatabaseError(error) || error.code !== 'DATABASE_TIMEOUT') throw error;
    onProblem(error);
    return new Set();
  }
  const repeats = new Set<StoredIssue>();
  for (const row of rows) {
    const earlier = (known.get(row.eventId) ?? []).filter(
      ({ position }) => comparePositions(position, row.position) < 0,
    );
    if (earlier.length > 0 && (await isAmong(issues, row, earlier))) repeats.add(row);
  }
  return repeats;
}

async function isAmong(
  issues: Pick<IssueStore, 'read'>,
  row: StoredIssue,
  earlier: readonly StoredEvent[],
): Promise<boolean> {
  const { eventHash = '0', eventId } = row;
  if (eventHash !== '0' && earlier.some((event) => event.eventHash === eventHash)) return true;
  // Rows that were written past the API have no hash, so that their content is compared.
  const unhashed = earlier.filter((event) => eventHash === '0' || event.eventHash === '0');
  for (const { position } of unhashed) {
    const found = await issues.read({ position, eventId });
    if (found !== null && eventHashOf(found) === eventHashOf(row)) return true;
  }
  return false;
}
