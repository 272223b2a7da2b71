import { createHash } from 'node:crypto';
import { isIdPart } from '../contract/alert-workflow-id.ts';

/**
 * Makes a fingerprint fit for a workflow id: one that is `[a-z0-9]{1,64}` stays as it is, any other becomes the
 * SHA-256 of its bytes, 64 hexadecimal digits. Different texts stay different. ClickHouse makes the same of every stored
 * row, in the column `stream_fingerprint`: rows are compared by that column only.
 */
export function toFingerprint(text: string): string {
  return isIdPart(text) ? text : createHash('sha256').update(text).digest('hex');
}

/** The fingerprint of an issue that names none: of its monitor and its labels, whatever their order. */
export function fingerprintOf(monitor: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([monitor, sorted]))
    .digest('hex')
    .slice(0, 32);
}
