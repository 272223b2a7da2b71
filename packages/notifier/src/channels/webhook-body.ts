import type { Notification } from '../contract.ts';

/** The body formats of the generic webhook. */
export type WebhookFormat = 'heliograph/v1' | 'alertmanager/v4';

const TYPES = { trigger: 'alert.triggered', update: 'alert.updated', resolve: 'alert.resolved' } as const;

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
      endsAt: issue.endsAt === null ? null : formatInstant(issue.endsAt),
    },
  };
}

/** The payload of Alertmanager's webhook, so that its receivers work unchanged. Always contains one alert. */
function buildAlertmanagerBody({ streamId, route, connectedApp, issue }: Notification): object {
  const status = issue.status === 'resolved' ? 'resolved' : 'firing';
  const labels = { alertname: issue.monitor, severity: issue.severity, ...issue.labels };
  return {
    version: '4',
    groupKey: streamId,
    truncatedAlerts: 0,
    status,
    receiver: connectedApp.name,
    groupLabels: { alertname: issue.monitor },
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
        endsAt: issue.endsAt === null ? '0001-01-01T00:00:00Z' : formatInstant(issue.endsAt),
        generatorURL: '',
        fingerprint: issue.fingerprint,
      },
    ],
  };
}

function formatInstant(at: number): string {
  return new Date(at).toISOString();
}
