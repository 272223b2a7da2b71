import * as v from 'valibot';
import type { NotifiedIssue, Notification } from '../contract.ts';
import { endOf, repeatsIdentity } from './issue-meaning.ts';
import { formatSlackLine, formatSlackLines, formatSlackLink, formatSlackTime } from './slack-text.ts';

/** The placeholders of a link template. Values are percent-encoded. */
const PLACEHOLDER = /\{(fingerprint|streamId|eventId|monitor)\}/g;

/** Settings of a Slack incoming webhook. Its URL is the secret. */
export const slackWebhookSettings = v.strictObject({
  /** The labels to show, most important first. Default: all labels, well-known ones first. */
  labels: v.optional(v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(256))), v.maxLength(20))),
  /** A link for details: an http or https URL with placeholders `{fingerprint}`, `{streamId}`, `{eventId}`, `{monitor}`. */
  linkUrl: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(400),
      v.check(isLinkTemplate, 'an http or https URL with placeholders only after the host'),
    ),
  ),
});

/** Validated settings of a Slack incoming webhook. */
export type SlackWebhookSettings = v.InferOutput<typeof slackWebhookSettings>;

/**
 * A text object in a block. Values are `plain_text`, where `*`, `_`, `~`, backticks and `:wave:` mean nothing, because
 * Slack's markup has no escapes for them. Markup contains only links, timestamps and our own words.
 */
export type SlackText =
  | { readonly type: 'plain_text'; readonly text: string; readonly emoji: false }
  | { readonly type: 'mrkdwn'; readonly text: string; readonly verbatim: true };

/** The block types that a message uses. */
export type SlackBlock =
  | { readonly type: 'section'; readonly text: SlackText }
  | { readonly type: 'section'; readonly fields: readonly SlackText[] }
  | { readonly type: 'context'; readonly elements: readonly SlackText[] };

/** The request body of an incoming webhook. */
export interface SlackMessage {
  /** Shown in push notifications and by clients that cannot display blocks. */
  readonly text: string;
  /** `text` is no markup. */
  readonly mrkdwn: false;
  readonly blocks: readonly SlackBlock[];
  readonly attachments: readonly { readonly color: string; readonly blocks: readonly SlackBlock[] }[];
  /** Slack must not fetch the linked pages for a preview. */
  readonly unfurl_links: false;
  readonly unfurl_media: false;
}

// Slack limits the total text of all blocks. The reported limit is 12,000 characters, but messages with 11,400 have been
// rejected. The limits below add up to less than 8,000 characters, including markup.
const MAX_MONITOR = 300;
const MAX_SEVERITY = 60;
const MAX_SUMMARY = 600;
const MAX_DESCRIPTION = 1200;
const MAX_LABEL_NAME = 80;
const MAX_LABEL_VALUE = 300;
const MAX_ALL_LABELS = 3000;
const MAX_LINK = 600;
const MAX_NAME = 150;
/** Slack's limit of fields in one section. */
const FIELDS_PER_SECTION = 10;
const MAX_LABELS = 2 * FIELDS_PER_SECTION;

/** The labels that locate a problem, most important first. All other labels follow in order of name. */
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
 * Renders a notification as a Slack message. The result is the same for every attempt. Whatever the notification
 * contains, the message stays within Slack's limits and shows monitor, severity and status: values are truncated before
 * they are escaped, and if there are too many labels, the least important ones are only counted.
 */
export function renderSlackMessage(
  notification: Notification,
  settings: SlackWebhookSettings = {},
): SlackMessage {
  const { issue } = notification;
  const status = describeStatus(notification);
  const monitor = formatSlackLine(issue.monitor, MAX_MONITOR);
  const severity = formatSlackLine(issue.severity, MAX_SEVERITY);
  const summary = issue.annotations['summary'] ?? issue.annotations['message'];
  const shownSummary = summary === undefined ? null : formatSlackLine(summary, MAX_SUMMARY);
  const headline = `${status.emoji} ${status.word}: ${monitor} (${severity})`;
  const shown = shownSummary === null ? headline : `${headline}\n${shownSummary}`;
  const blocks = [createSection(createPlainText(shown))];
  return {
    text: `${status.word}: ${monitor} (${severity})${shownSummary === null ? '' : `: ${shownSummary}`}`,
    mrkdwn: false,
    blocks,
    attachments: [{ color: status.color, blocks: renderDetails(notification, settings) }],
    unfurl_links: false,
    unfurl_media: false,
  };
}

