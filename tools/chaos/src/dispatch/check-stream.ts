import { comparePositions } from '@heliograph/dispatch-workflows';
import type { Counts, Received, Route, Violations } from './check-dispatch.ts';
import type { AttemptRow, IntentRow, IssueRow, StateRow } from './evidence.ts';
import { replayStream, type Replayed } from './replay-stream.ts';

/** Everything that is known about one stream. */
export interface StreamEvidence {
  readonly workflowId: string;
  readonly route: Route;
  /** Those that the route matches, by position. */
  readonly issues: readonly IssueRow[];
  /** Gives the id of a notification. */
  readonly idAt: (position: string) => string;
  /** In the order of arrival. */
  readonly receipts: readonly Received[];
  readonly intents: readonly IntentRow[];
  readonly attemptsOf: (notificationId: string) => readonly AttemptRow[];
  readonly state: StateRow | undefined;
  readonly refusals: ReadonlySet<number>;
  /** Whether the issue at a position was superseded by a newer one that waited with it. */
  readonly supersededAt?: (position: string) => boolean;
  readonly maxLatencyMs?: number | undefined;
}

type Intents = ReadonlyMap<string, IntentRow>;
type FirstReceipts = ReadonlyMap<string, Received>;

const TYPES = { trigger: 'alert.triggered', update: 'alert.updated', resolve: 'alert.resolved' };
/** The code of a renotification that is in doubt and, by policy, not resent. */
const NOT_RESENT = 'UNCERTAIN_NOT_RESENT';

/**
 * Checks one stream: nothing lost, nothing reordered, nothing twice unless it was in doubt, nothing unexpected, and the
 * same end at the receiver, in the state row and in the issues.
 */
export function checkStream(stream: StreamEvidence, counts: Counts, violations: Violations): void {
  const { workflowId, issues, idAt, receipts, intents } = stream;
  const intentOf = new Map(intents.map((intent) => [intent.notificationId, intent]));
  const positionOf = new Map(issues.map(({ position }) => [idAt(position), position]));
  const first = firstReceipts(receipts);
  // What was superseded was not decided, unless it was sent before that.
  const decided = issues.filter(
    ({ position }) =>
      stream.supersededAt?.(position) !== true || first.has(idAt(position)) || intentOf.has(idAt(position)),
  );
  const { steps, state } = replayStream(decided, stream.route, (position) => intentOf.get(idAt(position)));
  for (const step of steps) checkStep(stream, { step, intentOf, first }, counts, violations);
  for (const id of new Set([...first.keys(), ...intentOf.keys()])) {
    if (!positionOf.has(id)) violations.unexpected.push(`${id}: about no issue of this stream`);
  }
  checkOrder(workflowId, first, positionOf, violations);
  checkLatency(stream, first, violations);
  checkDuplicates(stream, intentOf, counts, violations);
  checkPace(stream, violations);
  checkEnd(stream, { first, isOpen: state.status === 'firing', intentOf, decided }, violations);
}

/** By webhook id, in the order of arrival. */
function firstReceipts(receipts: readonly Received[]): FirstReceipts {
  const first = new Map<string, Received>();
  for (const receipt of receipts) {
    if (!first.has(receipt.webhookId)) first.set(receipt.webhookId, receipt);
  }
  return first;
}

function checkStep(
  stream: StreamEvidence,
  about: { readonly step: Replayed; readonly intentOf: Intents; readonly first: FirstReceipts },
  counts: Counts,
  violations: Violations,
): void {
  const { issue, kind, verdict, reason } = about.step;
  const id = stream.idAt(issue.position);
  const receipt = about.first.get(id);
  const intent = about.intentOf.get(id);
  if (kind === null) {
    if (receipt !== undefined)
      violations.unexpected.push(`${id}: ${receipt.type}, should be silent (${reason})`);
    else if (intent !== undefined)
      violations.unexpected.push(`${id}: has an intent, should be silent (${reason})`);
    return;
  }
  if (receipt !== undefined && receipt.type !== TYPES[kind])
    violations.unexpected.push(`${id}: ${receipt.type}, should be ${TYPES[kind]} (${reason})`);
  const isDropped = intent?.status === 'dropped';
  if (isDropped && receipt !== undefined) counts.refusedAfterReceipt++;
  const isAssumed = intent?.code === NOT_RESENT && intent.kind === 'update';
  if (isAssumed && receipt === undefined) counts.assumed++;
  if (verdict === 'allowed') {
    if (receipt !== undefined) counts.renotified++;
    if (intent?.status === 'delivered' && receipt === undefined && !isAssumed)
      violations.lost.push(`${id}: ${TYPES[kind]} is recorded as delivered and never arrived`);
    return;
  }
  counts.expected++;
  if (isDropped) {
    counts.dropped++;
    const why = findUnjustified(stream, intent);
    if (why !== null) violations.lost.push(`${id}: ${TYPES[kind]} was dropped, ${why}`);
  } else if (receipt === undefined && !isAssumed) {
    const is = intent === undefined ? 'has no intent' : `is ${intent.status}`;
    violations.lost.push(`${id}: ${TYPES[kind]} (${reason}) never arrived and ${is}`);
  } else if (intent === undefined) {
    violations.lost.push(`${id}: ${TYPES[kind]} arrived and has no intent`);
  }
}

