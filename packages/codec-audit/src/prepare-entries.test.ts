import { expect, test } from '@jest/globals';
import { AuditError } from './errors.ts';
import { MAX_ENTRIES, prepareEntries } from './prepare-entries.ts';
import { entryOf } from './testing/entries.ts';

test('every text is cleaned and bounded', () => {
  const hostile = `\0${'x'.repeat(100_000)}`;
  const [entry] = prepareEntries([
    entryOf({
      requestId: hostile,
      subject: hostile,
      namespace: hostile,
      domain: hostile,
      keyId: hostile,
      reason: hostile,
    }),
  ]);
  for (const text of [
    entry?.requestId,
    entry?.subject,
    entry?.namespace,
    entry?.domain,
    entry?.keyId,
    entry?.reason,
  ]) {
    expect(text).toMatch(/^\\u\{0\}x+…[0-9a-f]{16}$/);
    expect(text).toHaveLength(256);
  }
});

test('members that an entry does not have are not stored', () => {
  const withContent = { ...entryOf(), data: 'secret' };
  expect(prepareEntries([withContent])).toEqual([entryOf()]);
});

test.each([
  ['a count below zero', { count: -1 }],
  ['a part of a payload', { count: 0.5 }],
  ['a count that is no number', { count: Number.NaN }],
  ['a time that is none', { at: new Date(Number.NaN) }],
  ['a time before 1970', { at: new Date(-1) }],
  ['an unknown action', { action: 'delete' as 'decode' }],
  ['an unknown outcome', { outcome: 'maybe' as 'allowed' }],
])('%s is refused', (_, parts) => {
  expect(() => prepareEntries([entryOf(), entryOf(parts)])).toThrow(AuditError);
  expect(() => prepareEntries([entryOf(parts)])).toThrow(/cannot be stored/);
});

test('a request with thousands of key ids becomes a bounded number of entries that keep its count', () => {
  const given = Array.from({ length: 10_000 }, (_, index) =>
    entryOf({ keyId: `k${index}`, count: 3, outcome: index % 2 === 0 ? 'allowed' : 'denied' }),
  );
  const prepared = prepareEntries(given);
  expect(prepared.length).toBeLessThanOrEqual(MAX_ENTRIES);
  expect(prepared.slice(0, 128)).toEqual(given.slice(0, 128));
  for (const outcome of ['allowed', 'denied']) {
    const counts = prepared.filter((entry) => entry.outcome === outcome).map(({ count }) => count);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(15_000);
  }
  expect(prepared.at(-1)).toEqual(
    entryOf({
      outcome: 'denied',
      count: 4936 * 3,
      keyId: null,
      namespace: null,
      domain: null,
      reason: 'AUDIT_ENTRIES_FOLDED',
    }),
  );
});
