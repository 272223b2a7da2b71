import { parseDomainKeys } from '@heliograph/codec/codecs';
import { describe, expect, test } from '@jest/globals';
import { CliError } from './errors.ts';
import { retireKey } from './retire-key.ts';

const secret = (byte: number) => Buffer.alloc(32, byte).toString('base64url');
const ring = {
  domains: {
    dispatch: {
      active: 'k2',
      keys: [
        { id: 'k2', key: secret(2) },
        { id: 'k1', key: secret(1) },
        { id: 'old', key: secret(7), use: 'samples' },
      ],
    },
    health: {
      active: 'k1',
      keys: [
        { id: 'k1', key: secret(3) },
        { id: 'k0', key: secret(4) },
      ],
    },
  },
};
const text = JSON.stringify(ring);

describe('retiring a key', () => {
  test.each<[string, string | undefined, string]>([
    ['old', undefined, 'dispatch'],
    ['k0', undefined, 'health'],
    ['k1', 'dispatch', 'dispatch'],
  ])('takes %s out, and leaves everything else', (keyId, domain, expected) => {
    const retired = retireKey(text, keyId, domain);
    expect(retired).toMatchObject({ keyId, domain: expected });
    const keys = ring.domains[expected as 'dispatch'];
    expect(JSON.parse(retired.text)).toEqual({
      domains: { ...ring.domains, [expected]: { ...keys, keys: keys.keys.filter(({ id }) => id !== keyId) } },
    });
    expect(() => parseDomainKeys(retired.text)).not.toThrow();
  });

  test.each<[string, string | undefined, RegExp]>([
    ['k1', undefined, /in the domains dispatch, health; use --domain/],
    ['k1', 'health', /is the active one of the domain health/],
    ['k2', undefined, /is the active one of the domain dispatch/],
    ['k9', undefined, /has no key k9$/],
    ['k9', 'health', /has no key k9 in the domain health/],
    ['k1', 'fill', /has no key k1 in the domain fill/],
    ['constructor', undefined, /has no key/],
  ])('%s of %s is refused', (keyId, domain, line) => {
    expect(() => retireKey(text, keyId, domain)).toThrow(line);
    expect(() => retireKey(text, keyId, domain)).toThrow(CliError);
  });

  test.each(['', '{', '[]', '{"domains":{"a":{"active":"k","keys":[]}}}', text.replace(secret(1), 'short')])(
    'a file that is no key file is refused, and no key is quoted: %#',
    (broken) => {
      expect(() => retireKey(broken, 'k1')).toThrow(/^--keys: The key ring cannot be used/);
      expect(() => retireKey(broken, 'k1')).not.toThrow(/short/);
    },
  );
});
