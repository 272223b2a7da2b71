import { describe, expect, test } from '@jest/globals';
import type { Notification } from '../contract.ts';
import { createNotification } from '../testing/notification.ts';
import { renderSlackMessage } from './slack-message.ts';
import { renderWebhookBody, type WebhookFormat } from './webhook-body.ts';

const renderAndParse = (notification: Notification, format: WebhookFormat): unknown =>
  JSON.parse(renderWebhookBody(notification, format));
const resolvedIssue = {
  ...createNotification().issue,
  status: 'resolved' as const,
  endsAt: Date.UTC(2026, 0, 2, 4),
};

describe('a heliograph/v1 body', () => {
  test('identifies stream, episode and issue, with timestamps in ISO 8601', () => {
    expect(renderAndParse(createNotification({ sequence: 2, externalId: 'x' }), 'heliograph/v1')).toEqual({
      version: '1',
      type: 'alert.triggered',
      notificationId: 'alert-f1-r1-app1-7',
      reason: 'new',
      streamId: 'alert-f1-r1-app1',
      episodeId: 'alert-f1-r1-app1-7',
      sequence: 2,
      route: { id: 'r1', name: 'critical' },
      connectedApp: { id: 'app1', name: 'on-call' },
      externalId: 'x',
      issue: { ...createNotification().issue, startsAt: '2026-01-02T03:04:05.006Z', endsAt: null },
    });
  });

  test.each([
    ['trigger', 'alert.triggered'],
    ['update', 'alert.updated'],
    ['resolve', 'alert.resolved'],
  ] as const)('calls %s %s', (kind, type) => {
    expect(renderAndParse(createNotification({ kind }), 'heliograph/v1')).toMatchObject({ type });
  });
});

describe('an alertmanager/v4 body', () => {
  test('has every field that Alertmanager sends', () => {
    const labels = {
      alertname: 'pod-restarts',
      severity: 'critical',
      namespace: 'payments',
      pod: 'web-1',
    };
    expect(renderAndParse(createNotification(), 'alertmanager/v4')).toEqual({
      version: '4',
      groupKey: 'alert-f1-r1-app1',
      truncatedAlerts: 0,
      status: 'firing',
      receiver: 'on-call',
      groupLabels: { alertname: 'pod-restarts' },
      commonLabels: labels,
      commonAnnotations: { summary: 'a pod restarts' },
      routeLabels: { route: 'critical' },
      externalURL: '',
      alerts: [
        {
          status: 'firing',
          labels,
          annotations: { summary: 'a pod restarts' },
          startsAt: '2026-01-02T03:04:05.006Z',
          endsAt: '0001-01-01T00:00:00Z',
          generatorURL: '',
          fingerprint: 'f1',
        },
      ],
    });
  });

  test('is resolved with its end, and firing for a status that Alertmanager does not have', () => {
    expect(
      renderAndParse(createNotification({ kind: 'resolve', issue: resolvedIssue }), 'alertmanager/v4'),
    ).toMatchObject({
      status: 'resolved',
      alerts: [{ status: 'resolved', endsAt: '2026-01-02T04:00:00.000Z' }],
    });
    expect(
      renderAndParse(
        createNotification({ issue: { ...createNotification().issue, status: 'suppressed' } }),
        'alertmanager/v4',
      ),
    ).toMatchObject({ status: 'firing' });
  });

  test('has no second label for one that says the same as the issue', () => {
    const labels = { alertname: 'pod-restarts', severity: 'critical', pod: 'web-1' };
    const issue = { ...createNotification().issue, labels };
    expect(renderAndParse(createNotification({ issue }), 'alertmanager/v4')).toEqual(
      expect.objectContaining({ commonLabels: labels }),
    );
  });

  test('names the issue by its monitor and its severity everywhere, and keeps labels that say otherwise', () => {
    const labels = {
      alertname: 'other',
      severity: 'page',
      exported_severity: 'x',
      namespace: 'payments',
      ['__proto__']: 'p',
    };
    const issue = { ...createNotification().issue, labels };
    const expected = {
      alertname: 'pod-restarts',
      severity: 'critical',
      exported_alertname: 'other',
      exported_exported_severity: 'page',
      exported_severity: 'x',
      namespace: 'payments',
      ['__proto__']: 'p',
    };
    expect(renderAndParse(createNotification({ issue }), 'alertmanager/v4')).toMatchObject({
      groupLabels: { alertname: 'pod-restarts' },
      commonLabels: expected,
      alerts: [{ labels: expected }],
    });
  });
});

test.each<[Notification['issue']['status'], number | null, boolean]>([
  ['firing', null, false],
  ['firing', 0, false],
  ['firing', Date.parse('0001-01-01T00:00:00Z'), false],
  ['firing', Date.UTC(2026, 0, 2, 4), false],
  ['firing', Date.UTC(2100, 0, 1), false],
  ['suppressed', Date.UTC(2100, 0, 1), false],
  ['resolved', Date.UTC(2026, 0, 2, 4), true],
  ['resolved', null, false],
  ['resolved', 0, false],
])('an issue that is %s, with the end %j, is shown as ended: %j', (status, endsAt, isEnded) => {
  const notification = createNotification({ issue: { ...createNotification().issue, status, endsAt } });
  const end = isEnded ? new Date(endsAt ?? Number.NaN).toISOString() : null;
  expect(renderAndParse(notification, 'heliograph/v1')).toMatchObject({ issue: { endsAt: end } });
  expect(renderAndParse(notification, 'alertmanager/v4')).toMatchObject({
    alerts: [{ endsAt: end ?? '0001-01-01T00:00:00Z' }],
  });
  expect(JSON.stringify(renderSlackMessage(notification)).includes('Ended')).toBe(isEnded);
});

test.each(['heliograph/v1', 'alertmanager/v4'] as const)('%s renders the same bytes every time', (format) => {
  expect(renderWebhookBody(createNotification(), format)).toBe(
    renderWebhookBody(createNotification(), format),
  );
});
