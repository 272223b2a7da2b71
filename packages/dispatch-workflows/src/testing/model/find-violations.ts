import { parseQuery, explainMatch } from '@heliograph/query';
import { alertWorkflowId } from '../../contract/alert-workflow-id.ts';
import { eventHashOf } from '../../issues/event-hash.ts';
import { notificationIdOf } from '../../contract/notification-id.ts';
import { comparePositions } from '../../contract/position.ts';
import type { StreamKey } from '../../contract/stream-state.ts';
import { ASSUMED_CODE, isUnderWay } from '../../delivery/intent-status.ts';
import type { StoredIssue } from '../../issues/issue.ts';
import type { LedgerEntry } from '../../ledger/ledger-entry.ts';
import { issueFields } from '../../routing/match-routes.ts';
import { mayHaveOpenIncident, owesResolve } from '../../stream/owes-resolve.ts';
import type { AppPlan, RoutePlan, Trouble } from './plan.ts';
import type { Receipt } from './simulated-provider.ts';
import type { Simulation } from './simulation.ts';

/** What an attempt and the rows about it may take after a notification's life, in milliseconds. */
const LIFE_SLACK_MS = 30_000;
/** What was begun may be sent again so long after its life, in milliseconds. */
const BEGUN_SLACK_MS = 90_000;
/** What a healthy app has to wait at most while others are in trouble, in milliseconds. */
const LONGEST_WAIT_MS = 60_000;

/** Troubles that keep nobody waiting who has no part in them. */
const HARMLESS: ReadonlySet<Trouble> = new Set([
  'low-ceiling',
  'late-rows',
  'repeated-events',
  'repeated-signals',
]);
/** Troubles in which an attempt may be interrupted, so that nobody knows what became of it. */
const INTERRUPTING: ReadonlySet<Trouble> = new Set([
  'crashes',
  'databases-away',
  'repeated-tasks',
  'lost-results',
  'lost-heartbeats',
]);

/** Everything that is known of a schedule at its end, once. */
interface Evidence {
  readonly simulation: Simulation;
  /** In the order of positions, without repeated events. */
  readonly issues: readonly StoredIssue[];
  readonly byPosition: ReadonlyMap<string, StoredIssue>;
  readonly receiptsOf: ReadonlyMap<string, readonly Receipt[]>;
  readonly entriesOf: ReadonlyMap<string, readonly LedgerEntry[]>;
}

/** Compares what a person saw and what was recorded with what was promised; one line for each violation. */
export function findViolations(simulation: Simulation): readonly string[] {
  const evidence = gather(simulation);
  return [
    ...simulation.violations,
    ...simulation.temporal.errors.map((error) => `a workflow failed: ${String(error)}`),
    ...checkStored(evidence),
    ...checkStreams(evidence),
    ...checkReceipts(evidence),
    ...checkRecords(evidence),
    ...checkApps(evidence),
  ];
}

function gather(simulation: Simulation): Evidence {
  const { tables, provider } = simulation;
  const known = new Set<string>();
  const issues: StoredIssue[] = [];
  for (const { issue } of tables.issues) {
    const event = `${issue.eventId} ${eventHashOf(issue)}`;
    if (!known.has(event)) issues.push(issue);
    known.add(event);
  }
  const entries = [...tables.ledger.values()].filter((entry) => entry.notificationId !== undefined);
  return {
    simulation,
    issues,
    byPosition: new Map(tables.issues.map(({ issue }) => [issue.position, issue])),
    receiptsOf: Map.groupBy(provider.receipts, ({ id }) => id),
    entriesOf: Map.groupBy(entries, ({ notificationId = '' }) => notificationId),
  };
}

