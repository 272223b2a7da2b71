import { defineOperation, dictionary, inputErrorSchema, instantInput } from '@heliograph/api-contract';
import * as v from 'valibot';

/** How many issues one request stores at most. */
export const MAX_BATCH = 1000;
const MAX_LABELS = 100;

/** What a monitor can report of an alert. */
export const ISSUE_STATUSES = ['firing', 'resolved', 'suppressed'] as const;

/** JSON can carry half of a surrogate pair, which no database takes: it would fail the whole batch. */
const text = (maxLength: number) =>
  v.pipe(
    v.string(),
    v.maxLength(maxLength),
    v.check((given) => !/\p{Surrogate}/u.test(given), 'Expected well-formed Unicode.'),
  );
const name = (maxLength: number) => v.pipe(text(maxLength), v.minLength(1));
const texts = (maxLength: number) =>
  v.pipe(
    dictionary(name(256), text(maxLength)),
    v.check((record) => Object.keys(record).length <= MAX_LABELS, `Expected at most ${MAX_LABELS} entries.`),
  );

/** An issue as a monitor reports it. */
export const issueInput = v.strictObject({
  eventId: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[\w.:-]{1,128}$/, 'Expected 1 to 128 of letters, digits, _ . : -'),
      v.description(
        'Identifies this report; repeat it when you repeat the request, and with no other content. Default: derived ' +
          'from the Idempotency-Key and the place in the request, or a new one.',
      ),
    ),
  ),
  monitor: name(256),
  fingerprint: v.optional(
    v.pipe(
      name(1024),
      v.description('Identifies the alert over all its issues. Default: a hash of monitor and labels.'),
    ),
  ),
  status: v.picklist(ISSUE_STATUSES),
  severity: v.optional(name(64), 'none'),
  labels: v.optional(texts(4096), {}),
  annotations: v.optional(texts(32_768), {}),
  startsAt: v.optional(v.pipe(instantInput, v.description('Default: when the request was received.'))),
  endsAt: v.optional(v.nullable(instantInput), null),
});

/** An issue as a monitor reports it, before defaults. */
export type IssueInput = v.InferInput<typeof issueInput>;

/** Many issues in one request. */
const issueBatchInput = v.strictObject({
  issues: v.pipe(v.array(issueInput), v.minLength(1), v.maxLength(MAX_BATCH)),
});

const storedIssue = v.object({
  index: v.pipe(v.number(), v.integer(), v.description('The place in the request, from 0.')),
  eventId: v.string(),
  fingerprint: v.string(),
});
const refusedIssue = v.object({ index: v.pipe(v.number(), v.integer()), errors: v.array(inputErrorSchema) });

/** The result for each issue of a request. */
const storeIssuesAnswer = v.object({
  stored: v.array(storedIssue),
  refused: v.array(refusedIssue),
});

/** The result for each issue of a request. */
export type StoreIssuesAnswer = v.InferOutput<typeof storeIssuesAnswer>;

/** `POST /api/v1/issues`. */
export const storeIssues = defineOperation({
  method: 'POST',
  path: '/api/v1/issues',
  operationId: 'storeIssues',
  tags: ['issues'],
  summary: 'Store an issue, or a batch of at most 1,000 as {"issues": […]}',
  description:
    'A malformed issue of a batch is refused with its index and the others are stored (207), and so is one whose event ' +
    'id is stored with other content. Repeat the same request with its event ids or its Idempotency-Key, at any time ' +
    'and to any instance, and nothing is stored twice.',
  scope: 'issues:write',
  bodyLimitBytes: 8 * 1024 * 1024,
  idempotency: 'optional',
  body: v.union([issueBatchInput, issueInput]),
  responses: {
    200: { description: 'All are stored.', schema: storeIssuesAnswer },
    207: { description: 'Some are stored, some are refused.', schema: storeIssuesAnswer },
  },
  problems: { 409: ['ISSUES_EVENT_ID_REUSED'], 422: ['ISSUES_INVALID'] },
  isRepeatable: (body, { idempotencyKey }) => idempotencyKey !== undefined || hasEventIds(body),
});

/** Issues with event ids are stored once, whichever process of the API takes the repetition. */
function hasEventIds(body: unknown): boolean {
  const batch = isObject(body) && 'issues' in body ? body.issues : [body];
  return (
    Array.isArray(batch) &&
    batch.every((issue) => isObject(issue) && 'eventId' in issue && issue.eventId !== undefined)
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
