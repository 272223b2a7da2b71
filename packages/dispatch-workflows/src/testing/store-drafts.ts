import type { ConnectedAppDraft } from '../apps/connected-app-store.ts';
import type { RouteDraft } from '../routing/route-store.ts';
import { WEBHOOK_SECRET } from './dispatch-ground.ts';

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
