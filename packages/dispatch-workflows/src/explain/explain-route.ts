import { formatQuery, listFields, parseQuery, type Query } from '@heliograph/query';
import { issueFields, matchIssue, MAX_MATCH_STEPS } from '../routing/match-routes.ts';
import { REACHED } from '../scan/scan-entries.ts';
import { owesResolve } from '../stream/owes-resolve.ts';
import type { StreamPicture } from '../stream/stream-finder.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { LedgerEntry } from '../ledger/ledger-entry.ts';
import type { RouteVersion } from '../routing/route-store.ts';
import { explainStream } from './explain-stream.ts';
import type { ExplainedRoute, ExplainedStream, RouteReason } from './explanation.ts';
import type { ExplainFacts } from './facts.ts';

/** An explained route, and how much of its query was true: 1 if it matched, null if that is not known. */
export interface RouteCase {
  readonly explained: ExplainedRoute;
  readonly nearness: number | null;
}

/** What a query says of an issue. */
type Reading =
  | { readonly kind: 'read'; readonly matched: boolean; readonly clause: Query; readonly nearness: number }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'too_complex' }
  /** The issue is gone. */
  | { readonly kind: 'unknown' };

/** Explains one route; null if there is nothing to explain. */
export function explainRoute(facts: ExplainFacts, id: string): RouteCase | null {
  const entries = facts.entries.filter(({ routeId }) => routeId === id);
  const before = facts.routesThen?.find(({ routeId }) => routeId === id) ?? null;
  const routeNow = facts.routesNow.find(({ routeId }) => routeId === id) ?? null;
  const matches = entries.filter(({ stage, code }) => stage === 'matched' && code !== REACHED);
  const reached = entries.filter(({ stage, code }) => stage === 'matched' && code === REACHED);
  const match = findDecisiveMatch(matches, entries);
  const version = match?.configVersion;
  // An issue may have been scanned twice, with a revision between.
  const route = [before, routeNow].find((each) => each?.version === version) ?? before ?? routeNow;
  const isNewer = facts.routesThen !== null && before === null && match === null;
  const reading = route === null ? { kind: 'unknown' as const } : readQuery(route.query, facts.issue);
  const reason = reasonOf(route, { isMatched: match !== null, isNewer, reading });
  const matched = reason === 'matched' || reason === 'no_connected_app';
  const streams = streamsOf(facts, { id, route, routeNow, matches, reached, entries, matched });
  if (isOfNoInterest(route, reading, { isNewer, matched }) && streams.length === 0) return null;
  const explained = {
    id,
    name: route?.name ?? id,
    version: version ?? route?.version ?? 0,
    matched,
    clause: match?.clause ?? (reading.kind === 'read' ? formatQuery(reading.clause) : null),
    reason,
    streams,
  };
  const summary = summaryOf(facts, {
    explained,
    reading,
    routeNow,
    isRecorded: match !== null,
    hasReached: reached.length > 0,
  });
  return {
    explained: { ...explained, summary },
    nearness: matched ? 1 : reading.kind === 'read' ? reading.nearness : null,
  };
}

/** The match under which the streams decided, else the first. */
function findDecisiveMatch(
  matches: readonly LedgerEntry[],
  entries: readonly LedgerEntry[],
): LedgerEntry | null {
  const decided = entries.find(({ stage }) => stage === 'decided')?.configVersion;
  return matches.find(({ configVersion }) => configVersion === decided) ?? matches[0] ?? null;
}

function readQuery(text: string, issue: StoredIssue | null): Reading {
  let query: Query;
  try {
    query = parseQuery(text);
  } catch {
    return { kind: 'unreadable' };
  }
  if (issue === null) return { kind: 'unknown' };
  const fields = issueFields(issue);
  const match = matchIssue(query, fields);
  if (match.kind === 'too_complex') return match;
  const operands = query.kind === 'and' ? query.operands : [query];
  const held = operands.filter((operand) => matchIssue(operand, fields).kind === 'matched').length;
  return {
    kind: 'read',
    matched: match.kind === 'matched',
    clause: match.clause,
    nearness: held / operands.length,
  };
}

function reasonOf(
  route: RouteVersion | null,
  {
    isMatched,
    isNewer,
    reading,
  }: { readonly isMatched: boolean; readonly isNewer: boolean; readonly reading: Reading },
): RouteReason {
  const hasApps = route === null || route.connectedAppIds.length > 0;
  if (isMatched) return hasApps ? 'matched' : 'no_connected_app';
  if (route === null || route.removed) return 'route_removed';
  if (isNewer) return 'route_is_newer';
  if (!route.enabled) return 'route_disabled';
  if (reading.kind === 'unreadable') return 'route_unreadable';
  if (reading.kind === 'too_complex') return 'query_too_complex';
  if (reading.kind === 'unknown' || !reading.matched) return 'not_matched';
  return hasApps ? 'matched' : 'no_connected_app';
}

/** Of what was removed only what would have matched is worth a line. */
function isOfNoInterest(
  route: RouteVersion | null,
  reading: Reading,
  { isNewer, matched }: { readonly isNewer: boolean; readonly matched: boolean },
): boolean {
  if (matched) return false;
  if (route === null) return true;
  return route.removed && (isNewer || reading.kind !== 'read' || !reading.matched);
}

