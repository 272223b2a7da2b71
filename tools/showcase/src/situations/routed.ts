import type { RouteInput } from '@heliograph/dispatch-api';
import type { FaultScript } from '@heliograph/simulators';
import type { ShowcaseGround } from '../showcase-ground.ts';

/** A route with a connected app of its own. */
export interface Routed {
  readonly appId: string;
  readonly routeId: string;
}

/** Creates a route for one situation, to a connected app of its own. */
export async function createRouted(
  ground: ShowcaseGround,
  name: string,
  more: Partial<RouteInput> = {},
): Promise<Routed> {
  const appId = await ground.createApp(name);
  return { appId, routeId: await ground.createRoute(name, { connectedAppIds: [appId], ...more }) };
}

/** Fires, and waits until the trigger is delivered; resolves to the event id. */
export async function fire(ground: ShowcaseGround, name: string, routeId: string): Promise<string> {
  const eventId = await ground.report(name, 'firing');
  const question = { fingerprint: name, eventId, routeId };
  await ground.untilShown(question, { reason: 'new', outcome: 'delivered' });
  return eventId;
}

/**
 * Fires again once the renotification interval of an hour seems to have passed, and waits until that is decided; resolves
 * to the event id. A run of the stream that had not ended yet does not see the other time, so it is tried again.
 */
export async function fireWhenDue(ground: ShowcaseGround, name: string, routeId: string): Promise<string> {
  for (;;) {
    await ground.sql`
      update dispatch.stream_state set last_notified_at = last_notified_at - interval '2 hours' where route_id = ${routeId}`;
    const eventId = await ground.report(name, 'firing');
    const question = { fingerprint: name, eventId, routeId };
    const { reason } = await ground.untilShown(
      question,
      { reason: 'renotify' },
      { reason: 'renotify_not_due' },
    );
    if (reason === 'renotify') return eventId;
  }
}

/** Makes the stream of one situation wait in the backlog for an hour, as if Temporal had refused its signals. */
export async function makeWait(
  ground: ShowcaseGround,
  name: string,
  { routeId, appId }: Routed,
): Promise<void> {
  const signal = { eventId: 'before', position: '1', status: 'firing', storedAt: 1 };
  await ground.sql`
    insert into dispatch.stream_backlog (workflow_id, fingerprint, route_id, connected_app_id, signal, position,
      first_position, reason, attempts, next_attempt_at)
    values (${`alert-${name}-${routeId}-${appId}`}, ${name}, ${routeId}, ${appId}, ${ground.sql.json(signal)}, 1, 1,
      'unreachable', 12, now() + interval '1 hour')`;
}

/** A fault that answers one situation with a status. */
export function answerWith(name: string, status: number, retryAfterSeconds?: number): FaultScript[number] {
  const retryAfter = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { streamContains: `-${name}-`, fault: { kind: 'status', status, ...retryAfter } };
}