/** Every report that was acknowledged is stored once, and was seen. */
function checkStored({ simulation }: Evidence): readonly string[] {
  const { acknowledged, tables } = simulation;
  const seen = new Set(
    [...tables.ledger.values()]
      .filter(({ stage }) => stage === 'seen')
      .map(({ position, eventId }) => `${position} ${eventId}`),
  );
  const found: string[] = [];
  for (const { issue, outcome } of acknowledged) {
    const rows = tables.issues.filter(
      ({ issue: row }) => row.eventId === issue.eventId && eventHashOf(row) === issue.eventHash,
    );
    const written = rows.filter(({ issue: row }) => row.eventHash !== '0').length;
    // What a monitor writes itself is stored as often as it writes.
    if (outcome !== 'reused' && (rows.length === 0 || written > 1))
      found.push(`stored ${rows.length} times: ${issue.eventId}, acknowledged as ${outcome}`);
  }
  for (const { issue } of tables.issues)
    if (!seen.has(`${issue.position} ${issue.eventId}`)) found.push(`never seen: ${issue.eventId}`);
  return found;
}

interface StreamCase {
  readonly stream: StreamKey;
  readonly route: RoutePlan;
  readonly app: AppPlan;
}

function* streamsOf({ plan }: Simulation): Generator<StreamCase> {
  for (const route of plan.routes)
    for (const app of plan.apps)
      if (route.appIds.includes(app.id))
        for (const fingerprint of plan.fingerprints)
          yield { stream: { fingerprint, routeId: route.id, connectedAppId: app.id }, route, app };
}

/** What a person sees at the end is what the newest issue of each stream says, or there is a reason. */
function checkStreams(evidence: Evidence): readonly string[] {
  const { simulation, issues } = evidence;
  const open = simulation.provider.openEpisodes();
  const { troubles } = simulation.plan;
  // A repeat that can be read before what it repeats is news; nobody promises more for rows beyond every limit.
  const isOrderUnknown = troubles.has('too-late-rows') && troubles.has('repeated-events');
  const found: string[] = [];
  for (const streamCase of streamsOf(simulation)) {
    const { stream, route, app } = streamCase;
    if (app.isDead || isOrderUnknown) continue;
    const query = parseQuery(route.query);
    const newest = issues.findLast(
      (issue) =>
        issue.fingerprint === stream.fingerprint &&
        (issue.status === 'resolved' || explainMatch(query, issueFields(issue)).matched),
    );
    // Of whatever route: while its fingerprint fires again, an incident is nobody's debt.
    const isOver =
      issues.findLast(({ fingerprint }) => fingerprint === stream.fingerprint)?.status === 'resolved';
    const id = alertWorkflowId(stream);
    const isOpen = (open.get(id)?.size ?? 0) > 0;
    if (newest?.status === 'firing' && !isOpen) {
      const excuse = excuseForSilence(evidence, streamCase, newest);
      if (excuse !== null) found.push(`not seen although it fires: ${id} at ${newest.position}: ${excuse}`);
    }
    if (newest?.status === 'resolved' && isOver && isOpen && !isDebtAccepted(evidence, streamCase))
      found.push(`open at the provider although it has resolved: ${id} since ${newest.position}`);
  }
  return found;
}

/** Null if nothing had to be seen; otherwise what was recorded instead of a good reason. */
function excuseForSilence(
  { simulation, entriesOf, receiptsOf }: Evidence,
  { stream, route, app }: StreamCase,
  newest: StoredIssue,
): string | null {
  const { fates, tables, provider } = simulation;
  // It was switched off for a while, by somebody or by its receiver's own answer.
  const wasGone = provider.receipts.some(({ appId, status }) => appId === app.id && status === 410);
  if (wasGone || fates.switchedApps.has(app.id)) return null;
  const id = notificationIdOf(stream, newest.position);
  const settled = (entriesOf.get(id) ?? []).findLast(({ stage }) => stage === 'settled');
  const receipts = receiptsOf.get(id) ?? [];
  const wasRefused = receipts.some(({ status }) => status === 400 || status === 410);
  switch (settled?.code) {
    case 'REJECTED':
      return wasRefused ? null : 'recorded as refused, and it was not';
    case 'EXPIRED':
    case 'SECRET_UNREADABLE':
    case 'EXPIRED_RATE_LIMITED':
      // It was sent, and the provider wants to be left alone for longer than it is worth.
      if (settled.code === 'EXPIRED_RATE_LIMITED' && receipts.length > 0) return null;
      return settled.at >= newest.storedAt + route.maxSignalAgeMs - LIFE_SLACK_MS
        ? null
        : 'recorded as expired before its time';
    case undefined:
      break;
    default:
      return `recorded as dropped: ${settled?.code}`;
  }
  if (app.uncertainPolicy === 'resend-none') return null;
  const stale = tables.runs.find(
    (run) =>
      run.reason === 'stale' &&
      alertWorkflowId(run.stream) === alertWorkflowId(stream) &&
      comparePositions(run.last.position, newest.position) >= 0,
  );
  if (stale !== undefined)
    return stale.last.at - newest.storedAt > route.maxSignalAgeMs - 1000
      ? null
      : 'recorded as stale too early';
  // The app was refused while it fired, and what continues is not notified again.
  const opener = tables.streams.get(alertWorkflowId(stream))?.state;
  return `the state is ${opener?.status ?? 'unknown'}`;
}

