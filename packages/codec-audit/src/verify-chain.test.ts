import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ChainedEntry } from './audit-entry.ts';
import { chainEntries, EMPTY_CHAIN } from './chain.ts';
import { prepareEntries } from './prepare-entries.ts';
import { anyEntry, entryOf } from './testing/entries.ts';
import { verifyChain } from './verify-chain.ts';

const chainOf = (count: number): readonly ChainedEntry[] =>
  chainEntries(
    EMPTY_CHAIN,
    Array.from({ length: count }, (_, index) => entryOf({ requestId: `req-${index}` })),
  );
const headOf = (chain: readonly ChainedEntry[]) => {
  const last = chain.at(-1);
  return last === undefined ? EMPTY_CHAIN : { sequence: last.sequence, hash: last.hash };
};
const at = (chain: readonly ChainedEntry[], index: number): ChainedEntry => {
  const entry = chain[index];
  if (entry === undefined) throw new RangeError(`no entry ${index}`);
  return entry;
};

describe('verification', () => {
  test('an untouched chain is intact, also an empty one, and also when it was appended in parts', async () => {
    const chain = chainOf(5);
    await expect(verifyChain(chain)).resolves.toEqual({ kind: 'intact', head: headOf(chain) });
    await expect(verifyChain([])).resolves.toEqual({ kind: 'intact', head: EMPTY_CHAIN });
    const first = chainEntries(EMPTY_CHAIN, [entryOf({ requestId: 'a' }), entryOf({ requestId: 'b' })]);
    const second = chainEntries(headOf(first), [entryOf({ requestId: 'c' })]);
    await expect(verifyChain([...first, ...second])).resolves.toEqual({
      kind: 'intact',
      head: headOf(second),
    });
  });

  test.each<[string, (chain: readonly ChainedEntry[]) => readonly ChainedEntry[], string, number]>([
    ['a changed entry', (chain) => chain.with(2, { ...at(chain, 2), count: 1 }), 'changed', 3],
    ['a removed entry', (chain) => chain.toSpliced(2, 1), 'missing', 4],
    ['a removed beginning', (chain) => chain.slice(1), 'missing', 2],
    ['an entry twice', (chain) => chain.toSpliced(3, 0, at(chain, 2)), 'reordered', 3],
    [
      'entries that swapped places',
      (chain) => chain.with(2, at(chain, 3)).with(3, at(chain, 2)),
      'missing',
      4,
    ],
    [
      'entries that swapped their numbers',
      (chain) => chain.with(2, { ...at(chain, 3), sequence: 3 }).with(3, { ...at(chain, 2), sequence: 4 }),
      'unlinked',
      3,
    ],
    [
      'an entry that was replaced together with its hash',
      (chain) =>
        chain.with(2, at(chainEntries(headOf(chain.slice(0, 2)), [entryOf({ requestId: 'forged' })]), 0)),
      'unlinked',
      4,
    ],
  ])('finds %s', async (_, mutate, fault, sequence) => {
    await expect(verifyChain(mutate(chainOf(5)))).resolves.toMatchObject({
      kind: 'broken',
      fault,
      sequence,
    });
  });

  test('finds entries that are missing at the end, given a checkpoint; without one it cannot', async () => {
    const chain = chainOf(5);
    const cut = chain.slice(0, 3);
    await expect(verifyChain(cut)).resolves.toMatchObject({ kind: 'intact' });
    await expect(verifyChain(cut, { checkpoint: headOf(chain) })).resolves.toMatchObject({
      kind: 'broken',
      fault: 'truncated',
      sequence: 4,
    });
    await expect(verifyChain([], { checkpoint: headOf(chain) })).resolves.toMatchObject({
      fault: 'truncated',
      sequence: 1,
    });
  });

  test('finds a chain that was rewritten as a whole, given a checkpoint; without one it cannot', async () => {
    const chain = chainOf(5);
    const rewritten = chainEntries(
      EMPTY_CHAIN,
      chain.map((entry, index) => (index === 1 ? { ...entry, subject: 'user:eve' } : entry)),
    );
    await expect(verifyChain(rewritten)).resolves.toMatchObject({ kind: 'intact' });
    await expect(verifyChain(rewritten, { checkpoint: headOf(chain) })).resolves.toMatchObject({
      kind: 'broken',
      fault: 'rewritten',
      sequence: 5,
    });
    await expect(verifyChain(chainOf(9), { checkpoint: headOf(chain) })).resolves.toMatchObject({
      kind: 'intact',
    });
  });

  test.each<Partial<ChainedEntry>>([
    { at: new Date(Number.NaN) },
    { at: new Date(-1) },
    { count: -1 },
    { count: Number.NaN },
    { sequence: 1.5 },
    { sequence: Number.NaN },
  ])('numbers that no entry has are found, and end nothing: %j', async (parts) => {
    const chain = chainOf(2).map((entry, index) => (index === 0 ? { ...entry, ...parts } : entry));
    await expect(verifyChain(chain)).resolves.toMatchObject({ kind: 'broken', fault: 'changed' });
  });

  test('half of a surrogate pair does not pass for the character that stands for it', async () => {
    const [entry] = chainEntries(EMPTY_CHAIN, [entryOf({ subject: '\uFFFD' })]);
    await expect(
      verifyChain(entry === undefined ? [] : [{ ...entry, subject: '\uD800' }]),
    ).resolves.toMatchObject({ fault: 'changed' });
  });

  test('any single mutation of a stored chain is found', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEntry, { minLength: 1, maxLength: 8 }), fc.gen(), async (drafts, g) => {
        const chain = chainEntries(EMPTY_CHAIN, prepareEntries(drafts));
        const checkpoint = headOf(chain);
        await expect(verifyChain(chain, { checkpoint })).resolves.toMatchObject({ kind: 'intact' });
        const index = g(fc.nat, { max: chain.length - 1 });
        const entry = at(chain, index);
        const mutated = g(fc.constantFrom, ...mutationsOf(chain, index, entry, g(fc.nat)));
        await expect(verifyChain(mutated, { checkpoint })).resolves.toMatchObject({ kind: 'broken' });
      }),
    );
  });
});

