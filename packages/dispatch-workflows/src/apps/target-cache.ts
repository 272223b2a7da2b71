import type { StreamKey } from '../contract/stream-state.ts';
import type { ConnectedAppStore, DeliveryTarget } from './connected-app-store.ts';

/** How long a target is used without reading it again, in milliseconds. */
const TARGET_TTL_MS = 1000;

/**
 * Remembers where to deliver for a second, so that a storm of one app does not read the app for each notification.
 * A change of an app or a route thus takes effect a second later at most. Failures are not remembered. How long an app
 * is throttled gets less with the time that the target is remembered.
 */
export function createTargetCache(
  connectedApps: Pick<ConnectedAppStore, 'deliveryTarget'>,
  options: { readonly now?: () => number; readonly ttlMs?: number } = {},
): (stream: StreamKey) => Promise<DeliveryTarget | null> {
  const { now = () => performance.now(), ttlMs = TARGET_TTL_MS } = options;
  const known = new Map<string, { readonly at: number; readonly target: Promise<DeliveryTarget | null> }>();
  return (stream) => {
    const key = `${stream.routeId}-${stream.connectedAppId}`;
    const entry = known.get(key);
    if (entry !== undefined && now() - entry.at < ttlMs) return applyAge(entry, now() - entry.at);
    for (const [old, { at }] of known) if (now() - at >= ttlMs) known.delete(old);
    const target = connectedApps.deliveryTarget(stream);
    known.set(key, { at: now(), target });
    target.catch(() => known.delete(key));
    return target;
  };
}

async function applyAge(
  { target }: { readonly target: Promise<DeliveryTarget | null> },
  ageMs: number,
): Promise<DeliveryTarget | null> {
  const known = await target;
  if (known === null || known.app.health.throttledForMs === 0) return known;
  const { app } = known;
  const throttledForMs = Math.max(0, app.health.throttledForMs - ageMs);
  return { ...known, app: { ...app, health: { ...app.health, throttledForMs } } };
}