/** What is open may stay open where nobody can close it, if it is listed as debt. */
function isDebtAccepted({ simulation, issues }: Evidence, { stream, app }: StreamCase): boolean {
  const { tables, fates } = simulation;
  if (app.uncertainPolicy === 'resend-none') return true;
  const isReachable = tables.apps.get(app.id)?.app.enabled === true && !fates.switchedApps.has(app.id);
  if (isReachable) return false;
  const state = tables.streams.get(alertWorkflowId(stream))?.state;
  const newest = issues.findLast(({ fingerprint }) => fingerprint === stream.fingerprint);
  return state !== undefined && mayHaveOpenIncident(state) && owesResolve(state, newest ?? null);
}

/** What the provider received, by itself: order, repetition, content, incidents, age. */
function checkReceipts(evidence: Evidence): readonly string[] {
  const { simulation, receiptsOf } = evidence;
  const { provider, tables } = simulation;
  const found: string[] = [];
  for (const [id, receipts] of receiptsOf) {
    if (new Set(receipts.map(({ body }) => body)).size > 1) found.push(`two bodies under one id: ${id}`);
    const accepted = receipts.filter(({ isAccepted }) => isAccepted);
    if (accepted.length > 1 && tables.intents.get(id)?.wasUncertain !== true)
      found.push(`received ${accepted.length} times without a doubt: ${id}`);
  }
  // A resolve in doubt counts as delivered there, so the next trigger opens another incident.
  const isAssuming = new Set(
    simulation.plan.apps
      .filter(({ uncertainPolicy }) => uncertainPolicy === 'resend-none')
      .map(({ id }) => id),
  );
  const byStream = Map.groupBy(
    provider.receipts.filter(({ isAccepted }) => isAccepted),
    ({ streamId }) => streamId,
  );
  for (const [streamId, accepted] of byStream) {
    const seen = new Set<string>();
    let newest = '';
    let episode: string | null = null;
    for (const receipt of accepted) {
      const { id, kind, episodeId } = receipt;
      if (seen.has(id)) continue;
      seen.add(id);
      if (id < newest) found.push(`out of order: ${id} after ${newest}`);
      newest = id > newest ? id : newest;
      if (kind !== 'resolve' && episode !== null && episode !== episodeId && !isAssuming.has(receipt.appId))
        found.push(`two incidents open: ${streamId} has ${episode} and ${episodeId}`);
      if (kind !== 'resolve') episode = episodeId;
      else if (episode === episodeId) episode = null;
      found.push(...checkAge(evidence, receipt), ...checkWait(evidence, receipt));
    }
  }
  return found;
}

function positionOf(notificationId: string): string {
  return notificationId.slice(notificationId.lastIndexOf('-') + 1);
}

function checkAge({ simulation, byPosition }: Evidence, { id, kind, at }: Receipt): readonly string[] {
  const { plan } = simulation;
  const issue = byPosition.get(positionOf(id));
  if (kind === 'resolve' || issue === undefined || plan.troubles.has('clock-jumps')) return [];
  const life = Math.max(...plan.routes.map(({ maxSignalAgeMs }) => maxSignalAgeMs));
  return at > issue.storedAt + life + BEGUN_SLACK_MS
    ? [`sent ${Math.round((at - issue.storedAt) / 1000)} s after it was stored: ${id}`]
    : [];
}

