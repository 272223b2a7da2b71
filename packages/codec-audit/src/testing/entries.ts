import type { AuditEntry } from '../audit-entry.ts';
import { AUDIT_ACTIONS, AUDIT_OUTCOMES } from '../audit-entry.ts';
import fc from 'fast-check';

/** An entry as the codec server makes one. */
export function entryOf(parts: Partial<AuditEntry> = {}): AuditEntry {
  return {
    at: new Date('2026-01-31T12:00:00.123Z'),
    requestId: 'req-1',
    subject: 'user:ada',
    action: 'decode',
    namespace: 'default',
    domain: 'dispatch',
    keyId: 'k1',
    count: 2,
    outcome: 'allowed',
    reason: null,
    ...parts,
  };
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\0', '\u{202e}', 'a\\'),
);
const optional = fc.option(text, { nil: null });

/** Entries with texts that nobody should be able to choose. */
export const anyEntry: fc.Arbitrary<AuditEntry> = fc.record({
  at: fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
  requestId: text,
  subject: optional,
  action: fc.constantFrom(...AUDIT_ACTIONS),
  namespace: optional,
  domain: optional,
  keyId: optional,
  count: fc.nat(),
  outcome: fc.constantFrom(...AUDIT_OUTCOMES),
  reason: optional,
});