/** Says why the receiver's faults do not justify that a notification was dropped; null if they do. */
function findUnjustified({ attemptsOf, refusals }: StreamEvidence, intent: IntentRow): string | null {
  const { notificationId, code } = intent;
  if (code !== 'REJECTED') return `${code ?? 'without a code'}, which nothing here can cause`;
  const answers = attemptsOf(notificationId).map(({ status }) => status);
  return answers.some((status) => refusals.has(status))
    ? null
    : `REJECTED, and the ledger has no permanent refusal (${answers.join(', ') || 'none'})`;
}

/** The clock of a request counts in seconds. */
const SECOND_MS = 1000;

function checkLatency(
  { issues, idAt, maxLatencyMs }: StreamEvidence,
  first: FirstReceipts,
  violations: Violations,
): void {
  if (maxLatencyMs === undefined) return;
  for (const { position, storedAt } of issues) {
    const id = idAt(position);
    const latency = (first.get(id)?.at ?? 0) - storedAt;
    if (latency > maxLatencyMs + SECOND_MS)
      violations.late.push(`${id}: received ${Math.round(latency / SECOND_MS)} s after it was stored`);
  }
}

function checkOrder(
  workflowId: string,
  first: FirstReceipts,
  positionOf: ReadonlyMap<string, string>,
  violations: Violations,
): void {
  let latest = '0';
  for (const { webhookId, type } of first.values()) {
    const position = positionOf.get(webhookId);
    if (position === undefined) continue;
    if (comparePositions(position, latest) < 0)
      violations.reordered.push(`${workflowId}: ${type} of ${position} arrived after ${latest}`);
    else latest = position;
  }
}

function checkDuplicates(
  { receipts, attemptsOf }: StreamEvidence,
  intentOf: Intents,
  counts: Counts,
  violations: Violations,
): void {
  for (const [id, received] of Map.groupBy(receipts, ({ webhookId }) => webhookId)) {
    if (received.length === 1) continue;
    counts.duplicates += received.length - 1;
    const wasUncertain =
      intentOf.get(id)?.wasUncertain === true ||
      attemptsOf(id).some(({ outcome }) => outcome === 'uncertain');
    const answers = received.map(({ answer }) => answer).join(', ');
    if (!wasUncertain)
      violations.duplicatesWithoutUncertain.push(
        `${id}: received ${received.length} times (${answers}), and no attempt was in doubt`,
      );
  }
}

/** A renotification follows the notification before it after one interval at the earliest. */
function checkPace({ route, intents }: StreamEvidence, violations: Violations): void {
  const { renotifyIntervalMs } = route;
  let before: IntentRow | undefined;
  for (const intent of intents.toSorted((a, b) => comparePositions(a.position, b.position))) {
    if (intent.reason === 'renotify' && before !== undefined && renotifyIntervalMs !== null) {
      const pauseMs = intent.decidedAt - before.decidedAt;
      if (pauseMs < renotifyIntervalMs)
        violations.unexpected.push(`${intent.notificationId}: renotified after ${Math.round(pauseMs)} ms`);
    }
    if (intent.status === 'delivered') before = intent;
  }
}

/** `isOpen` is the final state of the replay. */
function checkEnd(
  { workflowId, issues, idAt, intents, state }: StreamEvidence,
  about: {
    readonly first: FirstReceipts;
    readonly isOpen: boolean;
    readonly intentOf: Intents;
    /** Those that were not superseded. */
    readonly decided: readonly IssueRow[];
  },
  violations: Violations,
): void {
  const { first, isOpen, intentOf } = about;
  const last = issues.at(-1);
  if (last === undefined) return;
  const telling = about.decided.findLast(({ status }) => status !== 'suppressed');
  const shouldBeOpen = telling?.status === 'firing';
  const lastReceipt = [...first.values()].at(-1);
  const isOpenAtReceiver = lastReceipt !== undefined && lastReceipt.type !== TYPES.resolve;
  // A notification that was refused permanently never arrived; the check for losses decides whether the refusal justifies that.
  const wasRefused = telling !== undefined && intentOf.get(idAt(telling.position))?.status === 'dropped';
  if (isOpenAtReceiver !== shouldBeOpen && !(wasRefused && shouldBeOpen && !isOpen))
    violations.wrongStates.push(
      `${workflowId}: ${word(isOpenAtReceiver)} at the receiver, should be ${word(shouldBeOpen)} after ${telling?.status ?? 'nothing'}`,
    );
  if (state === undefined) {
    violations.wrongStates.push(`${workflowId}: no state row`);
    return;
  }
  if ((state.status === 'firing') !== isOpenAtReceiver)
    violations.wrongStates.push(
      `${workflowId}: ${state.status} in its row, ${word(isOpenAtReceiver)} at the receiver`,
    );
  if (state.lastPosition !== last.position)
    violations.wrongStates.push(
      `${workflowId}: decided up to ${state.lastPosition ?? 'nothing'}, should be ${last.position}`,
    );
  const delivered = intents.filter(({ status }) => status === 'delivered').length;
  if (state.notificationCount !== delivered)
    violations.wrongStates.push(
      `${workflowId}: ${state.notificationCount} notifications in its row, ${delivered} intents delivered`,
    );
}

function word(isOpen: boolean): string {
  return isOpen ? 'open' : 'closed';
}
