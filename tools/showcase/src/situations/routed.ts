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

/** A fault that answers one situation with a status. */
export function answerWith(name: string, status: number, retryAfterSeconds?: number): FaultScript[number] {
  const retryAfter = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { streamContains: `-${name}-`, fault: { kind: 'status', status, ...retryAfter } };
}