function checkWait({ simulation, byPosition }: Evidence, { id, at }: Receipt): readonly string[] {
  const { plan } = simulation;
  const issue = byPosition.get(positionOf(id));
  // What a monitor writes itself waits for the next scan: nobody wakes it.
  if (issue === undefined || issue.eventHash === '0') return [];
  if ([...plan.troubles].some((trouble) => !HARMLESS.has(trouble))) return [];
  return at > issue.storedAt + LONGEST_WAIT_MS
    ? [`seen only after ${Math.round((at - issue.storedAt) / 1000)} s: ${id}`]
    : [];
}

/** What is recorded about notifications is what happened to them. */
function checkRecords(evidence: Evidence): readonly string[] {
  const { simulation, receiptsOf, entriesOf } = evidence;
  const { tables, provider, plan } = simulation;
  const isUninterrupted = ![...plan.troubles].some((trouble) => INTERRUPTING.has(trouble));
  const dead = new Set(plan.apps.filter(({ isDead }) => isDead).map(({ id }) => id));
  const found: string[] = [];
  for (const [id, intent] of tables.intents) {
    const receipts = receiptsOf.get(id) ?? [];
    const accepted = receipts.filter(({ isAccepted }) => isAccepted).length;
    const refused =
      receipts.filter(({ status }) => status !== null && status !== 200).length +
      (provider.unsent.get(id) ?? 0);
    const attempts = (entriesOf.get(id) ?? []).filter(({ stage }) => stage === 'attempted');
    const count = (outcome: LedgerEntry['outcome']): number =>
      attempts.filter((entry) => entry.outcome === outcome).length;
    if (isUnderWay(intent.status) && !dead.has(intent.stream.connectedAppId))
      found.push(`under way for ever: ${id} is ${intent.status}`);
    const superseded = (entriesOf.get(id) ?? []).find(({ code }) => code === 'SUPERSEDED');
    if (superseded !== undefined && attempts.some(({ at }) => at > superseded.at))
      found.push(`recorded as superseded, and attempted afterwards: ${id}`);
    const isAssumed = intent.code === ASSUMED_CODE;
    if (intent.status === 'delivered' && !isAssumed && accepted === 0)
      found.push(`recorded as delivered, and never received: ${id}`);
    if (count('delivered') > accepted) found.push(`more deliveries recorded than received: ${id}`);
    if (count('refused') + count('rate_limited') > refused)
      found.push(`more refusals recorded than there were: ${id}`);
    if (isUninterrupted && !provider.doubtful.has(id) && (intent.wasUncertain || count('uncertain') > 0))
      found.push(`in doubt without a reason: ${id}`);
    if (isAssumed && !provider.doubtful.has(id) && isUninterrupted)
      found.push(`assumed to be delivered without a doubt: ${id}`);
  }
  if (tables.outbox.length > 0) found.push(`${tables.outbox.length} rows stay in the outbox`);
  return found;
}

/** What is known of an app is about its present settings. */
function checkApps({ simulation }: Evidence): readonly string[] {
  const { tables, provider, fates } = simulation;
  const found: string[] = [];
  for (const [id, { app }] of tables.apps) {
    const url = JSON.stringify(app.settings);
    const statuses = new Set(
      provider.receipts
        .filter((receipt) => receipt.appId === id && JSON.stringify({ url: receipt.url }) === url)
        .map(({ status }) => status),
    );
    const known = tables.health.get(id);
    const health = known?.targetVersion === app.targetVersion ? known : undefined;
    if (!app.enabled && !fates.mayBeGone(app)) found.push(`switched off although it is not gone: app ${id}`);
    if (health?.failure != null && !statuses.has(400) && !statuses.has(410))
      found.push(`recorded as failing under settings that never failed: app ${id}`);
    if ((health?.throttledUntil ?? 0) > tables.now() && !statuses.has(429))
      found.push(`recorded as throttled under settings that never were: app ${id}`);
  }
  return found;
}