function renderDetails(notification: Notification, settings: SlackWebhookSettings): readonly SlackBlock[] {
  const { issue, route, id } = notification;
  const description = issue.annotations['description'];
  const end = endOf(issue);
  const { fields, omittedCount } = renderLabelFields(issue, settings.labels);
  const links = renderLinks(notification, settings.linkUrl);
  const context = [
    createMarkup(`Started ${formatSlackTime(issue.startsAt)}`),
    ...(end === null ? [] : [createMarkup(`Ended ${formatSlackTime(end)}`)]),
    createPlainText(`Route ${formatSlackLine(route.name, MAX_NAME)}`),
    ...(omittedCount === 0
      ? []
      : [createPlainText(`and ${omittedCount} more ${omittedCount === 1 ? 'label' : 'labels'}`)]),
    createPlainText(`Notification ${formatSlackLine(id, MAX_NAME)}`),
  ];
  return [
    ...(description === undefined
      ? []
      : [createSection(createPlainText(formatSlackLines(description, MAX_DESCRIPTION)))]),
    ...splitIntoChunks(fields, FIELDS_PER_SECTION).map(
      (chunk) => ({ type: 'section', fields: chunk }) as const,
    ),
    ...(links.length === 0 ? [] : [createSection(createMarkup(links.join(' · ')))]),
    { type: 'context', elements: context },
  ];
}

interface Status {
  readonly word: string;
  readonly emoji: string;
  readonly color: string;
}

function describeStatus({ kind, issue: { status, severity } }: Notification): Status {
  if (status === 'resolved') return { word: 'Resolved', emoji: '🟢', color: '#12b76a' };
  const quiet = { emoji: '⚪', color: '#667085' };
  if (kind === 'resolve') return { word: `Closed while ${status}`, ...quiet };
  if (status === 'suppressed') return { word: 'Suppressed', ...quiet };
  return { word: kind === 'update' ? 'Still firing' : 'Firing', ...chooseAppearance(severity) };
}

function chooseAppearance(severity: string): Omit<Status, 'word'> {
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

function renderLabelFields(
  issue: NotifiedIssue,
  chosen: readonly string[] | undefined,
): { readonly fields: readonly SlackText[]; readonly omittedCount: number } {
  const { labels } = issue;
  const shown =
    chosen === undefined
      ? Object.keys(labels)
          // The headline already shows these.
          .filter((name) => !repeatsIdentity(name, issue))
          .toSorted(compareImportance)
      : [...new Set(chosen)].filter((name) => Object.hasOwn(labels, name));
  const fields: SlackText[] = [];
  let size = 0;
  for (const name of shown.slice(0, MAX_LABELS)) {
    const field = `${formatSlackLine(name, MAX_LABEL_NAME)}: ${formatSlackLine(labels[name] ?? '', MAX_LABEL_VALUE)}`;
    size += field.length;
    if (size > MAX_ALL_LABELS) break;
    fields.push(createPlainText(field));
  }
  return { fields, omittedCount: shown.length - fields.length };
}

function compareImportance(one: string, other: string): number {
  const rank = (name: string): number => {
    const at = WELL_KNOWN_LABELS.indexOf(name);
    return at === -1 ? WELL_KNOWN_LABELS.length : at;
  };
  return rank(one) - rank(other) || (one < other ? -1 : 1);
}

function renderLinks(notification: Notification, linkUrl: string | undefined): readonly string[] {
  const { annotations } = notification.issue;
  const candidates: readonly (readonly [string, string | undefined])[] = [
    ['Open', linkUrl === undefined ? undefined : fillLinkTemplate(linkUrl, notification)],
    ['Runbook', annotations['runbook_url']],
    ['Dashboard', annotations['dashboard_url']],
  ];
  return candidates.flatMap(
    ([label, address]) => (address === undefined ? null : formatSlackLink(address, label, MAX_LINK)) ?? [],
  );
}

function fillLinkTemplate(linkUrl: string, { streamId, issue }: Notification): string {
  const values: Readonly<Record<string, string>> = {
    streamId,
    fingerprint: issue.fingerprint,
    eventId: issue.eventId,
    monitor: issue.monitor,
  };
  // encodeURIComponent throws on a lone surrogate.
  return linkUrl.replaceAll(PLACEHOLDER, (_, name: string) =>
    encodeURIComponent((values[name] ?? '').replaceAll(/\p{Surrogate}/gu, '\uFFFD')),
  );
}

function isLinkTemplate(template: string): boolean {
  const [one, other] = ['1', '2'].map((value) => template.replaceAll(PLACEHOLDER, value));
  if (one === undefined || other === undefined || /[{}]/.test(one)) return false;
  if (formatSlackLink(one, '', MAX_LINK) === null || formatSlackLink(other, '', MAX_LINK) === null)
    return false;
  return new URL(one).origin === new URL(other).origin;
}

function createSection(text: SlackText): SlackBlock {
  return { type: 'section', text };
}

/** Without `emoji: false`, Slack replaces `:wave:` even in plain text. */
function createPlainText(text: string): SlackText {
  return { type: 'plain_text', text, emoji: false };
}

/** Verbatim, so that Slack does not turn URLs and names in the text into links and mentions. Must contain no value. */
function createMarkup(text: string): SlackText {
  return { type: 'mrkdwn', text, verbatim: true };
}

function splitIntoChunks<T>(values: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
