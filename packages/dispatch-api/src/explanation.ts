import { defineOperation, dictionary, instant, instantInput } from '@heliograph/api-contract';
import * as v from 'valibot';

import { ISSUE_STATUSES } from './issues.ts';

/** Why a route notified of an issue, or did not. */
export const ROUTE_REASONS = [
  'matched',
  'not_matched',
  'route_disabled',
  'route_removed',
  'route_unreadable',
  'no_connected_app',
  'route_is_newer',
  'query_too_complex',
] as const;

/** Why a stream decided to notify, or to stay silent. */
export const DECISION_REASONS = [
  'new',
  'renotify',
  'suppression_bypass',
  'resolved',
  'resolve_owed',
  'older_than_last',
  'continuing',
  'renotify_not_due',
  'suppressed',
  'resolved_without_notification',
  'stale',
  'superseded_by_newer',
] as const;

/** Why an alert stream notified of an issue, or did not. */
export const STREAM_REASONS = [
  ...DECISION_REASONS,
  'rejected',
  'signal_expired',
  'signal_expired_rate_limited',
  'connected_app_missing',
  'issue_missing',
  'secret_unreadable',
  'superseded',
  'connected_app_disabled',
  'waiting_in_backlog',
  'not_decided_yet',
  'not_scanned_yet',
  'decision_not_recorded',
] as const;

/** State of the notification; `none` if there was none to send. */
export const STREAM_OUTCOMES = ['delivered', 'assumed_delivered', 'dropped', 'pending', 'none'] as const;

/** The outcome of one delivery attempt. */
export const ATTEMPT_OUTCOMES = [
  'delivered',
  'refused',
  'rate_limited',
  'uncertain',
  'assumed_delivered',
  'dropped',
] as const;

/** The kinds of notifications. */
export const NOTIFICATION_KINDS = ['trigger', 'update', 'resolve'] as const;

const text = v.string();
const nullableText = v.nullable(v.string());
const nullableInstant = v.nullable(instant);
const described = <const TSchema extends v.GenericSchema>(schema: TSchema, description: string) =>
  v.pipe(schema, v.description(description));

const attempt = v.object({
  at: instant,
  attempt: described(v.number(), 'Which attempt of the notification it was, from 1.'),
  outcome: v.picklist(ATTEMPT_OUTCOMES),
  code: nullableText,
  status: described(v.nullable(v.number()), 'HTTP status.'),
  durationMs: v.number(),
  waitMs: described(v.nullable(v.number()), 'How long the provider asked to wait.'),
});

const decision = v.object({
  reason: v.picklist(DECISION_REASONS),
  kind: v.nullable(v.picklist(NOTIFICATION_KINDS)),
  at: described(nullableInstant, 'Of silent decisions that were alike, the last one.'),
  first: v.optional(text),
  last: v.optional(text),
  count: v.optional(v.number()),
});

const stream = v.object({
  workflowId: text,
  connectedAppId: text,
  connectedAppName: described(nullableText, 'Null if the connected app was removed.'),
  provider: nullableText,
  reason: v.picklist(STREAM_REASONS),
  notify: described(v.boolean(), 'Whether a notification was decided, delivered or not.'),
  decision: v.nullable(decision),
  attempts: v.array(attempt),
  outcome: v.object({
    kind: v.picklist(STREAM_OUTCOMES),
    code: nullableText,
    at: nullableInstant,
    externalId: nullableText,
  }),
  wasUncertain: described(v.boolean(), 'Whether an attempt was ever in doubt.'),
  repeats: described(v.number(), 'How often the issue arrived again after it was decided.'),
  openNow: described(v.boolean(), 'Whether an incident is open at the provider now.'),
  owed: described(v.boolean(), 'Whether the alert has resolved meanwhile, so that a resolve is owed.'),
  nextRenotificationNotBefore: nullableInstant,
  throttledUntil: v.optional(
    described(nullableInstant, 'If it waits because the connected app is throttled, until when.'),
  ),
  summary: text,
});

const route = v.object({
  id: text,
  name: text,
  version: described(v.number(), 'As it was when the issue was scanned; of a newer route, as it is now.'),
  matched: v.boolean(),
  clause: described(nullableText, 'The part of the query that was true, or the one that was not.'),
  reason: v.picklist(ROUTE_REASONS),
  summary: text,
  streams: v.array(stream),
});

/** What was decided about an issue and why. */
const explanationView = v.object({
  fingerprint: text,
  at: described(instant, 'The instant that was asked for.'),
  position: text,
  eventId: text,
  issue: described(
    v.nullable(
      v.object({
        eventId: text,
        monitor: text,
        status: v.picklist(ISSUE_STATUSES),
        severity: text,
        startsAt: instant,
        endsAt: nullableInstant,
        storedAt: instant,
        labels: dictionary(text, text),
      }),
    ),
    'Null if the row is gone and only the decision ledger still knows of it.',
  ),
  seenAt: described(nullableInstant, 'When a scan saw it first; null if none did so far.'),
  summary: text,
  routes: v.array(route),
});

/** What was decided about an issue and why. */
export type ExplanationView = v.InferOutput<typeof explanationView>;

/** `GET /api/v1/explain`. */
export const explainAlert = defineOperation({
  method: 'GET',
  path: '/api/v1/explain',
  operationId: 'explainAlert',
  tags: ['explain'],
  summary: 'Explain what was decided about an alert, by each route and for each connected app',
  description:
    'The newest issue of the fingerprint stored by `at` (default now), or the event `eventId`. A fingerprint may be ' +
    'given as the monitor reported it.',
  scope: 'explain:read',
  query: v.object({
    fingerprint: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
    at: v.optional(instantInput),
    eventId: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
  }),
  responses: { 200: { description: 'The explanation.', schema: explanationView } },
  problems: { 404: ['DISPATCH_ALERT_UNKNOWN'] },
});
