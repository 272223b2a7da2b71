import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { isPublicAddress, lookUpPublicAddress } from './is-public-address.ts';

test.each([
  '8.8.8.8',
  '1.1.1.1',
  '172.32.0.1',
  '100.63.255.255',
  '2606:4700:4700::1111',
  '[2606:4700:4700::1111]',
  '::ffff:8.8.8.8',
  '2001:200::1',
  '2a00:1450:4001:82a::200e',
])('%s is on the public internet', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  '127.0.0.1',
  '127.8.9.10',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '[::1]',
  'fe80::1',
  'fe80::1%eth0',
  'fc00::1',
  'fd12:3456::1',
  'ff02::1',
  '2001:db8::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '[::ffff:10.0.0.1]',
  '::ffff:169.254.169.254',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001::1',
  '::7f00:1',
  '[::7f00:1]',
  '::127.0.0.1',
  '4000::1',
  '2606:[4700:4700::1111',
  '2606:4700:]4700::1111',
  '',
  'localhost',
  'example.com',
])('%j is not on the public internet', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

/** IANA's IPv4 and IPv6 special-purpose address registries, every entry but mapped addresses; then multicast and the rest. */
const SPECIAL_PURPOSE = `
  0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29
  192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24
  192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4
  255.255.255.255/32
  ::1/128 ::/128 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128 2001:1::2/128
  2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16
  2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10
  224.0.0.0/4 ff00::/8 ::/96 ::ffff:0:0:0/96 fec0::/10 ::/3 4000::/2 8000::/1`
  .trim()
  .split(/\s+/);
/** Any address of a block: its first and its last one are tried most. */
const anyAddressOf = (block: string): fc.Arbitrary<string> => {
  const [base, bits] = ipaddr.parseCIDR(block);
  const bytes = base.toByteArray();
  const byte = fc.oneof(fc.constantFrom(0, 255), fc.integer({ min: 0, max: 255 }));
  return fc.array(byte, { minLength: bytes.length, maxLength: bytes.length }).map((free) =>
    ipaddr
      .fromByteArray(
        bytes.map((fixed, at) => {
          const mask = (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))) & 0xff;
          return (fixed & mask) | ((free[at] ?? 0) & ~mask & 0xff);
        }),
      )
      .toString(),
  );
};

test.each(SPECIAL_PURPOSE)('no address of %s is on the public internet, in whatever form', (block) => {
  fc.assert(
    fc.property(anyAddressOf(block), (address) => {
      // A mapped address counts as the IPv4 address.
      fc.pre(!/^::ffff:[\da-f]+:[\da-f]+$/.test(address));
      const forms = address.includes(':')
        ? [address, `[${address}]`, ipaddr.IPv6.parse(address).toNormalizedString()]
        : [address, `::${address}`, `::ffff:${address}`, `::ffff:0:${address}`, `64:ff9b::${address}`];
      expect(forms.filter((form) => isPublicAddress(form))).toEqual([]);
    }),
  );
});

test.each([
  ['Amazon, Google, Azure, Oracle, DigitalOcean', '169.254.169.254'],
  ['Amazon, for containers', '169.254.170.2'],
  ['Amazon, IPv6', 'fd00:ec2::254'],
  ['Google, IPv6', 'fd20:ce::254'],
  ['Azure, platform', '168.63.129.16'],
  ['Azure, platform, mapped', '::ffff:a83f:8110'],
  ['Azure, platform, compatible', '::168.63.129.16'],
  ['Alibaba', '100.100.100.200'],
  ['Oracle, earlier', '192.0.0.192'],
])('the metadata address of %s is not on the public internet: %s', (_, address) => {
  expect(isPublicAddress(address)).toBe(false);
});

describe('a lookup of public addresses only', () => {
  const lookUp = (hostname: string, all: boolean) =>
    new Promise<{ readonly error: NodeJS.ErrnoException | null; readonly found: string | LookupAddress[] }>(
      (resolve) => {
        lookUpPublicAddress(hostname, { all }, (error, found) => resolve({ error, found }));
      },
    );

  test.each([true, false])('fails for a host name that resolves to loopback (all: %j)', async (all) => {
    await expect(lookUp('localhost', all)).resolves.toMatchObject({
      error: {
        name: 'AddressNotAllowedError',
        code: 'ADDRESS_NOT_ALLOWED',
        message: 'the host name does not resolve to a public address',
      },
      found: '',
    });
  });

  test('returns a public address in the requested form', async () => {
    await expect(lookUp('8.8.8.8', true)).resolves.toEqual({
      error: null,
      found: [{ address: '8.8.8.8', family: 4 }],
    });
    await expect(lookUp('8.8.8.8', false)).resolves.toEqual({ error: null, found: '8.8.8.8' });
  });

  test('fails with the resolver error for a host name that does not exist', async () => {
    const { error, found } = await lookUp('no-such-name.invalid', true);
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(error?.code);
    expect(found).toBe('');
  });
});
