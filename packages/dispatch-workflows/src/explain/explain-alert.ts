import type { StoredIssue } from '../issues/issue.ts';
import { explainRoute, type RouteCase } from './explain-route.ts';
import type { ExplainedIssue, ExplainedRoute, ExplainedStream, Explanation } from './explanation.ts';
import type { ExplainFacts } from './facts.ts';
import { clockTime, duration } from './plain-words.ts';

/**
 * Explains an issue: what each route and each alert stream did about it, and why. What matched is taken from the
 * ledger; what did not is worked out with the routes as they were at the revision of the scan, or, where no scan saw
 * the issue, as they are now.
 */
export function explainAlert(facts: ExplainFacts): Explanation {
  const ids = new Set([
    ...(facts.routesThen ?? []).map(({ routeId }) => routeId),
    ...facts.routesNow.map(({ routeId }) => routeId),
    ...facts.entries.flatMap(({ routeId }) => (routeId === undefined ? [] : [routeId])),
    ...facts.intents.map(({ stream }) => stream.routeId),
    ...facts.streams.map(({ stream }) => stream.routeId),
  ]);
  const cases = [...ids]
    .flatMap((id) => explainRoute(facts, id) ?? [])
    .toSorted(
      (a, b) => Number(b.explained.matched) - Number(a.explained.matched) || byName(a.explained, b.explained),
    );
  const seenAt = firstSeen(facts);
  return {
    fingerprint: facts.fingerprint,
    at: new Date(facts.at).toISOString(),
    position: facts.key.position,
    eventId: facts.key.eventId,
    issue: facts.issue === null ? null : issueOf(facts.issue),
    seenAt: seenAt === null ? null : new Date(seenAt).toISOString(),
    summary: summaryOf(facts, cases) + describeRepeat(facts),
    routes: cases.map(({ explained }) => explained),
  };
}

function byName(a: ExplainedRoute, b: ExplainedRoute): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

/** When a scan saw the issue first; null if none did. */
function firstSeen({ entries }: Pick<ExplainFacts, 'entries'>): number | null {
  const seen = entries.filter(({ stage }) => stage === 'seen').map(({ at }) => at);
  return seen.length === 0 ? null : Math.min(...seen);
}

function issueOf(issue: StoredIssue): ExplainedIssue {
  const { eventId, monitor, status, severity, labels } = issue;
  return {
    eventId,
    monitor,
    status,
    severity,
    startsAt: new Date(issue.startsAt).toISOString(),
    endsAt: issue.endsAt === null ? null : new Date(issue.endsAt).toISOString(),
    storedAt: new Date(issue.storedAt).toISOString(),
    labels,
  };
}

/** The same event again is no news. */
function describeRepeat({ repeatedAt, now }: ExplainFacts): string {
  if (repeatedAt === null) return '';
  return ` The event was stored again at ${clockTime(repeatedAt, now)}, which changed nothing.`;
}

interface Named {
  readonly name: string;
  readonly stream: ExplainedStream;
}

function summaryOf(facts: ExplainFacts, cases: readonly RouteCase[]): string {
  const streams = cases.flatMap(({ explained: { name, streams: own } }) =>
    own.map((stream): Named => ({
      name: `${stream.connectedAppName ?? stream.connectedAppId} (${name})`,
      stream,
    })),
  );
  const matched = cases.filter(({ explained }) => explained.matched);
  const { issue, now } = facts;
  if (streams.some(({ stream }) => stream.decision !== null || stream.outcome.kind !== 'none')) {
    return summarizeDecisions(streams);
  }
  if (facts.routesThen === null && streams.every(({ stream }) => stream.reason !== 'decision_not_recorded')) {
    const stored =
      issue === null
        ? ''
        : ` since it was stored at ${clockTime(issue.storedAt, now)}, ${duration(now - issue.storedAt)} ago`;
    return `Nobody notified so far: no scan has read it${stored}; as the routes are now, ${countMatches(matched.length, cases.length)}.`;
  }
  if (streams.length > 0) return summarizeDecisions(streams);
  const [first] = matched;
  if (first !== undefined) {
    return `Nobody notified: the route "${first.explained.name}" matched and has no connected app.`;
  }
  return `Nobody notified: ${describeMiss(cases)}.`;
}

function countMatches(matched: number, all: number): string {
  if (all === 0) return 'there is none';
  return `${matched === 0 ? 'none' : matched} of ${all} would match`;
}

/** Why no route matched, and which one came closest. */
function describeMiss(cases: readonly RouteCase[]): string {
  if (cases.length === 0) return 'there was no route';
  const other = cases.find(({ explained, nearness }) => explained.reason !== 'not_matched' && nearness === 1);
  const missed = cases
    .filter(({ explained, nearness }) => explained.reason === 'not_matched' && nearness !== null)
    .toSorted((a, b) => (b.nearness ?? 0) - (a.nearness ?? 0));
  const [closest] = missed;
  const which =
    other === undefined
      ? closest === undefined
        ? ''
        : `; the closest, "${closest.explained.name}", requires ${closest.explained.clause ?? 'something else'}`
      : `; "${other.explained.name}" would have matched, but ${WHY_NOT[other.explained.reason] ?? 'did not apply'}`;
  return `${cases.length === 1 ? 'the only route did not match' : `none of ${cases.length} routes matched`}${which}`;
}

const WHY_NOT: Partial<Record<ExplainedRoute['reason'], string>> = {
  route_disabled: 'was disabled',
  route_removed: 'had been removed',
  route_is_newer: 'was created after the scan',
};

const OUTCOME_WORDS: readonly (readonly [string, (stream: ExplainedStream) => boolean])[] = [
  ['Delivered', ({ outcome }) => outcome.kind === 'delivered' || outcome.kind === 'assumed_delivered'],
  ['Under way', ({ outcome }) => outcome.kind === 'pending'],
];
const MAX_NAMES = 5;

/** One stream speaks for itself, several are listed. */
function summarizeDecisions(streams: readonly Named[]): string {
  const [only] = streams;
  if (streams.length === 1 && only !== undefined) return `${only.name}: ${only.stream.summary}`;
  const groups = OUTCOME_WORDS.map(([word, is]) => ({
    word,
    names: streams.filter(({ stream }) => is(stream)).map(({ name }) => name),
  }));
  const rest = streams.filter(({ stream }) => !OUTCOME_WORDS.some(([, is]) => is(stream)));
  const delivered = groups[0]?.names.length ?? 0;
  const parts = [
    ...groups,
    {
      word: delivered === 0 ? 'Nobody notified' : 'Not notified',
      names: rest.map(({ name, stream }) => `${name} ${stream.reason.replaceAll('_', ' ')}`),
    },
  ].filter(({ names }) => names.length > 0);
  return parts.map(({ word, names }) => `${word}: ${listNames(names)}.`).join(' ');
}

function listNames(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return `${names.slice(0, MAX_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
