import type { Notification, NotifiedIssue } from '../contract.ts';
import { endOf, identifyingLabels, labelsOf } from './issue-meaning.ts';

/** The body formats of the generic webhook. */
export type WebhookFormat = 'heliograph/v1' | 'alertmanager/v4';

const TYPES = { trigger: 'alert.triggered', update: 'alert.updated', resolve: 'alert.resolved' } as const;

/** What Alertmanager sends for an alert that has not ended. */
const NO_END = '0001-01-01T00:00:00Z';

/** Renders the body of a notification. Every attempt of the same notification renders the same bytes. */
export function renderWebhookBody(notification: Notification, format: WebhookFormat): string {
  return JSON.stringify(
    format === 'heliograph/v1' ? buildHeliographBody(notification) : buildAlertmanagerBody(notification),
  );
}

function buildHeliographBody({
  id,
  kind,
  reason,
  streamId,
  episodeId,
  route,
  connectedApp,
  sequence,
  issue,
  externalId,
}: Notification): object {
  return {
    version: '1',
    type: TYPES[kind],
    notificationId: id,
    reason,
    streamId,
    episodeId,
    sequence,
    route,
    connectedApp,
    externalId,
    issue: {
      ...issue,
      startsAt: formatInstant(issue.startsAt),
      endsAt: formatEnd(issue),
    },
  };
}

/** The payload of Alertmanager's webhook, so that its receivers work unchanged. Always contains one alert. */
function buildAlertmanagerBody({ streamId, route, connectedApp, issue }: Notification): object {
  const status = issue.status === 'resolved' ? 'resolved' : 'firing';
  const labels = labelsOf(issue);
  const { alertname } = identifyingLabels(issue);
  return {
    version: '4',
    groupKey: streamId,
    truncatedAlerts: 0,
    status,
    receiver: connectedApp.name,
    groupLabels: { alertname },
    commonLabels: labels,
    commonAnnotations: issue.annotations,
    routeLabels: { route: route.name },
    externalURL: '',
    alerts: [
      {
        status,
        labels,
        annotations: issue.annotations,
        startsAt: formatInstant(issue.startsAt),
        endsAt: formatEnd(issue) ?? NO_END,
        generatorURL: '',
        fingerprint: issue.fingerprint,
      },
    ],
  };
}

function formatEnd(issue: NotifiedIssue): string | null {
  const end = endOf(issue);
  return end === null ? null : formatInstant(end);
}

function formatInstant(at: number): string {
  return new Date(at).toISOString();
}
