import { setImmediate as breathe } from 'node:timers/promises';
import type { Query } from '@heliograph/query';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import { DEFAULT_SIGNAL_POLICY, type IssueSignal, type SignalPolicy } from '../contract/issue-signal.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { StoredIssue } from '../issues/issue.ts';
import { issueFields, matchIssue, type CompiledRoute } from './match-routes.ts';

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
  /** Resolves that go to streams which may be open although their routes do not match. */
  readonly reached: readonly { readonly row: StoredIssue; readonly stream: StreamKey }[];
  /** Routes whose queries would have taken too many steps on a row. */
  readonly tooComplex: readonly { readonly row: StoredIssue; readonly route: CompiledRoute }[];
  readonly taken: number;
}

/** How rows are grouped. */
export interface GroupingOptions {
  /** It stops before the row with which there would be more streams than this, but always takes one. */
  readonly maxStreams: number;
  /** Rows that are taken and match nothing. */
  readonly ignored?: ReadonlySet<StoredIssue>;
  /** The streams that a resolve of this fingerprint has to reach, whatever its labels match now. */
  readonly openStreams?: (fingerprint: string) => readonly StreamKey[];
  /** Ends the grouping with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds on a clock that only goes forward. */
  readonly now?: () => number;
}

/** After so long it lets others run, heartbeats among them, in milliseconds. */
const YIELD_AFTER_MS = 10;
/** After so long it takes no further row, in milliseconds: a scan has to end in time, however complex its routes are. */
const TAKE_ROWS_FOR_MS = 20_000;

/** The policy of a stream that a resolve reaches without its route. */
interface Target {
  readonly workflowId: string;
  readonly stream: StreamKey;
  readonly policy: SignalPolicy;
}

/**
 * Matches rows with routes and groups them by alert stream, in the rows' order. A resolve also goes to every stream that
 * may be open for its fingerprint, and to those that are signalled in this page.
 */
export async function groupIssues(
  rows: readonly StoredIssue[],
  routes: readonly CompiledRoute[],
  options: GroupingOptions,
): Promise<Grouping> {
  const { maxStreams, ignored = new Set(), openStreams = () => [], now = () => performance.now() } = options;
  const groups = new Map<
    string,
    { workflowId: string; stream: StreamKey; signals: { signal: IssueSignal; row: StoredIssue }[] }
  >();
  const grouped = new Map<string, Set<string>>();
  const matches: RouteMatch[] = [];
  const reached: { row: StoredIssue; stream: StreamKey }[] = [];
  const tooComplex: { row: StoredIssue; route: CompiledRoute }[] = [];
  let taken = 0;
  const startedAt = now();
  let yieldedAt = startedAt;
  for (const row of rows) {
    if (taken > 0 && now() - startedAt > TAKE_ROWS_FOR_MS) break;
    const matched: RouteMatch[] = [];
    const fields = issueFields(row);
    for (const route of ignored.has(row) ? [] : routes) {
      const match = matchIssue(route.query, fields);
      if (match.kind === 'matched') matched.push({ row, route, clause: match.clause });
      if (match.kind === 'too_complex') tooComplex.push({ row, route });
      if (now() - yieldedAt < YIELD_AFTER_MS) continue;
      await breathe();
      options.signal?.throwIfAborted();
      yieldedAt = now();
    }
    const targets = new Map(
      matched.flatMap(({ route }) => targetsOf(row, route)).map((target) => [target.workflowId, target]),
    );
    const open = ignored.has(row) || row.status !== 'resolved' ? [] : openTargets(row.fingerprint);
    const unmatched = open.filter(({ workflowId }) => !targets.has(workflowId));
    const all = [...targets.values(), ...unmatched];
    const added = all.filter(({ workflowId }) => !groups.has(workflowId)).length;
    if (taken > 0 && added > 0 && groups.size + added > maxStreams) break;
    for (const { workflowId, stream, policy } of all) {
      const group = groups.get(workflowId) ?? { workflowId, stream, signals: [] };
      group.signals.push({ signal: signalOf(row, policy), row });
      groups.set(workflowId, group);
      grouped.set(row.fingerprint, (grouped.get(row.fingerprint) ?? new Set()).add(workflowId));
    }
    matches.push(...matched);
    reached.push(...unmatched.map(({ stream }) => ({ row, stream })));
    taken++;
  }
  return { groups: [...groups.values()], matches, reached, tooComplex, taken };

  /** Streams that may be open, and those that an earlier row of this page opens. */
  function openTargets(fingerprint: string): readonly Target[] {
    const inPage = [...(grouped.get(fingerprint) ?? [])].flatMap((id) => groups.get(id)?.stream ?? []);
    const streams = new Map(
      [...inPage, ...openStreams(fingerprint)].map((stream) => [alertWorkflowId(stream), stream]),
    );
    return [...streams].map(([workflowId, stream]) => ({
      workflowId,
      stream,
      policy: DEFAULT_SIGNAL_POLICY,
    }));
  }
}

function targetsOf(row: StoredIssue, { id, policy, connectedAppIds }: CompiledRoute): readonly Target[] {
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
