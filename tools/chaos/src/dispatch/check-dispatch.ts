import { alertWorkflowId, comparePositions, notificationIdOf } from '@heliograph/dispatch-workflows';
import { checkExplanations, type Explanation } from './check-explanations.ts';
import { checkStream } from './check-stream.ts';
import type { AttemptRow, DropRow, IntentRow, IssueRow, RunRow, StateRow } from './evidence.ts';

export interface Acknowledged {
  readonly eventId: string;
  readonly fingerprint: string;
}

/** A request as the receiver saw it. */
export interface Received {
  readonly order: number;
  readonly webhookId: string;
  readonly streamId: string;
  readonly type: string;
  readonly answer: string;
  /** When it was sent, in milliseconds since the epoch; a second may be missing. */
  readonly at?: number;
}

export interface Route {
  readonly id: string;
  readonly connectedAppId: string;
  readonly matches: (issue: IssueRow) => boolean;
  readonly renotifyIntervalMs: number | null;
  readonly maxSignalAgeMs: number;
  /** Its connected app refuses everything: only its streams may be unfinished. Default false. */
  readonly isDead?: boolean;
}

/** What databases, receiver and the explain API have at the end of a run. */
export interface Evidence {
  /** By position. */
  readonly issues: readonly IssueRow[];
  readonly acknowledged: readonly Acknowledged[];
  readonly routes: readonly Route[];
  /** In the order of arrival. */
  readonly received: readonly Received[];
  readonly states: readonly StateRow[];
  readonly intents: readonly IntentRow[];
  readonly attempts: readonly AttemptRow[];
  readonly drops: readonly DropRow[];
  readonly runs: readonly RunRow[];
  /** Ledger entries that still wait in PostgreSQL. */
  readonly outbox: number;
  /** By event id: the API's answer, or a text that says why there is none. */
  readonly explanations: ReadonlyMap<string, Explanation | string>;
  /** HTTP statuses with which the receiver refuses permanently. */
  readonly refusals: ReadonlySet<number>;
  /** The longest time from storing an issue to its first receipt, in milliseconds; undefined is any. */
  readonly maxLatencyMs?: number | undefined;
}

/** One line each. */
export interface Violations {
  /** Acknowledged issues that are not stored. */
  readonly forgotten: string[];
  /** Issues with more than one row. */
  readonly storedTwice: string[];
  /** Notifications that had to arrive and did not. */
  readonly lost: string[];
  /** Notifications that must not exist. */
  readonly unexpected: string[];
  readonly reordered: string[];
  /** Notifications of apps that work, which had to wait for others. */
  readonly late: string[];
  readonly duplicatesWithoutUncertain: string[];
  /** Streams whose state row, receiver and last issue do not agree. */
  readonly wrongStates: string[];
  /** Intents and ledger entries that are still under way. */
  readonly unsettled: string[];
  readonly unexplained: string[];
}

export interface Counts {
  streams: number;
  /** Notifications that had to arrive. */
  expected: number;
  /** Different notifications that the receiver has. */
  received: number;
  /** Receipts beyond the first of a notification. */
  duplicates: number;
  /** Renotifications that were allowed, and arrived. */
  renotified: number;
  /** Notifications that were dropped, rightly. */
  dropped: number;
  /** Renotifications in doubt that by policy were not resent, and never arrived. */
  assumed: number;
  /** Dropped notifications that the receiver has nevertheless. */
  refusedAfterReceipt: number;
}

export interface Verdict {
  readonly counts: Readonly<Counts>;
  readonly violations: Violations;
}

/** Answers after which the receiver has the notification, whatever the sender learned. */
const RECEIPTS = new Set(['accepted', 'slow', 'close-after-body', 'hang']);