/** Everything that whoever can write the table might do to one entry. */
function mutationsOf(
  chain: readonly ChainedEntry[],
  index: number,
  entry: ChainedEntry,
  salt: number,
): readonly (readonly ChainedEntry[])[] {
  const bit = (bytes: Uint8Array): Uint8Array => {
    const flipped = Uint8Array.from(bytes);
    const place = salt % flipped.length;
    flipped[place] = (flipped[place] ?? 0) ^ (1 << (salt % 8));
    return flipped;
  };
  const text = (value: string | null): string | null =>
    value === null ? '' : salt % 2 === 0 ? `${value}.` : null;
  const changed: readonly Partial<ChainedEntry>[] = [
    { sequence: entry.sequence + 1 },
    { at: new Date(entry.at.getTime() === 0 ? 1 : entry.at.getTime() - 1) },
    { requestId: `${entry.requestId}.` },
    { subject: text(entry.subject) },
    { action: entry.action === 'decode' ? 'encode' : 'decode' },
    { namespace: text(entry.namespace) },
    { domain: text(entry.domain) },
    { keyId: text(entry.keyId) },
    {
      namespace: entry.namespace === entry.domain ? `${entry.namespace}.` : entry.domain,
      domain: entry.namespace,
    },
    { count: entry.count + 1 },
    { outcome: entry.outcome === 'allowed' ? 'denied' : 'allowed' },
    { reason: text(entry.reason) },
    { previousHash: bit(entry.previousHash) },
    { hash: bit(entry.hash) },
    { hash: entry.hash.subarray(0, 31) },
  ];
  return [
    ...changed.map((parts) => chain.with(index, { ...entry, ...parts })),
    chain.toSpliced(index, 1),
    chain.toSpliced(index, 0, entry),
    ...(index === 0 ? [] : [chain.with(index, at(chain, index - 1)).with(index - 1, entry)]),
    chain.slice(0, index),
  ];
}
