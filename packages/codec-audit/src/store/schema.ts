import { bytea, instant } from '@heliograph/database';
import { sql } from 'drizzle-orm';
import { bigint, check, index, pgSchema, text } from 'drizzle-orm/pg-core';
import { AUDIT_ACTIONS, AUDIT_OUTCOMES } from '../audit-entry.ts';

/** Everything that the audit log keeps in PostgreSQL. Nobody else writes it, and nobody changes it. */
export const codecAudit = pgSchema('codec_audit');

/** The chain. Triggers refuse UPDATE, DELETE and TRUNCATE; the last migration that touches them says how. */
export const entries = codecAudit.table(
  'entries',
  {
    sequence: bigint('sequence', { mode: 'number' }).primaryKey(),
    /** In milliseconds, as the hash has it: with more digits, a change below a millisecond would not be noticed. */
    at: instant('at').notNull(),
    requestId: text('request_id').notNull(),
    subject: text('subject'),
    action: text('action', { enum: AUDIT_ACTIONS }).notNull(),
    namespace: text('namespace'),
    domain: text('domain'),
    keyId: text('key_id'),
    count: bigint('count', { mode: 'number' }).notNull(),
    outcome: text('outcome', { enum: AUDIT_OUTCOMES }).notNull(),
    reason: text('reason'),
    previousHash: bytea('previous_hash').notNull(),
    hash: bytea('hash').notNull(),
  },
  (table) => [
    index('entries_at').on(table.at),
    index('entries_subject').on(table.subject, table.sequence),
    index('entries_request').on(table.requestId),
    index('entries_namespace').on(table.namespace, table.domain, table.sequence),
    check(
      'entries_hash_length',
      sql`octet_length(${table.previousHash}) = 32 and octet_length(${table.hash}) = 32`,
    ),
  ],
);
