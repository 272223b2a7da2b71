import { describe, expect, test } from '@jest/globals';
import { notification } from '../testing/notification.ts';
import { renderWebhookBody, type WebhookFormat } from './webhook-body.ts';

const parsed = (given: ReturnType<typeof notification>, format: WebhookFormat): unknown =>
  JSON.parse(renderWebhookBody(given, format));
const resolvedIssue = {
  ...notification().issue,
  status: 'resolved' as const,
  endsAt: Date.UTC(2026, 0, 2, 4),
};

describe('the body of our own', () => {
  test('says what happened to which stream, with instants as text', () => {
    expect(parsed(notification({ sequence: 2, externalId: 'x' }), 'heliograph/v1')).toEqual({
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
      issue: { ...notification().issue, startsAt: '2026-01-02T03:04:05.006Z', endsAt: null },
    });
  });

  test.each([
    ['trigger', 'alert.triggered'],
    ['update', 'alert.updated'],
    ['resolve', 'alert.resolved'],
  ] as const)('calls %s %s', (kind, type) => {
    expect(parsed(notification({ kind }), 'heliograph/v1')).toMatchObject({ type });
  });
});

describe("the body of Alertmanager's webhook, version 4", () => {
  test('has every field that its receivers know', () => {
    const labels = {
      alertname: 'pod-restarts',
      severity: 'critical',
      namespace: 'payments',
      pod: 'web-1',
    };
    expect(parsed(notification(), 'alertmanager/v4')).toEqual({
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

  test('is resolved with its end, and firing for what Alertmanager does not know', () => {
    expect(parsed(notification({ kind: 'resolve', issue: resolvedIssue }), 'alertmanager/v4')).toMatchObject({
      status: 'resolved',
      alerts: [{ status: 'resolved', endsAt: '2026-01-02T04:00:00.000Z' }],
    });
    expect(
      parsed(notification({ issue: { ...notification().issue, status: 'suppressed' } }), 'alertmanager/v4'),
    ).toMatchObject({ status: 'firing' });
  });

  test('keeps a label of the issue that is named like one of ours', () => {
    const labels = { alertname: 'own', severity: 'own' };
    expect(
      parsed(notification({ issue: { ...notification().issue, labels } }), 'alertmanager/v4'),
    ).toMatchObject({ commonLabels: labels });
  });
});

test.each(['heliograph/v1', 'alertmanager/v4'] as const)('%s is the same bytes every time', (format) => {
  expect(renderWebhookBody(notification(), format)).toBe(renderWebhookBody(notification(), format));
});
