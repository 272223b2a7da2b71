import * as v from 'valibot';
import type { NotifiedIssue, Notification } from '../contract.ts';
import { slackLine, slackLines, slackLink, slackTime } from './slack-text.ts';

/** What a link may take from the notification, each percent-encoded. */
const PLACEHOLDER = /\{(fingerprint|streamId|eventId|monitor)\}/g;

/** Settings of a Slack incoming webhook; where it posts is in its secret. */
export const slackWebhookSettings = v.strictObject({
  /** The labels to show, most important first; default all, well-known ones first. */
  labels: v.optional(v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(256))), v.maxLength(20))),
  /** Where people read more: http or https, with `{fingerprint}`, `{streamId}`, `{eventId}`, `{monitor}` filled in. */
  linkUrl: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(400),
      v.check(isLinkTemplate, 'an http or https address with placeholders behind its host only'),
    ),
  ),
});

/** Settings of a Slack incoming webhook, checked. */
export type SlackWebhookSettings = v.InferOutput<typeof slackWebhookSettings>;

/** Text of a block. */
export interface SlackText {
  readonly type: 'mrkdwn';
  readonly text: string;
  readonly verbatim: true;
}

/** The blocks that a message is made of. */
export type SlackBlock =
  | { readonly type: 'section'; readonly text: SlackText }
  | { readonly type: 'section'; readonly fields: readonly SlackText[] }
  | { readonly type: 'context'; readonly elements: readonly SlackText[] };

/** The body that an incoming webhook takes. */
export interface SlackMessage {
  /** What shows in a push notification and where blocks cannot. */
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
  readonly attachments: readonly { readonly color: string; readonly blocks: readonly SlackBlock[] }[];
  /** Slack is not to fetch what links lead to. */
  readonly unfurl_links: false;
  readonly unfurl_media: false;
}

// Slack refuses a message whose blocks have too much text as a whole: 12,000 characters are said to be too many, and
// 11,400 were seen refused. These add up to less than 8,000, markup included.
const MAX_MONITOR = 300;
const MAX_SEVERITY = 60;
const MAX_SUMMARY = 600;
const MAX_DESCRIPTION = 1200;
const MAX_LABEL_NAME = 80;
const MAX_LABEL_VALUE = 300;
const MAX_ALL_LABELS = 3000;
const MAX_LINK = 600;
const MAX_NAME = 150;
/** Slack's limit for one section. */
const FIELDS_PER_SECTION = 10;
const MAX_LABELS = 2 * FIELDS_PER_SECTION;

/** Labels that say where to look, most important first; the others follow by name. */
const WELL_KNOWN_LABELS = [
  'cluster',
  'environment',
  'region',
  'namespace',
  'service',
  'team',
  'workload',
  'deployment',
  'job',
  'instance',
  'node',
  'pod',
  'container',
];

/**
 * Renders one notification for Slack, the same on every attempt. Whatever is in the notification, the message stays
 * within Slack's limits and says monitor, severity and status: values are cut before they become markup, and of too
 * many labels the least important ones are counted instead of shown.
 */
export function renderSlackMessage(
  notification: Notification,
  settings: SlackWebhookSettings = {},
): SlackMessage {
  const { issue } = notification;
  const status = statusOf(notification);
  const monitor = slackLine(issue.monitor, MAX_MONITOR);
  const severity = slackLine(issue.severity, MAX_SEVERITY);
  const summary = issue.annotations['summary'] ?? issue.annotations['message'];
  const shownSummary = summary === undefined ? null : slackLine(summary, MAX_SUMMARY);
  const headline = `${status.emoji} *${status.word}: ${monitor}* (${severity})`;
  const blocks = [section(shownSummary === null ? headline : `${headline}\n${shownSummary}`)];
  return {
    text: `${status.word}: ${monitor} (${severity})${shownSummary === null ? '' : `: ${shownSummary}`}`,
    blocks,
    attachments: [{ color: status.color, blocks: detailsOf(notification, settings) }],
    unfurl_links: false,
    unfurl_media: false,
  };
}

function detailsOf(notification: Notification, settings: SlackWebhookSettings): readonly SlackBlock[] {
  const { issue, route, id } = notification;
  const description = issue.annotations['description'];
  const { fields, more } = labelFields(issue, settings.labels);
  const links = linksOf(notification, settings.linkUrl);
  const context = [
    `Started ${slackTime(issue.startsAt)}`,
    ...(issue.endsAt === null ? [] : [`Ended ${slackTime(issue.endsAt)}`]),
    `Route ${slackLine(route.name, MAX_NAME)}`,
    ...(more === 0 ? [] : [`and ${more} more ${more === 1 ? 'label' : 'labels'}`]),
    `Notification ${slackLine(id, MAX_NAME)}`,
  ];
  return [
    ...(description === undefined ? [] : [section(slackLines(description, MAX_DESCRIPTION))]),
    ...chunksOf(fields, FIELDS_PER_SECTION).map((chunk) => ({ type: 'section', fields: chunk }) as const),
    ...(links.length === 0 ? [] : [section(links.join(' · '))]),
    { type: 'context', elements: context.map(mrkdwn) },
  ];
}

