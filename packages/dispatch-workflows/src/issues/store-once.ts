import { createHash } from 'node:crypto';
import { eventHashOf } from './event-hash.ts';
import type { NewIssue, ReportedIssue, StoredEvent, StoredIssue } from './issue.ts';
import type { IssueStore } from './issue-store.ts';

/**
 * The outcome of a reported issue: it was stored now, it had been stored before, or its event id had been stored with
 * other content, so that it was not stored.
 */
export type StoreOutcome = 'stored' | 'repeated' | 'reused';

/**
 * Creates a function that stores each event once, however often and in whatever batches it is reported, and gives the
 * outcomes in the order of the issues. Of two reports of one event in one process the second waits for the first. Of
 * two at the same moment in two processes both may be stored; whoever reads takes the one with the lower position.
 *
 * @throws DatabaseError
 */
export function createStoreOnce(
  store: Pick<IssueStore, 'append' | 'findEvents' | 'read'>,
): (issues: readonly ReportedIssue[]) => Promise<readonly StoreOutcome[]> {
  const takeTurns = createTurns();
  return (issues) => {
    const repeatable = issues.filter(({ mayRepeat }) => mayRepeat);
    const eventIds = [...new Set(repeatable.map(({ eventId }) => eventId))];
    return takeTurns(eventIds, async () => {
      const known = eventIds.length === 0 ? new Map() : await store.findEvents(eventIds);
      const older = await readUnhashed(store, known);
      const outcomes = decideOutcomes(issues, known, older);
      const toStore = issues.filter((_, index) => outcomes[index] === 'stored');
      if (toStore.length > 0) await store.append(toStore, tokenOf(toStore));
      return outcomes;
    });
  };
}

/** Decides what is new: pure, and in the order of the issues, because one batch may hold an event twice. */
function decideOutcomes(
  issues: readonly ReportedIssue[],
  known: ReadonlyMap<string, readonly StoredEvent[]>,
  older: ReadonlyMap<string, StoredIssue>,
): readonly StoreOutcome[] {
  const hashes = new Map(
    [...known].map(([eventId, events]) => [eventId, events.map(({ eventHash }) => eventHash)]),
  );
  return issues.map((issue) => {
    if (!issue.mayRepeat) return 'stored';
    const stored = hashes.get(issue.eventId);
    if (stored === undefined) {
      hashes.set(issue.eventId, [issue.eventHash]);
      return 'stored';
    }
    const row = older.get(issue.eventId);
    const all = row === undefined ? stored : [...stored, rowHash(row, issue)];
    return all.includes(issue.eventHash) ? 'repeated' : 'reused';
  });
}

/** The hash that a row without one would have if it had been reported as this issue was, with its start or without. */
function rowHash(row: StoredIssue, issue: ReportedIssue): string {
  return eventHashOf({ ...row, startsAt: issue.startsAtGiven ? row.startsAt : null });
}

/** Reads the rows of events that were written past the API, or before there were hashes. */
async function readUnhashed(
  store: Pick<IssueStore, 'read'>,
  known: ReadonlyMap<string, readonly StoredEvent[]>,
): Promise<ReadonlyMap<string, StoredIssue>> {
  const unhashed = [...known].flatMap(([eventId, events]) =>
    events.filter(({ eventHash }) => eventHash === '0').map(({ position }) => ({ position, eventId })),
  );
  const rows = await Promise.all(unhashed.map((key) => store.read(key)));
  return new Map(rows.filter((row) => row !== null).map((row) => [row.eventId, row]));
}

/** The same events in the same order are one insert, so that an insert whose answer was lost is not repeated. */
function tokenOf(issues: readonly NewIssue[]): string {
  const hash = createHash('sha256');
  for (const { eventId, eventHash } of issues) hash.update(`${eventId} ${eventHash}\n`);
  return hash.digest('hex');
}

/** Runs work for a set of keys after all earlier work for any of them. Each waits for earlier ones only, so it ends. */
function createTurns(): <T>(keys: readonly string[], run: () => Promise<T>) => Promise<T> {
  const latest = new Map<string, Promise<void>>();
  return async (keys, run) => {
    const earlier = keys.map((key) => latest.get(key) ?? Promise.resolve());
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const key of keys) latest.set(key, promise);
    try {
      await Promise.all(earlier);
      return await run();
    } finally {
      resolve();
      for (const key of keys) if (latest.get(key) === promise) latest.delete(key);
    }
  };
}
