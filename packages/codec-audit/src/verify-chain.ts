import type { VerifiableEntry, ChainHead } from './audit-entry.ts';
import { EMPTY_CHAIN, hashEntry } from './chain.ts';
import { HASH_BYTES } from './encode-entry.ts';

/** A head that was kept elsewhere: the chain must still hold it. */
export type Checkpoint = ChainHead;

/**
 * What is wrong with a chain, at the first entry where something is.
 *
 * - `changed`: the entry is not what its hash was made of.
 * - `unlinked`: it does not follow from the entry before it.
 * - `missing`: entries between the one before and this one are gone.
 * - `reordered`: it comes after an entry with the same or a higher number.
 * - `rewritten`: the chain is consistent, and is not the one that the checkpoint was taken of.
 * - `truncated`: the chain ends before the checkpoint.
 */
export type ChainFault = 'changed' | 'unlinked' | 'missing' | 'reordered' | 'rewritten' | 'truncated';

/** The result of a verification; `head` is the last entry that is in order. */
export type ChainReport =
  | { readonly kind: 'intact'; readonly head: ChainHead }
  | {
      readonly kind: 'broken';
      readonly fault: ChainFault;
      /** The number of the entry at which it was found. */
      readonly sequence: number;
      readonly head: ChainHead;
    };

/**
 * Verifies a chain from its first entry, one entry at a time, with memory for one. Without a checkpoint it cannot notice
 * that entries are missing at the end, nor that whoever may write the table has rewritten all of it.
 */
export async function verifyChain(
  entries: AsyncIterable<VerifiableEntry> | Iterable<VerifiableEntry>,
  options: { readonly checkpoint?: Checkpoint } = {},
): Promise<ChainReport> {
  const { checkpoint } = options;
  let head = EMPTY_CHAIN;
  for await (const entry of entries) {
    const fault = findFault(head, entry) ?? (holds(checkpoint, entry) ? null : 'rewritten');
    if (fault !== null) return { kind: 'broken', fault, sequence: entry.sequence, head };
    head = { sequence: entry.sequence, hash: entry.hash };
  }
  if (checkpoint !== undefined && checkpoint.sequence > head.sequence)
    return { kind: 'broken', fault: 'truncated', sequence: head.sequence + 1, head };
  return { kind: 'intact', head };
}

/** What is wrong with an entry behind a head; null where nothing is. */
export function findFault(head: ChainHead, entry: VerifiableEntry): ChainFault | null {
  if (!Number.isSafeInteger(entry.sequence)) return 'changed';
  if (entry.sequence <= head.sequence) return 'reordered';
  if (entry.sequence !== head.sequence + 1) return 'missing';
  if (!isEqual(entry.previousHash, head.hash)) return 'unlinked';
  return isHashable(entry) && isWellFormed(entry) && isEqual(entry.hash, hashEntry(entry)) ? null : 'changed';
}

function holds(checkpoint: Checkpoint | undefined, entry: VerifiableEntry): boolean {
  return checkpoint?.sequence !== entry.sequence || isEqual(checkpoint.hash, entry.hash);
}

/** An entry that comes from elsewhere may hold numbers that no entry has. */
function isHashable({ at, count }: VerifiableEntry): boolean {
  return at.getTime() >= 0 && Number.isSafeInteger(count) && count >= 0;
}

/** A half of a surrogate pair has no UTF-8, so that it would hash like the replacement character. */
function isWellFormed({ requestId, subject, namespace, domain, keyId, reason }: VerifiableEntry): boolean {
  return [requestId, subject, namespace, domain, keyId, reason].every((text) => text?.isWellFormed() ?? true);
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === HASH_BYTES && Buffer.compare(left, right) === 0;
}
