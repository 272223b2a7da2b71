import { positionAt } from '../contract/position.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { Route } from '../routing/route-store.ts';

/** A stored firing issue at second `at`; give what matters. */
export function storedIssue(at: number, parts: Partial<StoredIssue> = {}): StoredIssue {
  return {
    position: positionAt(at * 1000),
    eventId: `e${at}`,
    monitor: 'pod-restarts',
    fingerprint: 'f1',
    status: 'firing',
    severity: 'critical',
    labels: { namespace: 'payments' },
    annotations: { summary: 'a pod restarts' },
    startsAt: at * 1000,
    endsAt: null,
    storedAt: at * 1000,
    ...parts,
  };
}

/** A route that takes everything to app `a`; give what matters. */
export function storedRoute(id: string, parts: Partial<Route> = {}): Route {
  return {
    id,
    name: id,
    query: '*',
    enabled: true,
    connectedAppIds: ['a'],
    renotifyIntervalMs: null,
    maxSignalAgeMs: 3_600_000,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
    ...parts,
  };
}
