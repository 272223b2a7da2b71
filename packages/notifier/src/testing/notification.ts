import type { Notification } from '../contract.ts';

/** Creates a notification about a firing issue; override what a test depends on. */
export function createNotification(parts: Partial<Notification> = {}): Notification {
  return {
    id: 'alert-f1-r1-app1-7',
    kind: 'trigger',
    reason: 'new',
    streamId: 'alert-f1-r1-app1',
    episodeId: 'alert-f1-r1-app1-7',
    route: { id: 'r1', name: 'critical' },
    connectedApp: { id: 'app1', name: 'on-call' },
    sequence: 0,
    externalId: null,
    issue: {
      eventId: 'e7',
      monitor: 'pod-restarts',
      fingerprint: 'f1',
      status: 'firing',
      severity: 'critical',
      labels: { namespace: 'payments', pod: 'web-1' },
      annotations: { summary: 'a pod restarts' },
      startsAt: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
      endsAt: null,
    },
    ...parts,
  };
}
