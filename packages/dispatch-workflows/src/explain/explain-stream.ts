import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import { notificationIdOf } from '../contract/notification-id.ts';
import { DROP_CODES, type DropCode } from '../contract/reasons.ts';
import { hasOpenIncident, owesResolve } from '../stream/owes-resolve.ts';
import { comparePositions } from '../contract/position.ts';
import { ASSUMED_CODE, isUnderWay } from '../delivery/intent-status.ts';
import type { Intent } from '../delivery/intent-store.ts';
import type { LedgerEntry } from '../ledger/ledger-entry.ts';
import type { StoredRun } from '../ledger/ledger-store.ts';
import type { BacklogEntry } from '../scan/backlog-store.ts';
import type { RouteVersion } from '../routing/route-store.ts';
import type { StreamPicture } from '../stream/stream-finder.ts';
import type { ExplainedAttempt, ExplainedDecision, ExplainedStream, StreamReason } from './explanation.ts';
import type { ExplainFacts } from './facts.ts';
import type { Notice, Silence, StreamCase, StreamQuestion } from './stream-case.ts';
import { summarizeStream } from './summarize-stream.ts';

/** The clocks of a scan and of a decision may differ by so much, in milliseconds. */
const CLOCKS_APART_MS = 1000;

interface StreamParts {
  readonly routeId?: string | undefined;
  readonly connectedAppId?: string | undefined;
}

/** Explains what one alert stream did about the issue. */
export function explainStream(facts: ExplainFacts, question: StreamQuestion): ExplainedStream {
  const { stream, routeNow } = question;
  const { position } = facts.key;
  const ofStream = ({ routeId, connectedAppId }: StreamParts): boolean =>
    routeId === stream.routeId && connectedAppId === stream.connectedAppId;
  const entries = facts.entries.filter(ofStream);
  const attempts = entries
    .filter(({ stage }) => stage === 'attempted')
    .toSorted((a, b) => (a.attempt ?? 0) - (b.attempt ?? 0) || a.at - b.at);
  const notificationId = notificationIdOf(stream, position);
  const intent = facts.intents.find((each) => each.notificationId === notificationId) ?? null;
  const state = facts.streams.find((each) => ofStream(each.stream)) ?? null;
  const notice = noticeOf(entries, attempts, intent);
  const runs = facts.runs.filter(ofStream);
  const late = runs.filter((run) => run.reason === 'older_than_last' && run.since === position);
  const silence = notice === null ? silenceOf(facts, question, { runs, late, state }) : null;
  const lateCount = late.reduce((sum, { count }) => sum + count, 0);
  const about: StreamCase = {
    ...question,
    app: facts.apps.find(({ id }) => id === stream.connectedAppId) ?? null,
    state,
    waiting: waitingOf(facts, ofStream),
    intent,
    notice,
    silence,
    attempts,
    isInLedger: entries.some(({ stage }) => stage === 'settled'),
  };
  const outcome = outcomeOf(about, entries);
  const reason = reasonOf(facts, about, outcome);
  const openNow = state !== null && hasOpenIncident(state);
  const explained: Omit<ExplainedStream, 'summary'> = {
    workflowId: alertWorkflowId(stream),
    connectedAppId: stream.connectedAppId,
    connectedAppName: about.app?.name ?? null,
    provider: about.app?.provider ?? attempts.at(-1)?.provider ?? null,
    reason,
    notify: notice !== null,
    decision: decisionOf(about),
    attempts: attempts.map(attemptOf),
    outcome,
    wasUncertain:
      intent?.wasUncertain === true || attempts.some((attempt) => attempt.outcome === 'uncertain'),
    repeats: reason === 'older_than_last' ? Math.max(0, lateCount - 1) : lateCount,
    openNow,
    owed: state !== null && owesResolve(state, facts.newest),
    nextRenotificationNotBefore: instant(nextRenotification(facts, about, routeNow)),
    throttledUntil: instant(throttledUntil(facts, about, outcome)),
  };
  return { ...explained, summary: summarizeStream(facts, about, explained) };
}

