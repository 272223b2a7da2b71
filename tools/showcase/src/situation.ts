import type { AnswerTo } from '@heliograph/dispatch-api';
import type { EXPLAINED_REASONS } from '@heliograph/dispatch-workflows/explain';
import type { ShowcaseGround } from './showcase-ground.ts';

/** One issue, and the route on which an explanation of it gives the reason. */
export interface Question {
  readonly fingerprint: string;
  readonly eventId: string;
  readonly routeId: string;
}

/** Something that happens to an alert, and the reason that its explanation then gives. */
export interface Situation {
  /** Of the route, or of one of its streams. */
  readonly reason: (typeof EXPLAINED_REASONS)[number];
  /** What the stream's notification came to; default: whatever is settled. */
  readonly outcome?: 'delivered' | 'assumed_delivered' | 'dropped' | 'pending';
  readonly title: string;
  /** Takes more than a few seconds, or stops what other situations need; `npm test` leaves it out. */
  readonly isSlow?: true;
  /** Makes it happen, and says which issue to ask about. */
  play(ground: ShowcaseGround): Promise<Question>;
}

/** What is expected of an explanation. */
export type Expected = Pick<Situation, 'reason' | 'outcome'>;

/** What the API explains. */
export type Explanation = AnswerTo<'explainAlert'>['body'];

/** Whether an explanation gives the reason on the route in question. */
export function isShown(explanation: Explanation, routeId: string, { reason, outcome }: Expected): boolean {
  const route = explanation.routes.find(({ id }) => id === routeId);
  if (route === undefined) return false;
  if (outcome === undefined && route.reason === reason) return true;
  return route.streams.some(
    (stream) =>
      stream.reason === reason &&
      (outcome === undefined ? stream.outcome.kind !== 'pending' : stream.outcome.kind === outcome),
  );
}

/** Says in a few words what an explanation gives on a route. */
export function summarize(explanation: Explanation, routeId: string): string {
  const route = explanation.routes.find(({ id }) => id === routeId);
  if (route === undefined) return 'nothing about the route';
  const streams = route.streams.map(({ reason, outcome }) => `${reason} (${outcome.kind})`);
  return [route.reason, ...streams].join(', ');
}
