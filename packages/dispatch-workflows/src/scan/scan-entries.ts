import { formatQuery, type Query } from '@heliograph/query';
import type { LedgerBatch, LedgerEntry } from '../ledger/ledger-entry.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { RouteMatch } from '../routing/match-routes.ts';

/** The code of an entry about a row whose event was stored before: it matches nothing. */
export const REPEATED = 'REPEATED';

/**
 * What a scan records: that it saw each issue, under which revision of the routes, and what matched because of
 * which clause. What did not match follows from these two, so it is not written for each route and issue.
 */
export function scanEntries(
  rows: readonly StoredIssue[],
  matches: readonly RouteMatch[],
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
  return { entries: [...seen, ...matched], runs: [] };
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