/** What waits of the stream, if the issue is part of it. */
function waitingOf(
  { backlog, key: { position } }: ExplainFacts,
  ofStream: (parts: StreamParts) => boolean,
): BacklogEntry | null {
  const entry = backlog.find(({ stream }) => ofStream(stream));
  const isPart =
    entry !== undefined &&
    comparePositions(entry.firstPosition, position) <= 0 &&
    comparePositions(position, entry.signal.position) <= 0;
  return isPart ? entry : null;
}

function noticeOf(
  entries: readonly LedgerEntry[],
  attempts: readonly LedgerEntry[],
  intent: Intent | null,
): Notice | null {
  const recorded = entries
    .filter(({ stage }) => stage === 'decided' || stage === 'settled')
    .flatMap(({ stage, reason, kind, at }) =>
      reason === undefined || kind === undefined
        ? []
        : [{ reason, kind, at, isDecision: stage === 'decided' }],
    )
    // Where a stream decided again about the same issue, the later decision stands.
    .toSorted((a, b) => Number(a.isDecision) - Number(b.isDecision) || a.at - b.at)
    .at(-1);
  if (
    intent !== null &&
    (recorded === undefined || (isUnderWay(intent.status) && recorded.reason !== intent.reason))
  ) {
    const { kind, reason, decidedAt, updatedAt } = intent;
    // The first decision's instant stays in the row when it is decided again.
    return { kind, reason, at: recorded === undefined ? decidedAt : updatedAt };
  }
  if (recorded !== undefined) return { reason: recorded.reason, kind: recorded.kind, at: recorded.at };
  const [first] = attempts;
  return first?.reason === undefined || first.kind === undefined
    ? null
    : { reason: first.reason, kind: first.kind, at: first.at };
}

/** What was decided last in silence: the decision that counted, or else that the issue came late. */
function silenceOf(
  { key: { position }, entries }: ExplainFacts,
  { matched, signalled, stream }: StreamQuestion,
  {
    runs,
    late,
    state,
  }: {
    readonly runs: readonly StoredRun[];
    readonly late: readonly StoredRun[];
    readonly state: StreamPicture | null;
  },
): Silence | null {
  const seenAt = Math.min(...entries.filter(({ stage }) => stage === 'seen').map(({ at }) => at));
  // A run may span issues that do not belong to this stream.
  const mayBeWithin = matched && signalled !== false;
  const within = runs.filter(
    (run) =>
      mayBeWithin &&
      run.reason !== 'older_than_last' &&
      comparePositions(run.firstPosition, position) <= 0 &&
      comparePositions(run.lastPosition, position) >= 0 &&
      // Both ends are of the run; what lies between and was seen only after the run had passed it is not.
      (run.firstPosition === position ||
        run.lastPosition === position ||
        seenAt === Infinity ||
        run.lastAt >= seenAt - CLOCKS_APART_MS),
  );
  const version = entries.find(
    ({ stage, routeId }) => stage === 'matched' && routeId === stream.routeId,
  )?.configVersion;
  const run = within.find((each) => each.version === version) ?? within[0] ?? late[0];
  if (run !== undefined) return { reason: run.reason, run };
  // The ledger follows the state by a moment.
  return state?.silence !== null && state?.lastPosition === position
    ? { reason: state.silence.reason, run: null }
    : null;
}

const DROPS: Readonly<Record<DropCode, StreamReason>> = {
  REJECTED: 'rejected',
  EXPIRED: 'signal_expired',
  EXPIRED_RATE_LIMITED: 'signal_expired_rate_limited',
  CONNECTED_APP_MISSING: 'connected_app_missing',
  ISSUE_MISSING: 'issue_missing',
  SECRET_UNREADABLE: 'secret_unreadable',
  SUPERSEDED: 'superseded',
};

function reasonOf(facts: ExplainFacts, about: StreamCase, outcome: ExplainedStream['outcome']): StreamReason {
  const { notice, silence, signalled, matched, state } = about;
  if (notice !== null) {
    return outcome.kind === 'dropped' ? dropReason(outcome.code) : notice.reason;
  }
  if (silence !== null) return silence.reason;
  if (signalled === false) return 'connected_app_disabled';
  if (about.waiting !== null && matched) return 'waiting_in_backlog';
  const hasPassed =
    state !== null &&
    state.lastPosition !== null &&
    comparePositions(state.lastPosition, facts.key.position) >= 0;
  if (hasPassed && matched) return 'decision_not_recorded';
  return facts.routesThen === null ? 'not_scanned_yet' : 'not_decided_yet';
}

