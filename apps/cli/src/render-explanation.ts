import type { AnswerTo } from '@heliograph/dispatch-api';
import { Page, type Style } from './layout.ts';
import type { Terminal } from './terminal.ts';

type Explanation = AnswerTo<'explainAlert'>['body'];
type Route = Explanation['routes'][number];
type Stream = Route['streams'][number];

/** Lays an explanation out for people: the answer first, then the issue, then each route with its apps. */
export function renderExplanation(
  explanation: Explanation,
  terminal: Pick<Terminal, 'env' | 'isTty' | 'columns'>,
): string {
  const page = new Page(terminal);
  page.add(explanation.summary, { style: 'strong' }).gap();
  page.table(issueRows(explanation), 0);
  for (const route of explanation.routes) addRoute(page.gap(), route);
  return page.toString();
}

function issueRows({ fingerprint, eventId, issue, seenAt }: Explanation): readonly (readonly string[])[] {
  const rows = [
    ['alert', fingerprint],
    ['event', eventId],
  ];
  if (issue === null) return [...rows, ['issue', 'no longer stored'], ['scanned', seenAt ?? 'not yet']];
  const { monitor, status, severity, labels } = issue;
  const texts = Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  return [
    ...rows,
    ['issue', `${status}, severity ${severity}, by ${monitor}`],
    ...(texts.length === 0 ? [] : [['labels', texts.join(' ')]]),
    ['since', issue.endsAt === null ? issue.startsAt : `${issue.startsAt} until ${issue.endsAt}`],
    ['stored', issue.storedAt],
    ['scanned', seenAt ?? 'not yet'],
  ];
}

function addRoute(page: Page, route: Route): void {
  const style: Style = route.matched ? 'good' : 'faint';
  page.add(`${route.matched ? '+' : '-'} route ${route.name} (version ${route.version})`, {
    hanging: 2,
    style,
  });
  page.add(route.summary, { indent: 4 });
  for (const stream of route.streams) addStream(page, stream);
}

function addStream(page: Page, stream: Stream): void {
  const { connectedAppName, connectedAppId, provider, reason } = stream;
  const app = `${connectedAppName ?? connectedAppId}${provider === null ? '' : ` (${provider})`}`;
  page.add(`> ${app}: ${reason.replaceAll('_', ' ')}`, { indent: 4, hanging: 2, style: styleOf(stream) });
  page.add(stream.summary, { indent: 6 });
  if (stream.attempts.length > 0) page.add('Delivery attempts', { indent: 6 });
  page.table(
    stream.attempts.map(({ at, attempt, outcome, code, status, durationMs }) => [
      at,
      `#${attempt}`,
      outcome.replaceAll('_', ' '),
      status === null ? '' : `HTTP ${status}`,
      code ?? '',
      `${Math.round(durationMs)} ms`,
    ]),
    8,
    'faint',
  );
  for (const note of notesOf(stream)) page.add(note, { indent: 6, style: stream.owed ? 'bad' : 'faint' });
}

function notesOf({
  openNow,
  owed,
  nextRenotificationNotBefore,
  throttledUntil = null,
  outcome,
}: Stream): readonly string[] {
  return [
    ...(throttledUntil === null ? [] : [`Waiting: the connected app is throttled until ${throttledUntil}.`]),
    ...describeOpenness(openNow, owed),
    ...(nextRenotificationNotBefore === null
      ? []
      : [`Next renotification not before ${nextRenotificationNotBefore}.`]),
    ...(outcome.externalId === null ? [] : [`Id at the provider: ${outcome.externalId}.`]),
  ];
}

/** A trigger whose delivery was in doubt when it was dropped may have opened an incident. */
function describeOpenness(isOpen: boolean, isOwed: boolean): readonly string[] {
  if (isOwed)
    return [`${isOpen ? 'Still' : 'May still be'} open at the provider although the alert has resolved.`];
  return isOpen ? ['Open at the provider.'] : [];
}

function styleOf({ outcome, owed }: Stream): Style {
  if (owed || outcome.kind === 'dropped') return 'bad';
  if (outcome.kind === 'pending') return 'waiting';
  return outcome.kind === 'none' ? 'faint' : 'good';
}