interface Status {
  readonly word: string;
  readonly emoji: string;
  readonly color: string;
}

function statusOf({ kind, issue: { status, severity } }: Notification): Status {
  if (status === 'resolved') return { word: 'Resolved', emoji: '🟢', color: '#12b76a' };
  const quiet = { emoji: '⚪', color: '#667085' };
  if (kind === 'resolve') return { word: `Closed while ${status}`, ...quiet };
  if (status === 'suppressed') return { word: 'Suppressed', ...quiet };
  return { word: kind === 'update' ? 'Still firing' : 'Firing', ...lookOf(severity) };
}

function lookOf(severity: string): Omit<Status, 'word'> {
  switch (severity.toLowerCase()) {
    case 'critical':
    case 'error':
    case 'high':
    case 'page':
      return { emoji: '🔴', color: '#d92d20' };
    case 'warning':
    case 'medium':
      return { emoji: '🟠', color: '#f79009' };
    default:
      return { emoji: '🔵', color: '#1570ef' };
  }
}

function labelFields(
  { labels, monitor, severity }: NotifiedIssue,
  chosen: readonly string[] | undefined,
): { readonly fields: readonly SlackText[]; readonly more: number } {
  const shown =
    chosen === undefined
      ? Object.keys(labels)
          // The headline says these two.
          .filter((name) => !(name === 'alertname' && labels[name] === monitor))
          .filter((name) => !(name === 'severity' && labels[name] === severity))
          .toSorted(byImportance)
      : [...new Set(chosen)].filter((name) => Object.hasOwn(labels, name));
  const fields: SlackText[] = [];
  let size = 0;
  for (const name of shown.slice(0, MAX_LABELS)) {
    const field = `*${slackLine(name, MAX_LABEL_NAME)}*\n${slackLine(labels[name] ?? '', MAX_LABEL_VALUE)}`;
    size += field.length;
    if (size > MAX_ALL_LABELS) break;
    fields.push(mrkdwn(field));
  }
  return { fields, more: shown.length - fields.length };
}

function byImportance(one: string, other: string): number {
  const rank = (name: string): number => {
    const at = WELL_KNOWN_LABELS.indexOf(name);
    return at === -1 ? WELL_KNOWN_LABELS.length : at;
  };
  return rank(one) - rank(other) || (one < other ? -1 : 1);
}

function linksOf(notification: Notification, linkUrl: string | undefined): readonly string[] {
  const { annotations } = notification.issue;
  const candidates: readonly (readonly [string, string | undefined])[] = [
    ['Open', linkUrl === undefined ? undefined : filled(linkUrl, notification)],
    ['Runbook', annotations['runbook_url']],
    ['Dashboard', annotations['dashboard_url']],
  ];
  return candidates.flatMap(
    ([label, address]) => (address === undefined ? null : slackLink(address, label, MAX_LINK)) ?? [],
  );
}

function filled(linkUrl: string, { streamId, issue }: Notification): string {
  const values: Readonly<Record<string, string>> = {
    streamId,
    fingerprint: issue.fingerprint,
    eventId: issue.eventId,
    monitor: issue.monitor,
  };
  // A lone surrogate cannot be encoded.
  return linkUrl.replaceAll(PLACEHOLDER, (_, name: string) =>
    encodeURIComponent((values[name] ?? '').replaceAll(/\p{Surrogate}/gu, '\uFFFD')),
  );
}

function isLinkTemplate(template: string): boolean {
  const [one, other] = ['1', '2'].map((value) => template.replaceAll(PLACEHOLDER, value));
  if (one === undefined || other === undefined || /[{}]/.test(one)) return false;
  if (slackLink(one, '', MAX_LINK) === null || slackLink(other, '', MAX_LINK) === null) return false;
  return new URL(one).origin === new URL(other).origin;
}

function section(text: string): SlackBlock {
  return { type: 'section', text: mrkdwn(text) };
}

/** Verbatim, so that Slack makes no links and mentions out of words that look like some. */
function mrkdwn(text: string): SlackText {
  return { type: 'mrkdwn', text, verbatim: true };
}

function chunksOf<T>(values: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