function dropReason(code: string | null): StreamReason {
  return DROPS[DROP_CODES.find((known) => known === code) ?? 'REJECTED'];
}

function outcomeOf(
  { notice, intent, attempts }: StreamCase,
  entries: readonly LedgerEntry[],
): ExplainedStream['outcome'] {
  if (notice === null) return { kind: 'none', code: null, at: null, externalId: null };
  const settled = entries.filter(({ stage }) => stage === 'settled').toSorted((a, b) => a.at - b.at);
  // The intent is written with the state, the ledger follows it.
  if (intent !== null && isUnderWay(intent.status)) {
    return { kind: 'pending', code: intent.code, at: null, externalId: null };
  }
  if (intent !== null) {
    const kind =
      intent.status === 'dropped'
        ? 'dropped'
        : intent.code === ASSUMED_CODE
          ? 'assumed_delivered'
          : 'delivered';
    // The entry of a second drop may have the id of the first, so only the row shows when that was.
    const entry = settled.findLast((each) => each.outcome === kind && each.at >= notice.at);
    return {
      kind,
      code: intent.code,
      at: instant(entry?.at ?? intent.updatedAt),
      externalId: intent.externalId,
    };
  }
  const last = settled.at(-1);
  if (last?.outcome === 'delivered' || last?.outcome === 'assumed_delivered' || last?.outcome === 'dropped') {
    const code = last.outcome === 'assumed_delivered' ? ASSUMED_CODE : (last.code ?? null);
    return { kind: last.outcome, code, at: instant(last.at), externalId: last.externalId ?? null };
  }
  return { kind: 'pending', code: attempts.at(-1)?.code ?? null, at: null, externalId: null };
}

function decisionOf({ notice, silence }: StreamCase): ExplainedDecision | null {
  if (notice !== null) {
    return { reason: notice.reason, kind: notice.kind, at: new Date(notice.at).toISOString() };
  }
  if (silence === null) return null;
  const { reason, run } = silence;
  if (run === null) return { reason, kind: null, at: null };
  const last = new Date(run.lastAt).toISOString();
  return {
    reason,
    kind: null,
    at: last,
    first: new Date(run.firstAt).toISOString(),
    last,
    count: run.count,
  };
}

function attemptOf(entry: LedgerEntry): ExplainedAttempt {
  return {
    at: new Date(entry.at).toISOString(),
    attempt: entry.attempt ?? 1,
    outcome: entry.outcome ?? 'uncertain',
    code: entry.code ?? null,
    status: entry.status ?? null,
    durationMs: entry.durationMs ?? 0,
    waitMs: entry.waitMs ?? null,
  };
}

/** The earliest instant at which an open alert is renotified; null if it is not, or is with the next issue. */
function nextRenotification(
  { newest }: ExplainFacts,
  { state, app }: StreamCase,
  routeNow: RouteVersion | null,
): number | null {
  if (state?.status !== 'firing' || newest?.status !== 'firing' || state.lastSeen === 'suppressed')
    return null;
  if (routeNow === null || routeNow.removed || !routeNow.enabled || app?.enabled === false) return null;
  const { renotifyIntervalMs } = routeNow;
  return renotifyIntervalMs === null || state.lastNotifiedAt === null
    ? null
    : state.lastNotifiedAt + renotifyIntervalMs;
}

/** Until when the app makes it wait; null if it waits for nothing, or for something else. */
function throttledUntil(
  { now }: ExplainFacts,
  { app, silence, signalled, waiting }: StreamCase,
  { kind }: ExplainedStream['outcome'],
): number | null {
  const forMs = app?.health.throttledForMs ?? 0;
  const isUndecided = kind === 'none' && silence === null && (signalled === true || waiting !== null);
  const isWaiting = kind === 'pending' || isUndecided;
  return isWaiting && forMs > 0 ? now + forMs : null;
}

function instant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
