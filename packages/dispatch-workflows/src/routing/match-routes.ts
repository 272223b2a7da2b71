import { explainMatch, parseQuery, type FieldLookup, type Query } from '@heliograph/query';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { IssueSignal, SignalPolicy } from '../contract/issue-signal.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { ActiveRoute } from './route-store.ts';

/** A route whose query is parsed. */
export interface CompiledRoute {
  readonly id: string;
  readonly policy: SignalPolicy;
  readonly query: Query;
  readonly connectedAppIds: readonly string[];
}

/** That an issue matched a route. */
export interface RouteMatch {
  readonly row: StoredIssue;
  readonly route: CompiledRoute;
  /** The clause of the query that matched. */
  readonly clause: Query;
}

/** Everything to send to one alert stream, in order. */
export interface SignalGroup {
  readonly workflowId: string;
  readonly stream: StreamKey;
  readonly signals: readonly { readonly signal: IssueSignal; readonly row: StoredIssue }[];
}

/** The groups of some rows, and how many of the rows were taken. */
export interface Grouping {
  readonly groups: readonly SignalGroup[];
  /** The matches of the rows that were taken, in their order. */
  readonly matches: readonly RouteMatch[];
  readonly taken: number;
}

/**
 * Keeps parsed queries by route id and version, so that each is parsed once per change. A stored query that no longer
 * parses disables its own route only; `onUnreadable` is called once per change.
 */
export function createRouteCompiler(
  onUnreadable: (problem: { readonly routeId: string; readonly error: unknown }) => void = () => undefined,
): (routes: readonly ActiveRoute[]) => readonly CompiledRoute[] {
  let known = new Map<string, { readonly version: number; readonly query: Query | null }>();
  return (routes) => {
    const next = new Map<string, { readonly version: number; readonly query: Query | null }>();
    const compiled: CompiledRoute[] = [];
    for (const { id, version, query: text, connectedAppIds, ...ages } of routes) {
      const before = known.get(id);
      const entry =
        before?.version === version ? before : { version, query: tryParse(id, text, onUnreadable) };
      next.set(id, entry);
      const { renotifyIntervalMs, maxSignalAgeMs } = ages;
      const policy = { version, renotifyIntervalMs, maxSignalAgeMs };
      if (entry.query !== null) compiled.push({ id, policy, query: entry.query, connectedAppIds });
    }
    known = next;
    return compiled;
  };
}

function tryParse(
  routeId: string,
  text: string,
  onUnreadable: (problem: { readonly routeId: string; readonly error: unknown }) => void,
): Query | null {
  try {
    return parseQuery(text);
  } catch (error) {
    onUnreadable({ routeId, error });
    return null;
  }
}

/**
 * How a query sees an issue: `monitor`, `fingerprint`, `status` and `severity` are the issue's own, `label.NAME` and
 * `annotation.NAME` say what they mean, and any other name is a label.
 */
export function issueFields(issue: StoredIssue): FieldLookup {
  return (field) => {
    switch (field) {
      case 'monitor':
        return issue.monitor;
      case 'fingerprint':
        return issue.fingerprint;
      case 'status':
        return issue.status;
      case 'severity':
        return issue.severity;
      default:
        if (field.startsWith('label.')) return ownValue(issue.labels, field.slice('label.'.length));
        if (field.startsWith('annotation.'))
          return ownValue(issue.annotations, field.slice('annotation.'.length));
        return ownValue(issue.labels, field);
    }
  };
}

/**
 * Matches rows with routes and groups them by alert stream, in the rows' order. It stops before the row with which
 * there would be more than `maxStreams` streams, but always takes one. A row in `ignored` is taken and matches nothing.
 */
export function groupIssues(
  rows: readonly StoredIssue[],
  routes: readonly CompiledRoute[],
  maxStreams: number,
  ignored: ReadonlySet<StoredIssue> = new Set(),
): Grouping {
  const groups = new Map<
    string,
    { workflowId: string; stream: StreamKey; signals: { signal: IssueSignal; row: StoredIssue }[] }
  >();
  const matches: RouteMatch[] = [];
  let taken = 0;
  for (const row of rows) {
    const matched = ignored.has(row) ? [] : matchesOf(row, routes);
    const streams = matched.flatMap(({ route }) => streamsOf(row, route));
    const added = streams.filter(({ workflowId }) => !groups.has(workflowId)).length;
    if (taken > 0 && added > 0 && groups.size + added > maxStreams) break;
    for (const { workflowId, stream, policy } of streams) {
      const group = groups.get(workflowId) ?? { workflowId, stream, signals: [] };
      group.signals.push({ signal: signalOf(row, policy), row });
      groups.set(workflowId, group);
    }
    matches.push(...matched);
    taken++;
  }
  return { groups: [...groups.values()], matches, taken };
}

function matchesOf(row: StoredIssue, routes: readonly CompiledRoute[]): readonly RouteMatch[] {
  const fields = issueFields(row);
  return routes.flatMap((route) => {
    const { matched, clause } = explainMatch(route.query, fields);
    return matched ? [{ row, route, clause }] : [];
  });
}

function streamsOf(row: StoredIssue, { id, policy, connectedAppIds }: CompiledRoute) {
  return connectedAppIds.map((connectedAppId) => {
    const stream: StreamKey = { fingerprint: row.fingerprint, routeId: id, connectedAppId };
    return { workflowId: alertWorkflowId(stream), stream, policy };
  });
}

/** The signal that hands an issue to its alert stream. */
export function signalOf(row: StoredIssue, policy: SignalPolicy): IssueSignal {
  return {
    eventId: row.eventId,
    position: row.position,
    status: row.status,
    storedAt: row.storedAt,
    policy,
  };
}

function ownValue(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
