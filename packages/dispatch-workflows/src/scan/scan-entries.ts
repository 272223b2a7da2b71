import { formatQuery, type Query } from '@heliograph/query';
import type { LedgerBatch, LedgerEntry } from '../ledger/ledger-entry.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { Grouping } from '../routing/group-issues.ts';

/** The code of a `seen` entry about a row whose event was stored before: it matches nothing. */
export const REPEATED = 'REPEATED';
/** The code of a `matched` entry about a route that did not match, and whose streams got the resolve because they may be open. */
export const REACHED = 'REACHED';

/**
 * What a scan records: that it saw each issue, under which revision of the routes, and what matched because of
 * which clause. What did not match follows from these two, so it is not written for each route and issue. A resolve that
 * reached streams of a route that did not match has an entry with the code `REACHED`.
 */
export function scanEntries(
  rows: readonly StoredIssue[],
  { matches, reached }: Pick<Grouping, 'matches' | 'reached'>,
  {
    revision,
    at,
    repeats,
  }: { readonly revision: number; readonly at: number; readonly repeats: ReadonlySet<StoredIssue> },
): LedgerBatch {
  const seen = rows.map((row): LedgerEntry => ({
    ...keysOf(row),
    id: `${row.position}:${row.eventId}:seen`,
    at,
    stage: 'seen',
    configVersion: revision,
    ...(repeats.has(row) ? { code: REPEATED } : {}),
  }));
  const matched = matches.map(({ row, route, clause }): LedgerEntry => ({
    ...keysOf(row),
    id: `${row.position}:${row.eventId}:matched:${route.id}:${route.policy.version}`,
    at,
    stage: 'matched',
    routeId: route.id,
    configVersion: route.policy.version,
    clause: clauseOf(clause),
    apps: route.connectedAppIds,
  }));
  return { entries: [...seen, ...matched, ...reachedEntries(reached, at)], runs: [] };
}

/** One entry per issue and route. */
function reachedEntries(reached: Grouping['reached'], at: number): readonly LedgerEntry[] {
  const entries = new Map<string, LedgerEntry & { readonly apps: string[] }>();
  for (const { row, stream } of reached) {
    const id = `${row.position}:${row.eventId}:reached:${stream.routeId}`;
    const entry = entries.get(id) ?? {
      ...keysOf(row),
      id,
      at,
      stage: 'matched' as const,
      code: REACHED,
      routeId: stream.routeId,
      apps: [] as string[],
    };
    entry.apps.push(stream.connectedAppId);
    entries.set(id, entry);
  }
  return [...entries.values()];
}

function keysOf({ fingerprint, eventId, position }: StoredIssue) {
  return { fingerprint, eventId, position };
}

/** Parsed queries live as long as their route's version, and so do the texts of their parts. */
const texts = new WeakMap<Query, string>();

function clauseOf(query: Query): string {
  const known = texts.get(query);
  if (known !== undefined) return known;
  const text = formatQuery(query);
  texts.set(query, text);
  return text;
}
