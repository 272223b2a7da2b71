import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from '@jest/globals';
import { isPublicAddress, lookUpPublicAddress } from './is-public-address.ts';

test.each([
  '8.8.8.8',
  '1.1.1.1',
  '172.32.0.1',
  '100.63.255.255',
  '2606:4700:4700::1111',
  '[2606:4700:4700::1111]',
  '::ffff:8.8.8.8',
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
  '',
  'localhost',
  'example.com',
])('%j is not on the public internet', (address) => {
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
    await expect(lookUp('localhost', all)).resolves.toMatchObject({ error: { code: 'ADDRESS_NOT_ALLOWED' } });
  });

  test('returns a public address in the requested form', async () => {
    await expect(lookUp('8.8.8.8', true)).resolves.toEqual({
      error: null,
      found: [{ address: '8.8.8.8', family: 4 }],
    });
    await expect(lookUp('8.8.8.8', false)).resolves.toEqual({ error: null, found: '8.8.8.8' });
  });

  test('fails with the resolver error for a host name that does not exist', async () => {
    const { error } = await lookUp('no-such-name.invalid', true);
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(error?.code);
  });
});
