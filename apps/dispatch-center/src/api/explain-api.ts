import {
  ROUTE_REASONS,
  STREAM_OUTCOMES,
  STREAM_REASONS,
  type Explainer,
} from '@heliograph/dispatch-workflows/explain';
import { problem, type Edge } from '@heliograph/service';
import * as v from 'valibot';

const text = v.string();
const nullableText = v.nullable(v.string());
const nullableNumber = v.nullable(v.number());

const attempt = v.object({
  at: text,
  attempt: v.number(),
  outcome: v.picklist(['delivered', 'refused', 'rate_limited', 'uncertain', 'assumed_delivered', 'dropped']),
  code: nullableText,
  status: nullableNumber,
  durationMs: v.number(),
  waitMs: nullableNumber,
});

const stream = v.object({
  workflowId: text,
  connectedAppId: text,
  connectedAppName: nullableText,
  provider: nullableText,
  reason: v.picklist(STREAM_REASONS),
  notify: v.boolean(),
  decision: v.nullable(
    v.object({
      reason: text,
      kind: v.nullable(v.picklist(['trigger', 'update', 'resolve'])),
      at: nullableText,
      first: v.optional(text),
      last: v.optional(text),
      count: v.optional(v.number()),
    }),
  ),
  attempts: v.array(attempt),
  outcome: v.object({
    kind: v.picklist(STREAM_OUTCOMES),
    code: nullableText,
    at: nullableText,
    externalId: nullableText,
  }),
  wasUncertain: v.boolean(),
  repeats: v.number(),
  openNow: v.boolean(),
  owed: v.boolean(),
  nextRenotificationNotBefore: nullableText,
  summary: text,
});

const explanation = v.object({
  fingerprint: text,
  at: text,
  position: text,
  eventId: text,
  issue: v.nullable(
    v.object({
      eventId: text,
      monitor: text,
      status: v.picklist(['firing', 'resolved', 'suppressed']),
      severity: text,
      startsAt: text,
      endsAt: nullableText,
      storedAt: text,
      labels: v.record(text, text),
    }),
  ),
  seenAt: nullableText,
  summary: text,
  routes: v.array(
    v.object({
      id: text,
      name: text,
      version: v.number(),
      matched: v.boolean(),
      clause: nullableText,
      reason: v.picklist(ROUTE_REASONS),
      summary: text,
      streams: v.array(stream),
    }),
  ),
});

/** `Date.parse` takes the 31st of February for the 3rd of March. */
function exists(given: string): boolean {
  const day = given.slice(0, 10);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight) || Number.isNaN(Date.parse(given))) return false;
  return new Date(midnight).toISOString().startsWith(day);
}

const query = v.object({
  fingerprint: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
  at: v.optional(
    v.pipe(
      v.string(),
      v.isoTimestamp('Expected an instant such as 2026-01-31T12:00:00Z.'),
      v.check(exists, 'Expected an instant that exists.'),
      v.transform((given) => Date.parse(given)),
    ),
  ),
  eventId: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
});

/** `GET /api/v1/explain`: what was decided about an alert, and why. */
export function addExplainApi(edge: Edge, { explainer }: { readonly explainer: Explainer }): void {
  edge.route({
    method: 'GET',
    path: '/api/v1/explain',
    operationId: 'explainAlert',
    tags: ['explain'],
    summary: 'Explain what was decided about an alert, by each route and for each connected app',
    description:
      'The newest issue of the fingerprint stored by `at` (default now), or the event `eventId`. A fingerprint may be ' +
      'given as the monitor reported it.',
    scope: 'explain:read',
    query,
    responses: { 200: { description: 'The explanation.', schema: explanation } },
    handler: async ({ query: question }) => {
      const answer = await explainer.explain(question);
      if (answer === null) {
        throw problem(404, 'DISPATCH_ALERT_UNKNOWN', 'Nothing is known of this alert by then.');
      }
      return { status: 200, body: answer };
    },
  });
}
