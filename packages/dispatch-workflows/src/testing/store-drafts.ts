import { randomUUID } from 'node:crypto';
import type { ConnectedAppDraft } from '../apps/connected-app-store.ts';
import type { NewIssue } from '../issues/issue.ts';
import type { RouteDraft } from '../routing/route-store.ts';

/** The secret of every webhook in these tests. */
export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

let last = 0;

/** An id that no other test of this suite has. */
export function nextId(prefix: string): string {
  return `${prefix}${++last}`;
}

/** A webhook with a name of its own; give what matters. */
export function appDraft(
  parts: Partial<ConnectedAppDraft> = {},
): ConnectedAppDraft & { readonly secret: string } {
  return {
    name: nextId('app-name-'),
    provider: 'webhook',
    settings: { url: 'https://example.com/hook' },
    enabled: true,
    secret: WEBHOOK_SECRET,
    ...parts,
  };
}

/** A route with a name of its own and no connected app; give what matters. */
export function routeDraft(parts: Partial<RouteDraft> = {}): RouteDraft {
  return {
    name: nextId('route-name-'),
    query: 'severity:critical',
    enabled: true,
    connectedAppIds: [],
    ...parts,
  };
}

/** A firing issue; give what matters. */
export function newIssue(parts: Partial<NewIssue> = {}): NewIssue {
  return {
    eventId: randomUUID(),
    monitor: 'pod-restarts',
    fingerprint: 'f1',
    status: 'firing',
    severity: 'critical',
    labels: { namespace: 'payments' },
    annotations: { summary: 'a pod restarts' },
    startsAt: Date.now(),
    endsAt: null,
    ...parts,
  };
}
