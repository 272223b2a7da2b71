import { defineOperation, instant, instantInput, pageOf, pageQuery } from '@heliograph/api-contract';
import * as v from 'valibot';

/**
 * What a request of the codec server can ask for: payloads, the audit log, or keys, members and roles (`access`). `none`: it was
 * refused before anybody knew.
 */
export const AUDIT_ACTIONS = ['decode', 'encode', 'download', 'audit', 'access', 'none'] as const;

/** What can become of a request. */
export const AUDIT_OUTCOMES = ['allowed', 'denied', 'refused', 'failed'] as const;

/** The most entries of one page. */
export const MAX_AUDIT_PAGE = 1000;

/** What reading the audit log requires; no other scope includes it. */
export const AUDIT_SCOPE = 'audit:read';

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(1024));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const auditEntryView = v.object({
  sequence: v.pipe(v.number(), v.integer(), v.minValue(1)),
  at: instant,
  requestId: v.string(),
  subject: v.pipe(v.nullable(v.string()), v.description('Null where nobody was authenticated.')),
  action: v.picklist(AUDIT_ACTIONS),
  namespace: v.nullable(v.string()),
  domain: v.nullable(v.string()),
  keyId: v.nullable(v.string()),
  count: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(0),
    v.description('How many payloads; for `audit`, entries.'),
  ),
  outcome: v.picklist(AUDIT_OUTCOMES),
  reason: v.pipe(v.nullable(v.string()), v.description('A code; null where it was carried out.')),
  previousHash: v.pipe(hash, v.description('The hash of the entry before; zeros for the first.')),
  hash: v.pipe(hash, v.description('SHA-256 of the canonical bytes of the entry, in hex.')),
});

/** An entry of the audit log as the API shows it. */
export type AuditEntryView = v.InferOutput<typeof auditEntryView>;

/** `GET /api/v1/audit/entries`. */
export const listAuditEntries = defineOperation({
  method: 'GET',
  path: '/api/v1/audit/entries',
  operationId: 'listAuditEntries',
  tags: ['audit'],
  summary: 'List entries of the audit log',
  description:
    'All conditions hold. Texts are compared as the log has them: control characters and `\\` escaped, long ones shortened. ' +
    'With `order=oldest` and no condition, the pages are the whole chain, ready to be verified.',
  scope: AUDIT_SCOPE,
  query: v.object({
    ...pageQuery({ maxLimit: MAX_AUDIT_PAGE }),
    order: v.optional(v.picklist(['newest', 'oldest']), 'newest'),
    subject: v.optional(text),
    namespace: v.optional(text),
    domain: v.optional(text),
    keyId: v.optional(text),
    requestId: v.optional(text),
    action: v.optional(v.picklist(AUDIT_ACTIONS)),
    outcome: v.optional(v.picklist(AUDIT_OUTCOMES)),
    from: v.optional(v.pipe(instantInput, v.description('From this instant on.'))),
    to: v.optional(v.pipe(instantInput, v.description('Before this instant.'))),
  }),
  responses: { 200: { description: 'A page.', schema: pageOf(auditEntryView) } },
  problems: { 503: ['AUDIT_UNAVAILABLE'] },
});
