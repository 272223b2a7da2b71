import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { AuditEntry } from './audit-entry.ts';
import { chainEntries, EMPTY_CHAIN } from './chain.ts';
import { encodeEntry } from './encode-entry.ts';

interface Vector {
  readonly entry: Omit<AuditEntry, 'at'> & { readonly at: string };
  readonly sequence: number;
  readonly previousHash: string;
  readonly bytes: string;
  readonly hash: string;
}

test('the published vectors form one chain, and hold its bytes and hashes', () => {
  const { vectors }: { readonly vectors: readonly Vector[] } = JSON.parse(
    readFileSync(new URL('../vectors/v1.json', import.meta.url), 'utf8'),
  );
  const chained = chainEntries(
    EMPTY_CHAIN,
    vectors.map(({ entry }) => ({ ...entry, at: new Date(entry.at) })),
  );
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  expect(
    chained.map((entry) => ({
      sequence: entry.sequence,
      previousHash: hex(entry.previousHash),
      bytes: hex(encodeEntry(entry)),
      hash: hex(entry.hash),
    })),
  ).toEqual(
    vectors.map(({ sequence, previousHash, bytes, hash }) => ({ sequence, previousHash, bytes, hash })),
  );
});