/** Compares what should have happened with what databases, receiver and the explain API have. */
export function checkDispatch(evidence: Evidence): Verdict {
  const { issues, acknowledged, routes, attempts, outbox } = evidence;
  const intents = addDrops(evidence);
  const violations: Violations = {
    forgotten: [],
    storedTwice: [],
    lost: [],
    unexpected: [],
    reordered: [],
    late: [],
    duplicatesWithoutUncertain: [],
    wrongStates: [],
    unsettled: [],
    unexplained: [],
  };
  checkStored(issues, acknowledged, violations);
  const receipts = evidence.received.filter(({ answer }) => RECEIPTS.has(answer));
  const receiptsOf = Map.groupBy(receipts, ({ streamId }) => streamId);
  const intentsOf = Map.groupBy(intents, ({ workflowId }) => workflowId);
  const attemptsOf = Map.groupBy(attempts, ({ notificationId }) => notificationId);
  const states = new Map(evidence.states.map((state) => [state.workflowId, state]));
  const counts: Counts = {
    streams: 0,
    expected: 0,
    received: new Set(receipts.map(({ webhookId }) => webhookId)).size,
    duplicates: 0,
    renotified: 0,
    dropped: 0,
    assumed: 0,
    refusedAfterReceipt: 0,
  };
  const known = new Set<string>();
  for (const [fingerprint, ofFingerprint] of Map.groupBy(issues, (issue) => issue.fingerprint)) {
    for (const route of routes) {
      const matched = ofFingerprint.filter((issue) => route.matches(issue));
      if (matched.length === 0) continue;
      const key = { fingerprint, routeId: route.id, connectedAppId: route.connectedAppId };
      const workflowId = alertWorkflowId(key);
      known.add(workflowId);
      if (route.isDead === true) continue;
      counts.streams++;
      checkStream(
        {
          workflowId,
          route,
          issues: matched.toSorted((a, b) => comparePositions(a.position, b.position)),
          idAt: (position) => notificationIdOf(key, position),
          receipts: receiptsOf.get(workflowId) ?? [],
          intents: intentsOf.get(workflowId) ?? [],
          attemptsOf: (id) => attemptsOf.get(id) ?? [],
          state: states.get(workflowId),
          refusals: evidence.refusals,
          supersededAt: supersededIn(evidence.runs, key),
          maxLatencyMs: evidence.maxLatencyMs,
        },
        counts,
        violations,
      );
    }
  }
  for (const streamId of new Set([...receiptsOf.keys(), ...intentsOf.keys(), ...states.keys()])) {
    if (!known.has(streamId)) violations.unexpected.push(`${streamId}: no route leads to this stream`);
  }
  const dead = new Set(
    routes.filter(({ isDead }) => isDead === true).map(({ connectedAppId }) => connectedAppId),
  );
  const isOfDead = (workflowId: string): boolean =>
    dead.has(workflowId.slice(workflowId.lastIndexOf('-') + 1));
  for (const { notificationId, workflowId, status, code } of intents) {
    if (isOfDead(workflowId)) continue;
    if (status !== 'delivered' && status !== 'dropped')
      violations.unsettled.push(`${notificationId}: still ${status}${code === null ? '' : ` (${code})`}`);
  }
  if (outbox > 0) violations.unsettled.push(`${outbox} ledger entries still wait in PostgreSQL`);
  checkExplanations({ ...evidence, intents }, violations);
  return { counts, violations };
}

/** Whether an issue of a stream waited with a newer one, so that it was not decided. */
function supersededIn(
  runs: Evidence['runs'],
  key: { readonly fingerprint: string; readonly routeId: string; readonly connectedAppId: string },
): (position: string) => boolean {
  const own = runs.filter(
    (run) =>
      run.reason === 'superseded_by_newer' &&
      run.fingerprint === key.fingerprint &&
      run.routeId === key.routeId &&
      run.connectedAppId === key.connectedAppId,
  );
  return (position) =>
    own.some(
      ({ firstPosition, lastPosition }) =>
        comparePositions(firstPosition, position) <= 0 && comparePositions(position, lastPosition) <= 0,
    );
}

/** A notification that was dropped before its first attempt has no intent; only the ledger knows of it. */
function addDrops({ intents, drops }: Pick<Evidence, 'intents' | 'drops'>): readonly IntentRow[] {
  const known = new Set(intents.map(({ notificationId }) => notificationId));
  const added = drops
    .filter(({ notificationId }) => !known.has(notificationId))
    .map(({ at, ...drop }) => ({
      ...drop,
      status: 'dropped' as const,
      wasUncertain: false,
      claims: 0,
      decidedAt: at,
      updatedAt: at,
    }));
  return [...intents, ...added];
}

function checkStored(
  issues: readonly IssueRow[],
  acknowledged: readonly Acknowledged[],
  violations: Violations,
): void {
  const rowsOf = Map.groupBy(issues, ({ eventId }) => eventId);
  for (const [eventId, rows] of rowsOf) {
    if (rows.length > 1) violations.storedTwice.push(`${eventId}: ${rows.length} rows`);
  }
  for (const { eventId } of acknowledged) {
    if (!rowsOf.has(eventId)) violations.forgotten.push(`${eventId}: acknowledged and not stored`);
  }
}
