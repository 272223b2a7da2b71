import { notificationIdOf } from '../contract/notification-id.ts';
import type { AppPicture, ExplainFacts } from '../explain/facts.ts';
import type { LedgerEntry } from '../ledger/ledger-entry.ts';
import type { Intent } from '../delivery/intent-store.ts';
import type { BacklogEntry } from '../scan/backlog-store.ts';
import type { RouteVersion } from '../routing/route-store.ts';
import type { StoredRun } from '../ledger/ledger-store.ts';
import type { StreamPicture } from '../stream/stream-finder.ts';
import { storedIssue } from './stored-issue.ts';

/** Noon of some day; the clock of these facts stands one minute later. */
export const NOON = Date.parse('2026-03-01T12:00:00Z');
const ISSUE = storedIssue(NOON / 1000, { eventId: 'e1', labels: { namespace: 'payments' } });
const STREAM = { fingerprint: 'f1', routeId: 'r1', connectedAppId: 'a' };
/** Where the issue stands. */
export const HERE = ISSUE.position;

/** Facts of an issue that one route takes to one app, seen by a scan and matched; give what differs. */
export function explainFacts(parts: Partial<ExplainFacts> = {}): ExplainFacts {
  const issue = parts.issue === undefined ? ISSUE : parts.issue;
  return {
    fingerprint: 'f1',
    at: NOON + 60_000,
    now: NOON + 60_000,
    key: { position: HERE, eventId: 'e1' },
    repeatedAt: null,
    issue,
    newest: { position: HERE, status: issue?.status ?? 'firing' },
    entries: [seen(), matched()],
    runs: [],
    routesThen: [routeVersion()],
    routesNow: [routeVersion()],
    intents: [],
    streams: [],
    backlog: [],
    apps: [app()],
    ...parts,
  };
}

/** That a scan saw the issue, a second after it was stored. */
export function seen(parts: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    id: 'seen',
    at: NOON + 1000,
    stage: 'seen',
    fingerprint: 'f1',
    eventId: 'e1',
    position: HERE,
    configVersion: 1,
    ...parts,
  };
}

/** That route `r1` matched and app `a` was signalled. */
export function matched(parts: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    ...seen(),
    id: 'matched',
    stage: 'matched',
    routeId: 'r1',
    clause: 'namespace:"payments"',
    apps: ['a'],
    ...parts,
  };
}

/** An entry of stream `r1` × `a`, two seconds after the issue was stored. */
export function entry(stage: LedgerEntry['stage'], parts: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    ...seen(),
    id: `${stage}:${parts.attempt ?? 0}:${parts.at ?? 0}:${parts.reason ?? 'new'}`,
    at: NOON + 2000,
    stage,
    routeId: 'r1',
    connectedAppId: 'a',
    notificationId: notificationIdOf(STREAM, HERE),
    kind: 'trigger',
    reason: 'new',
    provider: stage === 'attempted' ? 'webhook' : undefined,
    ...parts,
  };
}

/** A run of silent decisions of stream `r1` × `a` that consists of the issue. */
export function run(reason: StoredRun['reason'], parts: Partial<StoredRun> = {}): StoredRun {
  return {
    routeId: 'r1',
    connectedAppId: 'a',
    reason,
    version: 1,
    since: HERE,
    firstPosition: HERE,
    lastPosition: HERE,
    firstAt: NOON + 2000,
    lastAt: NOON + 2000,
    count: 1,
    ...parts,
  };
}

/** The intent of the issue's notification. */
export function intent(parts: Partial<Intent> = {}): Intent {
  return {
    notificationId: notificationIdOf(STREAM, HERE),
    stream: STREAM,
    position: HERE,
    eventId: 'e1',
    kind: 'trigger',
    reason: 'new',
    status: 'intended',
    claims: 1,
    attemptToken: null,
    wasUncertain: false,
    provider: 'webhook',
    externalId: null,
    code: null,
    decidedAt: NOON + 2000,
    updatedAt: NOON + 2500,
    ...parts,
  };
}

/** Route `r1`, which takes everything of `payments` to app `a` and renotifies every 15 minutes. */
export function routeVersion(parts: Partial<RouteVersion> = {}): RouteVersion {
  return {
    routeId: 'r1',
    name: 'payments',
    query: 'namespace:payments',
    enabled: true,
    connectedAppIds: ['a'],
    renotifyIntervalMs: 900_000,
    maxSignalAgeMs: 3_600_000,
    version: 1,
    removed: false,
    revision: 1,
    ...parts,
  };
}

/** App `a`. */
export function app(parts: Partial<AppPicture> = {}): AppPicture {
  return {
    id: 'a',
    name: 'on-call',
    provider: 'webhook',
    enabled: true,
    health: { throttledForMs: 0 },
    ...parts,
  };
}

/** That stream `r1` × `a` waits in the backlog for its share, since a second after the issue was stored. */
export function backlogEntry(parts: Partial<BacklogEntry> = {}): BacklogEntry {
  return {
    stream: STREAM,
    signal: { eventId: 'e1', position: HERE, status: 'firing', storedAt: NOON },
    firstPosition: HERE,
    signals: 1,
    reason: 'over_share',
    attempts: 0,
    parkedAt: NOON + 1000,
    nextAttemptAt: NOON + 1000,
    ...parts,
  };
}

/** Stream `r1` × `a`, open since five minutes before the issue. */
export function openStream(parts: Partial<StreamPicture> = {}): StreamPicture {
  return {
    stream: STREAM,
    status: 'firing',
    mayBeOpen: false,
    lastNotifiedAt: NOON - 300_000,
    lastPosition: HERE,
    lastSeen: 'firing',
    silence: null,
    updatedAt: NOON + 2000,
    ...parts,
  };
}
