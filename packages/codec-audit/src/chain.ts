import { createHash } from 'node:crypto';
import type { AuditEntry, ChainedEntry, ChainHead } from './audit-entry.ts';
import { encodeEntry, HASH_BYTES, type EntryInPlace } from './encode-entry.ts';

/** The head of a chain without entries. */
export const EMPTY_CHAIN: ChainHead = { sequence: 0, hash: new Uint8Array(HASH_BYTES) };

/** The hash of an entry: SHA-256 of its canonical bytes, which hold the hash of the entry before. */
export function hashEntry(entry: EntryInPlace): Uint8Array {
  return createHash('sha256').update(encodeEntry(entry)).digest();
}

/** Puts entries behind a head, in their order. */
export function chainEntries(head: ChainHead, entries: readonly AuditEntry[]): readonly ChainedEntry[] {
  let { sequence, hash } = head;
  return entries.map((entry) => {
    const inPlace = { ...entry, sequence: sequence + 1, previousHash: hash };
    const chained = { ...inPlace, hash: hashEntry(inPlace) };
    ({ sequence, hash } = chained);
    return chained;
  });
}
