import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isIdPart } from '../contract/alert-workflow-id.ts';
import { fingerprintOf, toFingerprint } from './fingerprint.ts';

describe('a given fingerprint', () => {
  test.each(['2823f61ada06aa1c', 'a', '0', 'x'.repeat(64)])('%s stays as it is', (text) => {
    expect(toFingerprint(text)).toBe(text);
  });

  test.each(['', 'A', 'a-b', 'a b', 'x'.repeat(65), 'ä', '🔥', 'a\n', 'a/../b'])(
    '%j becomes 64 hexadecimal digits',
    (text) => {
      expect(toFingerprint(text)).toMatch(/^[0-9a-f]{64}$/);
    },
  );

  test('always fits into a workflow id, and is the same the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const fingerprint = toFingerprint(text);
        expect(isIdPart(fingerprint)).toBe(true);
        expect(toFingerprint(fingerprint)).toBe(fingerprint);
      }),
    );
  });
});

describe('the fingerprint of an issue that names none', () => {
  const labels = { namespace: 'payments', pod: 'web-1' };

  test('does not depend on the order of its labels', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (record) => {
        const reversed = Object.fromEntries(Object.entries(record).toReversed());
        expect(fingerprintOf('m', reversed)).toBe(fingerprintOf('m', record));
        expect(isIdPart(fingerprintOf('m', record))).toBe(true);
      }),
    );
  });

  test.each<[string, string, Readonly<Record<string, string>>]>([
    ['another monitor', 'm2', labels],
    ['another value', 'm', { ...labels, pod: 'web-2' }],
    ['one label less', 'm', { pod: 'web-1' }],
    ['values that moved', 'm', { namespace: 'web-1', pod: 'payments' }],
  ])('differs for %s', (_, monitor, other) => {
    expect(fingerprintOf(monitor, other)).not.toBe(fingerprintOf('m', labels));
  });
});
