import { AUDIT_ACTIONS, AUDIT_OUTCOMES, type AuditEntry } from './audit-entry.ts';
import { cleanText } from './clean-text.ts';
import { AuditError } from './errors.ts';

/** The longest text of an entry, in UTF-16 code units. */
const MAX_TEXT_LENGTH = 256;

/** The most entries of one append. */
export const MAX_ENTRIES = 256;

/** The reason of an entry that stands for several. */
export const FOLDED_REASON = 'AUDIT_ENTRIES_FOLDED';

const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Checks entries, cleans their texts and bounds their number: beyond 256, those that share request, subject, action and
 * outcome become one with their sum, without namespace, domain and key, and with the reason `AUDIT_ENTRIES_FOLDED`.
 *
 * @throws AuditError AUDIT_ENTRY_INVALID
 */
export function prepareEntries(entries: readonly AuditEntry[]): readonly AuditEntry[] {
  const prepared = entries.map(prepareEntry);
  return prepared.length <= MAX_ENTRIES ? prepared : foldEntries(prepared);
}

/** Cleans a text of an entry, or one that is compared with it; null stays null. */
export function cleanField(text: string | null): string | null {
  return text === null ? null : cleanText(text, MAX_TEXT_LENGTH);
}

function prepareEntry(entry: AuditEntry): AuditEntry {
  const { at, action, count, outcome } = entry;
  const time = at.getTime();
  if (!(time >= 0 && time <= LAST_INSTANT)) throw invalid('its time is no instant');
  if (!Number.isSafeInteger(count) || count < 0) throw invalid('its count is no whole number from 0 on');
  if (!AUDIT_ACTIONS.includes(action)) throw invalid('its action is unknown');
  if (!AUDIT_OUTCOMES.includes(outcome)) throw invalid('its outcome is unknown');
  return {
    at: new Date(time),
    requestId: cleanText(entry.requestId, MAX_TEXT_LENGTH),
    subject: cleanField(entry.subject),
    action,
    namespace: cleanField(entry.namespace),
    domain: cleanField(entry.domain),
    keyId: cleanField(entry.keyId),
    count,
    outcome,
    reason: cleanField(entry.reason),
  };
}

function foldEntries(entries: readonly AuditEntry[]): readonly AuditEntry[] {
  const kept = entries.slice(0, MAX_ENTRIES / 2);
  const folded = new Map<string, AuditEntry>();
  for (const entry of entries.slice(kept.length)) {
    const key = JSON.stringify([entry.requestId, entry.subject, entry.action, entry.outcome]);
    const count = Math.min((folded.get(key)?.count ?? 0) + entry.count, Number.MAX_SAFE_INTEGER);
    folded.set(key, {
      ...entry,
      at: folded.get(key)?.at ?? entry.at,
      namespace: null,
      domain: null,
      keyId: null,
      reason: FOLDED_REASON,
      count,
    });
  }
  return [...kept, ...folded.values()];
}

function invalid(why: string): AuditError {
  return new AuditError('AUDIT_ENTRY_INVALID', `An audit entry cannot be stored: ${why}.`);
}
