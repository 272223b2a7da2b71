import type { VerifiableEntry } from './audit-entry.ts';

const FORMAT = 'heliograph-audit/1';

/** Bytes of a SHA-256. */
export const HASH_BYTES = 32;

/** What an entry is in its chain, apart from its own hash. */
export type EntryInPlace = Omit<VerifiableEntry, 'hash'>;

/**
 * Writes an entry as the bytes that its hash is made of; two different entries never give the same bytes. In this order:
 * `heliograph-audit/1`, sequence, hash of the entry before (32 bytes), time in milliseconds since 1970, count, request id,
 * subject, action, namespace, domain, key id, outcome, reason. Numbers have 8 bytes, big-endian. A text is its length in
 * UTF-8 (4 bytes, big-endian) and its UTF-8; null is the length `ff ff ff ff`.
 */
export function encodeEntry(entry: EntryInPlace): Uint8Array {
  return Buffer.concat([
    textBytes(FORMAT),
    numberBytes(entry.sequence),
    entry.previousHash,
    numberBytes(entry.at.getTime()),
    numberBytes(entry.count),
    textBytes(entry.requestId),
    textBytes(entry.subject),
    textBytes(entry.action),
    textBytes(entry.namespace),
    textBytes(entry.domain),
    textBytes(entry.keyId),
    textBytes(entry.outcome),
    textBytes(entry.reason),
  ]);
}

function numberBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function textBytes(text: string | null): Uint8Array {
  const bytes = Buffer.from(text ?? '', 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text === null ? 0xff_ff_ff_ff : bytes.length);
  return Buffer.concat([length, bytes]);
}
