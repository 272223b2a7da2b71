import * as v from 'valibot';

const nullableText = v.nullable(v.string());
const instant = v.pipe(
  v.string(),
  v.check((text) => !Number.isNaN(Date.parse(text)), 'Expected an instant.'),
);
const nullableInstant = v.nullable(instant);

// Reasons are open sets: a newer API may know more of them.
const attempt = v.looseObject({
  at: instant,
  attempt: v.number(),
  outcome: v.string(),
  code: nullableText,
  status: v.nullable(v.number()),
  durationMs: v.number(),
  waitMs: v.nullable(v.number()),
});

const stream = v.looseObject({
  workflowId: v.string(),
  connectedAppId: v.string(),
  connectedAppName: nullableText,
  provider: nullableText,
  reason: v.string(),
  attempts: v.array(attempt),
  outcome: v.looseObject({
    kind: v.string(),
    code: nullableText,
    at: nullableInstant,
    externalId: nullableText,
  }),
  openNow: v.boolean(),
  owed: v.boolean(),
  nextRenotificationNotBefore: nullableInstant,
  summary: v.string(),
});

const route = v.looseObject({
  id: v.string(),
  name: v.string(),
  version: v.number(),
  matched: v.boolean(),
  reason: v.string(),
  summary: v.string(),
  streams: v.array(stream),
});

/** What the command line reads of an explanation. */
export const explanationSchema = v.looseObject({
  fingerprint: v.string(),
  at: instant,
  eventId: v.string(),
  issue: v.nullable(
    v.looseObject({
      monitor: v.string(),
      status: v.string(),
      severity: v.string(),
      startsAt: instant,
      endsAt: nullableInstant,
      storedAt: instant,
      labels: v.record(v.string(), v.string()),
    }),
  ),
  seenAt: nullableInstant,
  summary: v.string(),
  routes: v.array(route),
});

/** An explanation as the API answers it. */
export type ExplanationAnswer = v.InferOutput<typeof explanationSchema>;

const debt = v.looseObject({
  workflowId: v.string(),
  fingerprint: v.string(),
  routeId: v.string(),
  connectedAppId: v.string(),
  notifiedAt: nullableInstant,
  issue: v.looseObject({ eventId: v.string(), storedAt: instant }),
  intent: v.nullable(v.looseObject({ status: v.string(), code: nullableText, updatedAt: instant })),
  updatedAt: instant,
});

/** What the command line reads of a page of debts. */
export const debtPageSchema = v.looseObject({ items: v.array(debt), nextCursor: nullableText });

/** A page of debts as the API answers it. */
export type DebtPageAnswer = v.InferOutput<typeof debtPageSchema>;

/** Something that is open outside although it is over, as the API answers it. */
export type DebtAnswer = v.InferOutput<typeof debt>;

/** Problem details, as far as they are shown. */
export const problemSchema = v.looseObject({
  code: v.optional(v.string()),
  detail: v.optional(v.string()),
  requestId: v.optional(v.string()),
  errors: v.optional(v.array(v.looseObject({ pointer: v.string(), detail: v.string() }))),
});
