import { TLS_AUTHORITY } from '@heliograph/simulators';
import { describe, expect, test } from '@jest/globals';
import { checkTlsMaterial, type TemporalTls } from './tls-material.ts';

const { ca, first, second, expired } = TLS_AUTHORITY;
const now = Date.parse('2026-11-25T00:00:00Z');
const pair = ({ cert, key }: { cert: string; key: string }): TemporalTls => ({
  clientCertificate: cert,
  clientKey: key,
});

test('material that can be used says until when', () => {
  expect(checkTlsMaterial({}, now)).toBeNull();
  expect(checkTlsMaterial({ rootCaCertificate: ca }, now)).toBeNull();
  expect(checkTlsMaterial({ rootCaCertificate: ca + first.cert, ...pair(first) }, now)).toEqual(
    new Date('2126-01-01T00:00:00Z'),
  );
  expect(checkTlsMaterial(pair({ cert: first.cert + ca, key: first.key }), now)).not.toBeNull();
  const commented = `# root\n---- of all ----\n${ca}# next\n${first.key}${second.cert}`;
  expect(checkTlsMaterial({ rootCaCertificate: commented }, now)).toBeNull();
  expect(checkTlsMaterial(pair({ cert: first.cert + first.key, key: first.key }), now)).not.toBeNull();
});

describe('a bundle that is half written is refused, wherever it is cut', () => {
  const head = '-----BEGIN CERTIFICATE-----';
  const cuts: readonly [string, string][] = [
    ['in the next root', second.cert.slice(0, 200)],
    ['in the end of the next root', second.cert.trimEnd().slice(0, -3)],
    ['after its first line', `${head}\n`],
    ['in its first line', head.slice(0, 9)],
    ['in the first hyphens', '--'],
    ['before a whole one', second.cert.slice(0, 200) + ca],
    ['without its beginning', second.cert.slice(200)],
    ['in a key', first.key.slice(0, 60)],
  ];
  test.each(cuts)('%s', (_, torn) => {
    const problem = 'cannot be used: the file is cut off';
    expect(() => checkTlsMaterial({ rootCaCertificate: ca + torn }, now)).toThrow(
      `the root CA certificate ${problem}`,
    );
    expect(() => checkTlsMaterial(pair({ ...first, cert: first.cert + torn }), now)).toThrow(
      `the client certificate with its chain ${problem}`,
    );
  });
});

describe('refused with one line that shows no secret', () => {
  test.each<[string, TemporalTls, string]>([
    ['a key of another certificate', pair({ ...first, key: second.key }), 'is not that of the client'],
    ['a certificate that has expired', pair(expired), 'expired at 2025-02-01T00:00:00.000Z'],
    ['no PEM as certificate', pair({ ...first, cert: 'hunter2' }), 'the client certificate cannot be used'],
    ['no PEM as key', pair({ ...first, key: 'hunter2' }), 'the client key cannot be used'],
    ['an empty key', pair({ ...first, key: '' }), 'the client key cannot be used'],
    [
      'a broken chain',
      pair({ ...first, cert: `${first.cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` }),
      'with its chain cannot be used',
    ],
    ['no PEM as root', { rootCaCertificate: 'hunter2' }, 'the root CA certificate cannot be used'],
    ['a key as root', { rootCaCertificate: first.key }, 'the root CA certificate cannot be used'],
  ])('%s', (_, tls, problem) => {
    const refused = () => checkTlsMaterial(tls, now);
    expect(refused).toThrow(expect.objectContaining({ code: 'TEMPORAL_TLS_INVALID', retryable: false }));
    expect(refused).toThrow(problem);
    expect(refused).toThrow(/^[^\n]+$/);
    expect(refused).not.toThrow('hunter2');
  });

  test('a certificate that is not valid yet', () => {
    expect(() => checkTlsMaterial(pair(first), Date.parse('2025-06-01'))).toThrow(
      'is not valid before 2026-01-01T00:00:00.000Z',
    );
  });

  test('half of a pair', () => {
    expect(() => checkTlsMaterial({ clientKey: first.key }, now)).toThrow('set both');
  });
});