function streamsOf(
  facts: ExplainFacts,
  {
    id,
    route,
    routeNow,
    matches,
    reached,
    entries,
    matched,
  }: {
    readonly id: string;
    readonly route: RouteVersion | null;
    readonly routeNow: RouteVersion | null;
    readonly matches: readonly LedgerEntry[];
    /** That the issue, a resolve, reached streams although the route did not match. */
    readonly reached: readonly LedgerEntry[];
    readonly entries: readonly LedgerEntry[];
    readonly matched: boolean;
  },
): readonly ExplainedStream[] {
  const signalled = new Set(matches.flatMap(({ apps = [] }) => apps));
  const described = entries.flatMap(({ connectedAppId }) =>
    connectedAppId === undefined ? [] : [connectedAppId],
  );
  const intended = facts.intents
    .filter(({ stream, position }) => stream.routeId === id && position === facts.key.position)
    .map(({ stream }) => stream.connectedAppId);
  const late = facts.runs
    .filter(
      ({ routeId, reason, since }) =>
        routeId === id && reason === 'older_than_last' && since === facts.key.position,
    )
    .map(({ connectedAppId }) => connectedAppId);
  const owed = facts.streams.filter((state) => state.stream.routeId === id && isOwedHere(facts, state));
  const reachedIds = new Set(reached.flatMap(({ apps = [] }) => apps));
  const ids = new Set([
    ...signalled,
    ...reachedIds,
    ...(matched ? (route?.connectedAppIds ?? []) : []),
    ...described,
    ...intended,
    ...late,
    ...owed.map(({ stream }) => stream.connectedAppId),
  ]);
  return [...ids].toSorted().map((connectedAppId) => {
    const isOff = facts.apps.find((app) => app.id === connectedAppId)?.enabled === false;
    const wasReached = reachedIds.has(connectedAppId);
    const wasSignalled = wasReached
      ? true
      : matches.length > 0
        ? signalled.has(connectedAppId)
        : matched && isOff
          ? false
          : null;
    return explainStream(facts, {
      stream: { fingerprint: facts.fingerprint, routeId: id, connectedAppId },
      signalled: wasSignalled,
      signalledAt: (wasReached ? reached : matches)[0]?.at ?? null,
      matched: matched || wasReached,
      route,
      routeNow,
    });
  });
}

/** Whether a stream owes the resolve that this issue, the newest, would be. */
function isOwedHere({ newest, key }: ExplainFacts, state: StreamPicture): boolean {
  return owesResolve(state, newest) && newest?.position === key.position;
}

function summaryOf(
  facts: ExplainFacts,
  {
    explained,
    reading,
    routeNow,
    isRecorded,
    hasReached,
  }: {
    readonly explained: Omit<ExplainedRoute, 'summary'>;
    readonly reading: Reading;
    readonly routeNow: RouteVersion | null;
    readonly isRecorded: boolean;
    readonly hasReached: boolean;
  },
): string {
  const { reason, clause, version } = explained;
  const would =
    reading.kind !== 'read'
      ? ''
      : reading.matched
        ? '; it would have matched'
        : '; it would not have matched either';
  const since =
    routeNow === null || routeNow.version === version || reason === 'route_removed'
      ? ''
      : routeNow.removed
        ? '; the route has been removed since'
        : `; the route has changed since, from version ${version} to ${routeNow.version}`;
  const whole = clause === null || clause === '*' ? 'because it takes every issue' : `because ${clause}`;
  const isUnscanned = facts.routesThen === null && !isRecorded;
  const sentence = describeReason();
  return hasReached
    ? `${sentence.slice(0, -1)}; as a resolve it went to the alert streams of this route that are open or may be.`
    : sentence;

  function describeReason(): string {
    switch (reason) {
      case 'matched':
        return isUnscanned ? `Would match as it is now, ${whole}.` : `Matched, ${whole}${since}.`;
      case 'no_connected_app':
        return `${isUnscanned ? 'Would match' : 'Matched'}, ${whole}, but has no connected app${since}.`;
      case 'not_matched':
        return clause === null
          ? `Not matched: the issue has been deleted, so the clause is no longer known${since}.`
          : `${isUnscanned ? 'Would not match as it is now' : 'Not matched'}: ${describeUnmet(facts.issue, reading, clause)}${since}.`;
      case 'route_disabled':
        return `Not matched: the route ${isUnscanned ? 'is' : 'was'} disabled${would}${since}.`;
      case 'route_removed':
        return `Not matched: the route had been removed${would}.`;
      case 'route_unreadable':
        return `Not matched: the query of the route does not parse${since}.`;
      case 'route_is_newer':
        return `Not matched: the route was created after the issue was scanned${would}.`;
      case 'query_too_complex':
        return `Not matched: the query takes more than ${MAX_MATCH_STEPS} steps on the values of this issue${since}.`;
    }
  }
}

const MAX_FIELDS = 3;
const MAX_VALUE_LENGTH = 80;

/** The clause that was not true, and what the issue has instead. */
function describeUnmet(issue: StoredIssue | null, reading: Reading, clause: string): string {
  if (issue === null || reading.kind !== 'read') return `${clause} does not hold`;
  const fields = issueFields(issue);
  const has = listFields(reading.clause)
    .slice(0, MAX_FIELDS)
    .map((field) => {
      const value = fields(field);
      if (value === undefined) return `no ${field}`;
      const text = typeof value === 'string' ? value : value.join(', ');
      const cut = text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
      return `${field} ${JSON.stringify(cut)}`;
    });
  return `${clause} does not hold${has.length === 0 ? '' : `, the issue has ${has.join(', ')}`}`;
}
